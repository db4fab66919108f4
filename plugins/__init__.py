"""Pulumi plugins in Python: the language host, `docker`, `command`, served by one process a run.

They know nothing of EXEC, and nothing of EXEC imports them: Pulumi starts them. See README.md.
"""
