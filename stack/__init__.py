"""What a stack file says and what follows from it."""
