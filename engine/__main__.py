"""`python -m engine`, or `python <clone>/engine` from anywhere: the command line."""

from __future__ import annotations

import sys


def main() -> int:
    """The exit code of one command."""
    arguments = sys.argv[1:]
    if not __package__:  # run as a directory: Python put the directory itself on the path
        sys.path[0] = sys.path[0].rpartition("/")[0]
    if arguments in (["version"], ["--version"]):  # answered before anything else is imported
        from engine import VERSION_LINE

        print(VERSION_LINE)
        return 0
    from engine.cli import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
