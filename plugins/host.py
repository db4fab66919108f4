"""The plugin host: the one process of a run of the CLI that serves all of its plugins.

It begins with the run's first launcher (bin/launcher) and ends with the CLI, however that ends.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import re
import select
import sys
import threading
from pathlib import Path

from plugins import grpc_proxy
from plugins.launcher import Launcher
from plugins.services import Services, import_providers
from plugins.zygote import Zygote

PATIENCE_SECONDS = 60
"""How long the host may take to begin, or to serve a launcher; then it says where it hangs and
ends. Chosen: many times what a busy machine needs."""


def open_cli(process: int, started: str) -> int:
    """A descriptor that is readable when the CLI has ended. ProcessLookupError if it has."""
    descriptor = os.pidfd_open(process)
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    if fields[19] != started:  # another process has its number by now
        raise ProcessLookupError
    return descriptor


def wants_debugging(words: list[str]) -> bool:
    """True if the CLI was started with --debug (-d, also among other letters)."""
    return any(
        word in ("--debug", "--debug=true") or re.fullmatch(r"-[a-zA-Z]*d[a-zA-Z]*", word)
        for word in words
    )


class PluginHost:
    """The launchers of a run, and what serves them."""

    def __init__(self, run: Path, cli: int, zygote: Zygote, debugging: bool) -> None:
        self._cli = cli
        # Both ways: there is always a reader, and no end of file between two launchers.
        self._ask = os.open(run / "ask", os.O_RDWR | os.O_CLOEXEC)
        # Launchers read this one: they end with us.
        self._hold = os.open(run / "hold", os.O_RDWR | os.O_CLOEXEC)
        self._services = Services(zygote, debugging)
        self._launchers: dict[int, Launcher] = {}
        self._poll = select.poll()
        for descriptor in (self._cli, self._ask):
            self._poll.register(descriptor, select.POLLIN)

    def serve(self) -> None:
        """Serve until the CLI has ended."""
        waiting = b""
        while True:
            faulthandler.cancel_dump_traceback_later()
            ready = {descriptor for descriptor, _ in self._poll.poll()}
            if self._cli in ready:
                return
            faulthandler.dump_traceback_later(PATIENCE_SECONDS, exit=True)
            if self._ask in ready:
                *lines, waiting = (waiting + os.read(self._ask, 65536)).split(b"\n")
                for line in lines:
                    self._greet(*line.decode().split(" "))
            for ended in ready & self._launchers.keys():
                self._poll.unregister(ended)
                self._services.stop(self._launchers.pop(ended))

    def close(self) -> None:
        """End all that was started for this run."""
        for launcher in self._launchers.values():
            self._services.stop(launcher)
        self._services.close()

    def _greet(self, name: str, process: str, engine: str) -> None:
        try:
            launcher = Launcher(name, int(process), engine)
        except OSError:
            return  # it has ended meanwhile
        self._launchers[launcher.ended] = launcher
        self._poll.register(launcher.ended, select.POLLIN)
        self._services.serve(launcher)


def main() -> None:
    """Serve a run: the arguments are the directory of its pipes, and the CLI's process id and start
    time (bin/launcher)."""
    run, process, started = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    faulthandler.enable()
    os.environ.pop("PULUMI_CONFIG", None)  # of whichever provider began us
    grpc_proxy.spare_this_machine(os.environ)
    zygote = Zygote()  # before there are threads, or anything to inherit
    faulthandler.dump_traceback_later(PATIENCE_SECONDS, exit=True)
    try:
        cli = open_cli(process, started)
        words = Path(f"/proc/{process}/cmdline").read_text(errors="replace").split("\0")
    except (ProcessLookupError, FileNotFoundError):  # it was killed as soon as it began
        return
    host = PluginHost(run, cli, zygote, wants_debugging(words))
    gc.freeze()
    gc.enable()
    threading.Thread(target=import_providers, daemon=True).start()
    host.serve()
    threading.Timer(5, os._exit, [0]).start()  # whatever hangs, this run is over
    host.close()
    os._exit(0)  # not waiting for calls that nobody waits for
