"""Genesys Cloud as a stack needs it: asked with the stack's own OAuth client, judged and shown."""
