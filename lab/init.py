"""The first process of a lab host, in namespaces of its own: mounts, starts, reaps, waits.

`python -m lab.init SPEC` where SPEC is a JSON file: hostname, tmpfs (paths), binds (source →
target), directories (path → owner), commands (name → argv), log directory. When it is killed,
the kernel ends everything in its process namespace, containers as well: that is how a host goes
down, without a list of processes that could be incomplete.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any


def main(spec_path: str) -> None:
    spec: dict[str, Any] = json.loads(Path(spec_path).read_text())
    prepare(spec)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    for name, argv in spec["commands"].items():
        start(name, argv, Path(spec["logs"]))
    while True:
        try:
            os.wait()
        except ChildProcessError:
            signal.pause()


def prepare(spec: dict[str, Any]) -> None:
    """The host's own view of the file system: private /run and logs, its own users."""
    mount("--make-rprivate", "/")
    socket.sethostname(spec["hostname"])
    for path, size_mib in spec["tmpfs"].items():
        mount("-t", "tmpfs", "-o", f"size={size_mib}m,mode=755", "tmpfs", path)
    for source, target in spec["binds"].items():
        mount("--bind", source, target)
    for path, mode in spec["directories"].items():
        directory = Path(path)
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(int(mode, 8))


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def start(name: str, argv: list[str], logs: Path) -> None:
    with (logs / f"{name}.log").open("ab") as log:
        subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


if __name__ == "__main__":
    main(sys.argv[1])
