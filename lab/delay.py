"""Delays the packets that a host sends, without netem, which many virtual machines' kernels lack:

    python -m lab.delay CABLE BRIDGE MILLISECONDS PID_FILE

The host's cable is taken off the bridge and another one put on in its place. This process carries
every packet from one to the other until it is ended; then the host's own cable is back. While it
does, its process id is in the file.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
from collections import deque
from pathlib import Path

from lab.network import ip, links

ETH_P_ALL = 3
SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 263, 15, 23
MOST_BYTES = 70_000
"""Chosen: the largest packet with its headers. Hosts send several as one, as they would to a
network card, and PACKET_VNET_HDR carries what is needed to take them apart."""


def ends(cable: str) -> tuple[str, str]:
    """The names of the other cable's ends: ours, and the bridge's."""
    return f"{cable}a", f"{cable}b"


def begin(cable: str, bridge: str) -> None:
    """Put the other cable in place. Raises LabError."""
    ours, theirs = ends(cable)
    ip("link", "add", ours, "type", "veth", "peer", "name", theirs)
    ip("link", "set", cable, "nomaster")
    ip("link", "set", theirs, "master", bridge, "up")
    ip("link", "set", ours, "up")


def end(cable: str, bridge: str) -> None:
    """Put the host's own cable back, if the host is still there. Raises LabError."""
    ip("link", "delete", ends(cable)[0])
    if cable in links():
        ip("link", "set", cable, "master", bridge)


def carry(cable: str, seconds: float) -> None:
    """Carry packets both ways, those from the host later, until a signal."""
    host, lab = _open(cable), _open(ends(cable)[0])
    waiting: deque[tuple[float, bytes]] = deque()
    while True:
        rest = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select([host, lab], [], [], rest)
        if lab in ready:
            host.send(lab.recv(MOST_BYTES))
        if host in ready:
            waiting.append((time.monotonic() + seconds, host.recv(MOST_BYTES)))
        while waiting and waiting[0][0] <= time.monotonic():
            lab.send(waiting.popleft()[1])


def _open(link: str) -> socket.socket:
    found = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    found.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    found.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    found.bind((link, ETH_P_ALL))
    return found


def main(cable: str, bridge: str, milliseconds: str, pid_file: str) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    begin(cable, bridge)
    try:
        Path(pid_file).write_text(str(os.getpid()))
        carry(cable, int(milliseconds) / 1000)
    except OSError:
        if cable in links():  # else the host has gone
            raise
    finally:
        end(cable, bridge)
        Path(pid_file).unlink(missing_ok=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
