"""What a program imports, imported before it runs."""

from __future__ import annotations

import contextlib
import importlib
import re
from pathlib import Path

FROM = re.compile(rb"^from[ \t]+(\w[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^#;\n]*)", re.MULTILINE)
IMPORT = re.compile(rb"^import[ \t]+(\w[^#;\n]*)", re.MULTILINE)


def imports_of(file: Path) -> dict[str, set[str]]:
    """The modules that a file imports by absolute names at its outermost level, and which names
    from each. (Parsing it properly takes ten times as long, and what is missed costs only time.)"""
    found: dict[str, set[str]] = {}
    with contextlib.suppress(OSError):
        source = file.read_bytes()
        for module, names in FROM.findall(source):
            words = re.findall(r"\w+", names.decode(errors="replace"))
            found.setdefault(module.decode(), set()).update(words)
        for modules in IMPORT.findall(source):
            for module in modules.split(b","):
                found.setdefault(module.split()[0].decode(), set())
    return found


def import_ahead(directory: Path) -> None:
    """Import the installed packages that the program in this directory will; its own modules are
    only read, to find what they import: a program's side effects belong to its run."""
    todo = [directory / "__main__.py"]
    seen: set[Path] = set()
    while todo:
        for module, names in sorted(imports_of(todo.pop()).items()):
            own = directory.joinpath(*module.split("."))
            files = [f for f in (own.with_suffix(".py"), own / "__init__.py") if f.is_file()]
            todo += [f for f in files if f not in seen]
            seen.update(files)
            if files or (directory / module.split(".")[0]).is_dir():
                continue
            with contextlib.suppress(BaseException):  # the program will meet it, and say so
                found = importlib.import_module(module)
                for name in names:  # some packages load what they hold when it's asked for
                    getattr(found, name, None)
