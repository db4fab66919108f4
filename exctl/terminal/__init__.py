"""What the person at the terminal sees and is asked."""
