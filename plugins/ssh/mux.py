"""OpenSSH's own words between those who share a connection (its PROTOCOL.mux): a call of `ssh -O`
to say them takes 50 times as long (Measured), and would read the operator's ssh_config again."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import BinaryIO

_VERSION = 4
_HELLO, _TERMINATE, _OPEN_FORWARD, _CLOSE_FORWARD = 0x1, 0x10000005, 0x10000006, 0x10000007
_OK = 0x80000001
_LOCAL = 1
_IS_PATH = 0xFFFFFFFE
"""In the place of a port: the address is a path."""
ANSWER_SECONDS = 5


class MuxError(Exception):
    """The master refuses; its words."""


def is_there(control: Path) -> bool:
    """True if a master listens."""
    try:
        _connected(control).close()
    except OSError:
        return False
    return True


def forward(control: Path, local: Path, remote: str, *, ends: bool = False) -> None:
    """Have a local socket lead to one of the host's, or not any more. MuxError if the master
    doesn't do it, OSError if it isn't there."""
    request = _CLOSE_FORWARD if ends else _OPEN_FORWARD
    fields = struct.pack(">III", request, 0, _LOCAL)
    fields += _text(str(local)) + struct.pack(">I", _IS_PATH)
    fields += _text(remote) + struct.pack(">I", _IS_PATH)
    kind, rest = _asked(control, fields)
    if kind != _OK:
        raise MuxError(_first_text(rest[4:]) or "the shared connection doesn't answer")


def end(control: Path) -> bool:
    """Ask the master to end; False if there is none."""
    try:
        _asked(control, struct.pack(">II", _TERMINATE, 0))
    except OSError:
        return False
    return True  # it ends at once: its yes may not reach us


def _connected(control: Path) -> socket.socket:
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    found.settimeout(ANSWER_SECONDS)
    try:
        found.connect(str(control))
    except OSError:
        found.close()
        raise
    return found


def _asked(control: Path, request: bytes) -> tuple[int, bytes]:
    with _connected(control) as talk, talk.makefile("rb") as answers:
        talk.sendall(_packet(struct.pack(">II", _HELLO, _VERSION)) + _packet(request))
        if _answer(answers)[0] != _HELLO:
            return 0, b""
        return _answer(answers)


def _packet(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack(">I", len(encoded)) + encoded


def _first_text(content: bytes) -> str:
    length = int.from_bytes(content[:4], "big")
    return content[4 : 4 + length].decode(errors="replace")


def _answer(answers: BinaryIO) -> tuple[int, bytes]:
    """The kind and the content of the next answer; 0 if there is none."""
    length = int.from_bytes(answers.read(4), "big")
    content = answers.read(length)
    return int.from_bytes(content[:4], "big"), content[4:]
