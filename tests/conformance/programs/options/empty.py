"""Nothing any more."""
