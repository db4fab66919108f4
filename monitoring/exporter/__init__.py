"""The process that asks every instance and host again and again, and serves what it saw."""
