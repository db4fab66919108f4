"""Stack files: read, written, edited; their secrets."""
