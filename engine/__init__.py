"""A Pulumi engine in the project's own process: Python programs, file:// state, the CLI's formats.

It knows nothing of the rest of the project, and whatever it doesn't do it refuses by name.
"""

VERSION_LINE = "v3.260.0"  # of the CLI whose behaviour the golden cases record
