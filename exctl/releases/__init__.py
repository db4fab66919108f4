"""What ran after each successful run, and the way back to it."""
