"""The zygote: a process with the SDK and what the program imports ready, that forks the program
and the processes of dynamic providers.

It is forked from the host before that has threads, and ends with it.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plugins import program
from plugins.imports import import_ahead

OURS = str(Path(__file__).resolve().parents[1])


class Forked:
    """A process that the zygote was asked to fork."""

    def __init__(self, status: int, lifeline: int) -> None:
        self._status = os.fdopen(status)
        self._lifeline: int | None = lifeline
        self._lock = threading.Lock()
        self._process = 0

    def wait(self) -> int | None:
        """Its exit code, negative for a signal's number; None if the zygote is gone as well."""
        process = self._status.readline()
        with self._lock:
            self._process = int(process or 0)
        code = self._status.readline()
        with self._lock:
            self._process = 0
        return int(code) if code else None

    def interrupt(self) -> None:
        """Interrupt it, if it runs."""
        with self._lock:
            if self._process:
                os.kill(self._process, signal.SIGINT)

    def end(self) -> None:
        """End it at once."""
        with self._lock:
            if self._lifeline is not None:
                os.close(self._lifeline)
            self._lifeline = None


class Zygote:
    """The zygote as the host sees it."""

    def __init__(self) -> None:
        import dill  # noqa: F401  (once for both processes)
        import pulumi.dynamic
        import pulumi.runtime  # noqa: F401

        gc.freeze()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            self._control.close()
            _Forker(theirs).serve()
            os._exit(0)
        theirs.close()

    def fork(self, order: dict[str, Any], stdout: int, stderr: int) -> Forked:
        """Start a process that does what the order says (program.py)."""
        status_reader, status = os.pipe()
        lifeline_reader, lifeline = os.pipe()
        sheet = written(order)
        try:
            passed = [sheet, lifeline_reader, status, stdout, stderr]
            socket.send_fds(self._control, [b"fork"], passed)
        finally:
            for descriptor in (sheet, lifeline_reader, status):
                os.close(descriptor)
        return Forked(status_reader, lifeline)


def written(order: dict[str, Any]) -> int:
    """An anonymous file that holds the order, to be read from its beginning."""
    sheet = os.memfd_create("order")
    with os.fdopen(sheet, "w", closefd=False) as out:
        json.dump(order, out)
    os.lseek(sheet, 0, os.SEEK_SET)
    return sheet


class _Forker:
    """The zygote itself."""

    def __init__(self, control: socket.socket) -> None:
        faulthandler.disable()
        sys.path[0] = str(Path.cwd())  # the program's, not ours
        for name in [m for m in sys.modules if m.partition(".")[0] == "plugins"]:
            del sys.modules[name]  # the program may have one of that name
        import_ahead(Path.cwd())
        del sys.path[0]
        gc.freeze()
        gc.enable()
        self._control = control
        self._children: dict[int, tuple[int, int]] = {}

    def serve(self) -> None:
        """Fork as asked and report how each child ended, until the host is gone."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        while True:
            for ready, _ in poll.poll():
                if ready in self._children:
                    poll.unregister(ready)
                    self._report(ready)
                    continue
                data, descriptors, _, _ = socket.recv_fds(self._control, 16, 8)
                if not data:
                    return  # the children's life lines are closed too
                poll.register(self._fork(descriptors), select.POLLIN)

    def _fork(self, descriptors: Sequence[int]) -> int:
        sheet, lifeline, status, stdout, stderr = descriptors
        process = os.fork()
        if process == 0:
            self._control.close()
            os.close(status)
            _be_child(sheet, lifeline, stdout, stderr)
        for descriptor in (sheet, lifeline, stdout, stderr):
            os.close(descriptor)
        os.write(status, f"{process}\n".encode())
        ended = os.pidfd_open(process)
        self._children[ended] = process, status
        return ended

    def _report(self, ended: int) -> None:
        process, status = self._children.pop(ended)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        os.write(status, f"{code}\n".encode())
        os.close(status)
        os.close(ended)


def _be_child(sheet: int, lifeline: int, stdout: int, stderr: int) -> None:
    code = 1
    try:
        program.speak_to(stdout, stderr)
        with os.fdopen(sheet) as order:
            code = program.do(json.load(order), lifeline)
    except KeyboardInterrupt:  # as it began, or had ended
        code = program.INTERRUPTED
    except BaseException:  # noqa: BLE001  (nothing of this process may go on as the zygote)
        sys.excepthook(*sys.exc_info())
    finally:
        program.leave(code)
