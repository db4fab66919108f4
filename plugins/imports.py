"""What a program imports, imported before it runs."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path

FROM = re.compile(rb"^from[ \t]+(\w[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^#;\n]*)", re.MULTILINE)
IMPORT = re.compile(rb"^import[ \t]+(\w[^#;\n]*)", re.MULTILINE)
KNOWS_ITS_RUN = re.compile(
    rb"^[ \t]*(?:from[ \t]+\.|(?:from|import)\b[^#\n]*\bpulumi)", re.MULTILINE
)
"""An import of Pulumi's SDK, wherever it stands; or a relative one, which isn't followed."""


@dataclass(frozen=True)
class Source:
    """A file of a program: which modules it imports by absolute names at its outermost level, and
    which names from each; and whether what it does at import may depend on the run. (Parsing it
    properly takes ten times as long, and what is missed costs only time.)"""

    imports: dict[str, set[str]]
    knows_its_run: bool

    @classmethod
    def of(cls, file: Path) -> Source:
        """What the file says; nothing if it can't be read."""
        imports: dict[str, set[str]] = {}
        source = b""
        with contextlib.suppress(OSError):
            source = file.read_bytes()
        for module, names in FROM.findall(source):
            words = re.findall(r"\w+", names.decode(errors="replace"))
            imports.setdefault(module.decode(), set()).update(words)
        for modules in IMPORT.findall(source):
            for module in modules.split(b","):
                imports.setdefault(module.split()[0].decode(), set())
        return cls(imports, KNOWS_ITS_RUN.search(source) is not None)


class Program:
    """The files of the program in a directory, from its __main__ on."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._own: dict[str, list[str]] = {}
        """Each module of the program's own, with those that it imports of them."""
        self._tied: set[str] = set()
        """Those that import Pulumi's SDK: configuration and resources belong to the run."""
        self.installed: dict[str, set[str]] = {}
        """The modules of installed packages, and which names from each."""
        self._read("__main__")

    def free(self) -> list[str]:
        """Those of its own modules that nothing ties to a run, nor anything that they import."""
        tied = set(self._tied)
        while more := {m for m, needs in self._own.items() if m not in tied and tied & {*needs}}:
            tied |= more
        return sorted(self._own.keys() - tied - {"__main__"})

    def _read(self, module: str) -> None:
        place = self._directory.joinpath(*module.split("."))
        parent = module.rpartition(".")[0]
        needs = self._own.setdefault(module, [parent] if parent else [])
        for source in map(Source.of, (place.with_suffix(".py"), place / "__init__.py")):
            if source.knows_its_run:
                self._tied.add(module)
            for imported, names in sorted(source.imports.items()):
                if self._is_own(imported):
                    parts = (f"{imported}.{name}" for name in sorted(names))
                    needs += [imported, *filter(self._is_own, parts)]
                else:
                    self.installed.setdefault(imported, set()).update(names)
        for needed in needs:
            if needed not in self._own:
                self._read(needed)

    def _is_own(self, module: str) -> bool:
        place = self._directory.joinpath(*module.split("."))
        return place.is_dir() or place.with_suffix(".py").is_file()


def import_ahead(directory: Path) -> None:
    """Import the installed packages that the program in this directory will, and those of its own
    modules that know nothing of Pulumi: configuration, resources and what is printed belong to the
    run. `directory` is the first on the path. What fails, the program will meet, and say so."""
    program = Program(directory)
    for module, names in program.installed.items():
        with contextlib.suppress(BaseException):
            found = importlib.import_module(module)
            for name in names:  # some packages load what they hold when it's asked for
                getattr(found, name, None)
    free = program.free()
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
        for module in free:
            with contextlib.suppress(BaseException):
                importlib.import_module(module)
    if said.getvalue():
        for module in free:
            sys.modules.pop(module, None)
