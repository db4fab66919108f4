"""What a host tells any user of its own security: one script, and its answer as data.

It needs no root, and so doesn't see a firewall; what may not be read is unknown, never good.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from hosts.shell import DOCKER_SOCKET

BEGIN = "begin"
_LISTENER = re.compile(r"(?P<address>[0-9A-F]{8}|[0-9A-F]{32}):(?P<port>[0-9A-F]{4})")
_LOOPBACK = re.compile(r"[0-9A-F]{6}7F|0{24}01000000|0{16}FFFF0000[0-9A-F]{6}7F")
"""127.0.0.0/8, ::1 and the first within IPv6. Source: proc(5): the kernel's byte order, which is
little-endian on every machine that EXEC runs on."""

# Of two settings sshd takes the first. Source: sshd_config(5).
_SCRIPT = rf"""LC_ALL=C; export LC_ALL
say() {{ printf '%s\t%s\n' "$1" "$2"; }}
say {BEGIN} 1
say uid "$(id -u)"
say docker_group "$(getent group docker | cut -d: -f4)"
say socket_mode "$(stat -Lc %a {DOCKER_SOCKET} 2>/dev/null)"
say logs_mode "$(stat -Lc %a "$logs" 2>/dev/null)"
if [ -r /etc/ssh/sshd_config ]; then
  say sshd readable
  say root_login "$(cat /etc/ssh/sshd_config.d/*.conf /etc/ssh/sshd_config 2>/dev/null |
    awk 'tolower($1) == "match" {{exit}} tolower($1) == "permitrootlogin" {{print $2; exit}}')"
fi
say listening "$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
  awk '$4 == "0A" {{printf "%s ", $2}}')"
"""


@dataclass(frozen=True)
class SecurityFacts:
    """None or empty where the host didn't say.

    `root_login`: sshd's own word, '' if its default holds, None if that can't be read. `open_ports`
    are those that listen on more than the loopback.
    """

    uid: int | None
    docker_group: tuple[str, ...]
    socket_mode: int | None
    logs_mode: int | None
    root_login: str | None
    open_ports: frozenset[int]


def script(log_directory: str) -> str:
    """What is run on the host."""
    return f"logs={shlex.quote(log_directory)}\n{_SCRIPT}"


def parse(text: str) -> SecurityFacts | None:
    """The facts; None if the script didn't run."""
    said: Mapping[str, str] = dict(
        line.split("\t", 1) for line in text.splitlines() if "\t" in line
    )
    if BEGIN not in said:
        return None
    return SecurityFacts(
        uid=_number(said.get("uid", ""), 10),
        docker_group=tuple(filter(None, said.get("docker_group", "").split(","))),
        socket_mode=_number(said.get("socket_mode", ""), 8),
        logs_mode=_number(said.get("logs_mode", ""), 8),
        root_login=said.get("root_login", "").lower() if "sshd" in said else None,
        open_ports=frozenset(
            int(found["port"], 16)
            for found in _LISTENER.finditer(said.get("listening", ""))
            if not _LOOPBACK.fullmatch(found["address"])
        ),
    )


def _number(text: str, base: int) -> int | None:
    return int(text, base) if re.fullmatch("[0-7]+" if base == 8 else "[0-9]+", text) else None
