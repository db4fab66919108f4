"""Where an SSH connection leads, and the options that get it there."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit


class SshError(Exception):
    """A host can't be reached; the text names it and gives ssh's own words."""


OURS = {
    "BatchMode": "yes",
    "ClearAllForwardings": "yes",
    "ForwardX11": "no",
    "LogLevel": "ERROR",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "RequestTTY": "no",
    "StdinNull": "yes",
    "Tunnel": "no",
}
"""What the operator's ssh_config may not decide for a connection of ours: a command or a terminal
of its own, forwards that fail because another connection has the port, silence about errors, a
question. Everything else is its business: ProxyJump, keys, Port, User, known hosts, algorithms."""
_DEFAULTS = {"ConnectTimeout": "10", "ServerAliveInterval": "5", "ServerAliveCountMax": "3"}
"""Chosen: a host that goes away in the middle of a run is named within 20 seconds."""


@dataclass(frozen=True)
class Target:
    """Where a `ssh://[user@]host[:port][/socket]` URL leads, with the words that ssh gets first."""

    host: str
    user: str | None
    port: int | None
    socket: str
    options: tuple[str, ...]

    @classmethod
    def parse(cls, url: str, options: Sequence[str], socket: str) -> Target:
        """`socket` is used where the URL names none. SshError for anything that isn't such a URL,
        or that ssh would take for an option."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if not host or parts.scheme != "ssh" or host.startswith("-") or parts.password:
            raise SshError(f"{url!r} is no address of a host; expected ssh://[user@]host[:port]")
        path = unquote(parts.path)
        user = unquote(parts.username) if parts.username else None
        return cls(host, user, port, socket if path in ("", "/") else path, tuple(options))

    @property
    def name(self) -> str:
        """`user@host:port`, as far as they were given."""
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{user}{host}:{self.port}" if self.port else f"{user}{host}"

    def words(self, **settings: str) -> list[str]:
        """ssh's arguments: ours first, since ssh takes the first word that it hears."""
        given = {name.lower() for name in self.names()}
        filled = {k: v for k, v in _DEFAULTS.items() if k.lower() not in given}
        first = _as_words({**OURS, **settings})
        user = ["-l", self.user] if self.user else []
        port = ["-p", str(self.port)] if self.port else []
        return [*first, *self.options, *_as_words(filled), *user, *port, "--", self.host]

    def names(self) -> Iterator[str]:
        """The names of the settings among the options."""
        for setting in self._settings():
            yield re.split(r"[=\s]", setting.strip(), maxsplit=1)[0]

    def _settings(self) -> Iterator[str]:
        words = iter(self.options)
        for word in words:
            if word == "-o":
                yield next(words, "")
            elif word.startswith("-o"):
                yield word[2:]

    def control_path(self) -> Path | None:
        """Where the options put the socket of a shared connection; None if they don't, or if that
        depends on more than is known here."""
        given = [s for s in self._settings() if s.lower().startswith("controlpath")]
        if not given:
            return None
        text = given[0][len("controlpath") :].lstrip(" =\t").strip('"')
        host, local = self.host.lower(), socket.gethostname()
        user, port = self.user or getpass.getuser(), str(self.port or 22)
        known = {"%": "%", "h": host, "n": self.host, "p": port, "r": user, "l": local}
        known |= {"i": str(os.getuid()), "u": getpass.getuser(), "L": local.partition(".")[0]}
        known["d"] = str(Path.home())
        joined = f"{local}{host}{port}{user}".encode()
        known["C"] = hashlib.sha1(joined, usedforsecurity=False).hexdigest()
        parts = re.split(r"%(.)", text)
        if text.lower() == "none" or any(token not in known for token in parts[1::2]):
            return None
        return Path(
            "".join(known[part] if n % 2 else part for n, part in enumerate(parts))
        ).expanduser()


def _as_words(settings: dict[str, str]) -> list[str]:
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def quoted(path: Path | str) -> str:
    """A path as a value in ssh's own syntax: blanks, quotes and % keep their meaning."""
    text = str(path).replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
