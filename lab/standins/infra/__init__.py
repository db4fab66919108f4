"""Stand-ins for what goes with EXEC and isn't in Debian, as their makers' images are begun."""
