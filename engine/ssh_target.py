"""Where an SSH connection leads, and the options that get it there."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


class SshError(Exception):
    """A host can't be reached; the text names it and gives ssh's own words."""


@dataclass(frozen=True)
class Target:
    """Where a `ssh://user@host:port` URL leads, with the options to get there."""

    url: str
    host: str
    user: str | None
    port: int | None
    options: tuple[str, ...]

    @classmethod
    def parse(cls, url: str, options: Sequence[str]) -> Target:
        """SshError for anything but `ssh://[user@]host[:port]`."""
        parts = urlsplit(url)
        if parts.scheme != "ssh" or not parts.hostname or parts.path not in ("", "/"):
            raise SshError(f"{url!r}: expected ssh://[user@]host[:port]")
        return cls(url, parts.hostname, parts.username, parts.port, tuple(options))

    @property
    def arguments(self) -> list[str]:
        """ssh's arguments up to the command."""
        user = ["-l", self.user] if self.user else []
        port = ["-p", str(self.port)] if self.port else []
        return [*self.options, *user, *port, "--", self.host]

    def control_path(self) -> str | None:
        """Where the options put the socket of a shared connection; None if they don't, or if it
        depends on more than is known here. A ~/.ssh/config may say otherwise: look whether it's
        there."""
        given = [w.partition("=")[2] for w in self.options if w.startswith("ControlPath=")]
        host = self.host.lower()
        user, port = self.user or getpass.getuser(), str(self.port or 22)
        local = socket.gethostname()
        known = {"%": "%", "h": host, "n": self.host, "p": port, "r": user, "l": local}
        known |= {"i": str(os.getuid()), "u": getpass.getuser(), "L": local.partition(".")[0]}
        joined = f"{local}{host}{port}{user}".encode()
        known["C"] = hashlib.sha1(joined, usedforsecurity=False).hexdigest()
        parts = re.split(r"%(.)", given[0]) if given else []
        if not given or any(token not in known for token in parts[1::2]):
            return None
        words = [known[part] if index % 2 else part for index, part in enumerate(parts)]
        return str(Path("".join(words)).expanduser())

    def has(self, option: str) -> bool:
        """True if the options name this one."""
        return any(option.lower() in word.lower() for word in self.options)
