"""Where an SSH connection leads, and the options that get it there."""

from __future__ import annotations

import re
import subprocess
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
        return [*first, *user, *port, *self.options, *_as_words(filled), "--", self.host]

    def names(self) -> Iterator[str]:
        """The names of the settings among the options."""
        words = iter(self.options)
        for word in words:
            if word.startswith("-o"):
                setting = word[2:] or next(words, "")
                yield re.split(r"[=\s]", setting.strip(), maxsplit=1)[0]

    def control_path(self) -> Path | None:
        """Where the options put the socket of a shared connection, as ssh itself says: it depends
        on the operator's ssh_config too (HostName, ProxyJump). None if they put it nowhere."""
        if "controlpath" not in {name.lower() for name in self.names()}:
            return None
        try:
            told = subprocess.run(
                ["ssh", "-G", *self.words()], capture_output=True, text=True, timeout=5
            ).stdout
        except (OSError, subprocess.TimeoutExpired):
            return None
        found = [line.partition(" ")[2] for line in told.splitlines() if line[:12] == _TOLD]
        return Path(found[0]).expanduser() if found and found[0] != "none" else None


_TOLD = "controlpath "


def _as_words(settings: dict[str, str]) -> list[str]:
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def quoted(path: Path | str) -> str:
    """A path as a value in ssh's own syntax: blanks, quotes and % keep their meaning."""
    text = str(path).replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
