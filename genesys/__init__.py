"""Genesys Cloud's side of a stack: its organization, as the stack's own OAuth client sees it."""
