"""The systemd unit that keeps the exporter running. Pure."""

from __future__ import annotations

from collections.abc import Sequence

MEMORY_MAX_MIB = 512
"""Chosen: several times what the exporter of 50 hosts needs; a fault in it must not cost the host
its memory."""


def unit_text(command: Sequence[str], user: str, directory: str) -> str:
    """A unit that runs `command` as `user` in the project's directory.

    Exit code 130 is how exctl ends at SIGTERM, which is how systemd ends it.
    """
    return f"""\
[Unit]
Description=EX Engage Connector: metrics for Prometheus
Wants=network-online.target
After=network-online.target

[Service]
User={user}
WorkingDirectory={_escaped(directory)}
ExecStart={" ".join(map(_word, command))}
Restart=always
RestartSec=5
SuccessExitStatus=130
MemoryMax={MEMORY_MAX_MIB}M
NoNewPrivileges=yes
ProtectSystem=full
LockPersonality=yes
RestrictSUIDSGID=yes

[Install]
WantedBy=multi-user.target
"""


def _escaped(text: str) -> str:
    """`%` begins a specifier in a unit. Source: systemd.unit(5)."""
    return text.replace("%", "%%")


def _word(text: str) -> str:
    """One word of ExecStart, where `$` begins a variable. Source: systemd.service(5)."""
    word = _escaped(text).replace("$", "$$")
    if word and not any(letter in word for letter in " \t\"'\\;"):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
