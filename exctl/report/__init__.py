"""A stack on one page, and all that support needs of it."""
