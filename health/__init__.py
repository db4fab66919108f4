"""What "healthy", "synced" and "safe to take down" mean, and how they are asked."""
