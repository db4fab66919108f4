"""What goes with EXEC, as images. Prometheus, Alertmanager and the blackbox exporter are those of
Debian's packages, with the user, the data directory and the entry point that their makers' own
images have; the rest are stand-ins."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

NOBODY = 65534
ASSETS = "/usr/share/prometheus"
"""What the web pages and the notifications are made of."""


@dataclass(frozen=True)
class Program:
    image: str
    binary: str
    data_path: str | None = None

    @property
    def changes(self) -> tuple[str, ...]:
        """What the image says besides its files."""
        return (f'ENTRYPOINT ["{self.binary}"]', f"USER {NOBODY}")


PROGRAMS = (
    Program("prometheus", "/usr/bin/prometheus", "/prometheus"),
    Program("alertmanager", "/usr/bin/prometheus-alertmanager", "/alertmanager"),
    Program("blackbox-exporter", "/usr/bin/prometheus-blackbox-exporter"),
)


@dataclass(frozen=True)
class Standin:
    """A program that isn't in Debian: a module of `lab.standins.infra`."""

    image: str
    module: str
    words: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[str, ...]:
        entry = ["/usr/bin/python3", "-m", f"infra.{self.module}", *self.words]
        return (f"ENTRYPOINT {json.dumps(entry)}", "WORKDIR /opt/exec")


STANDINS = (
    Standin("portainer-ce", "portainer"),
    Standin("alloy", "shipper", ("alloy",)),
    Standin("filebeat", "shipper", ("filebeat",)),
)


def make_root(program: Program, root: Path) -> None:
    """The program's root file system: itself, the libraries that it needs, who it runs as.

    LabError if it isn't installed.
    """
    if not Path(program.binary).exists():
        raise LabError(f"{program.binary} is not there; scripts/setup installs it")
    for path in (program.binary, *_libraries(program.binary)):
        _copy(path, root)
    shutil.copytree(ASSETS, root / ASSETS.strip("/"), ignore_dangling_symlinks=True)
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text(f"nobody:x:{NOBODY}:{NOBODY}::/:/bin/false\n")
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    if program.data_path is not None:
        data = root / program.data_path.strip("/")
        data.mkdir()
        shutil.chown(data, NOBODY, NOBODY)


def _libraries(binary: str) -> list[str]:
    said = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout
    return re.findall(r"(/\S+) \(0x", said)


def _copy(path: str, root: Path) -> None:
    target = root / path.strip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, target)
