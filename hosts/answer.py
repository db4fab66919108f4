"""What comes of a command on a host: how far it came, and what it printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from stack.text import plain_text

KEY_CHANGED = "REMOTE HOST IDENTIFICATION HAS CHANGED"
"""How ssh begins to say, in twenty lines, that a host has another key. Source: OpenSSH."""


class Ending(StrEnum):
    """How far a command came."""

    ENDED = "ended"
    """It ran to its end; `code` is its exit code."""
    NO_SSH = "no ssh"
    """There is no `ssh` here."""
    NOT_REACHED = "not reached"
    """ssh didn't get in; `stderr` is what it said."""
    SILENT = "silent"
    """ssh neither got in nor gave up in time."""
    NO_SHELL = "no shell"
    """The login was taken, but no /bin/sh was begun; `noise` is what came instead."""
    STUCK = "stuck"
    """SSH answers, and the command didn't end in time."""
    CUT = "cut"
    """The connection ended before the command did."""


@dataclass(frozen=True)
class HostAnswer:
    """A command's exit code on a host (255 if it didn't come to one), stdout, and stderr.

    `noise` is what the login printed before the command; `docker_host` the DOCKER_HOST or
    DOCKER_CONTEXT that the login set, which wasn't followed.
    """

    code: int
    stdout: str
    stderr: str
    kind: Ending = Ending.ENDED
    noise: str = ""
    docker_host: str = ""
    limit_seconds: float = 0.0

    @property
    def is_reached(self) -> bool:
        """Whether the host let us in, whatever came of the command."""
        return self.kind not in (
            Ending.NO_SSH,
            Ending.NOT_REACHED,
            Ending.SILENT,
        )

    @property
    def is_complete(self) -> bool:
        """Whether the command ran to its end, well or not."""
        return self.kind is Ending.ENDED

    def why(self) -> str:
        """Why it didn't end well, in words, for one line."""
        said = plain_text(self.stderr)
        if self.kind is Ending.NOT_REACHED and KEY_CHANGED in said:
            return "ssh: the host has another key than before; `exctl doctor` says what to do"
        return {
            Ending.ENDED: said or f"exit code {self.code}",
            Ending.NO_SSH: "there is no `ssh` on PATH here; install the OpenSSH client",
            Ending.NOT_REACHED: f"ssh: {said.removeprefix('ssh: ') or 'no words'}",
            Ending.SILENT: f"ssh: no answer within {self.limit_seconds:g} s",
            Ending.NO_SHELL: f"the login starts no /bin/sh: {plain_text(self.noise) or said}",
            Ending.STUCK: f"SSH answers, Docker on it doesn't, for {self.limit_seconds:g} s",
            Ending.CUT: "the SSH connection ended in the middle",
        }[self.kind]


HostCommand = Callable[[Sequence[str]], HostAnswer]
