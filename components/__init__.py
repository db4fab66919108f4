"""What Pulumi is told: which resources an EXEC stack has, and which waits for which."""
