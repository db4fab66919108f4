"""Container images without a daemon: their names, the registry's HTTP API, and archives of them.

Nothing here knows of stacks or of SSH: who asks gives the session that carries the requests, and
makes the sentences of the errors, which are data.
"""
