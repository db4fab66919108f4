"""`uninstall` in an installation's directory: takes away what a kit has put there, no more."""

from __future__ import annotations

import sys
from pathlib import Path

from kit.errors import KitError
from kit.place import Place


def main(directory: str) -> int:
    """The exit code: 0 removed · 1 refused, or failed in the middle."""
    place = Place(Path(directory))
    try:
        if not place.current.is_symlink():
            raise KitError(f"{place.directory} holds no installation of a kit.")
        with place.alone():
            left = place.remove()
    except KitError as error:
        print(f"uninstall: {error} Nothing was removed.", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"uninstall: {error.filename}: {error.strerror}. Fix that, and remove"
            f" {place.versions} and the links that lead there yourself; everything else is yours.",
            file=sys.stderr,
        )
        return 1
    print(f"uninstall: removed from {place.directory}")
    if left:
        print(
            f"uninstall: yours stay there: {', '.join(left)}. Containers that your stacks have"
            f" deployed keep running."
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
