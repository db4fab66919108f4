"""SIP Server's stand-in, primary or backup of an HA pair: sends call events to who registered.

The backup serves when its primary's port is closed, as the real one does after a switch-over.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import click

from lab.processes import accepts
from lab.standins.configdb import QUEUE_DBIDS
from lab.standins.faults import FaultFile
from lab.standins.servers import Ticker, serve, with_options

EVENTS = {
    "VQ": ("EventQueued", "EventDiverted"),
    "AGENT": ("EventUserEvent",),
    "CALL": ("EventCallCreated", "EventCallDeleted"),
}
INTERVAL_SECONDS = 4.0


@click.command()
@with_options
@click.option("--role", type=click.Choice(["primary", "backup"]), default="primary")
@click.option("--primary", default="", metavar="HOST:PORT", help="of the backup: its primary")
def main(bind: str, port: int, faults: Path, role: str, primary: str) -> None:
    ticker = Ticker(INTERVAL_SECONDS)
    host, _, primary_port = primary.rpartition(":")

    def messages(hello: dict[str, Any]) -> list[dict[str, Any]]:
        if role == "backup" and primary and accepts(host, int(primary_port)):
            return [{"role": "backup"}]
        kind = str(hello.get("register"))
        names = EVENTS.get(kind, ())
        return [
            {
                "event": names[number % len(names)],
                "id": f"{kind}-{number}",
                "dn": QUEUE_DBIDS[number % len(QUEUE_DBIDS)],
            }
            for number in ticker.new_for(threading.get_ident())
            if names
        ]

    serve(bind, port, FaultFile(faults), messages)


if __name__ == "__main__":
    main()
