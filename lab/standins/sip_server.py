"""SIP Server's stand-in, primary or backup of an HA pair: sends call events to who registered.

The backup takes connections and says what it is; it serves when its primary doesn't answer, as the
real one does after a switch-over.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lab.standins.configdb import QUEUE_DBIDS
from lab.standins.faults import FaultFile
from lab.standins.servers import Events, Session, serve, with_options
from lab.standins.service.lines import LineClient

EVENTS = {
    "VQ": ("EventQueued", "EventDiverted"),
    "AGENT": ("EventUserEvent",),
    "CALL": ("EventCallCreated", "EventCallDeleted"),
}
INTERVAL_SECONDS = 4.0
"""One event of each kind in four seconds: the API's rate is for the sync."""
TAKE_OVER_SECONDS = 2.0
"""A primary that is silent for so long is replaced by its backup."""


@click.command()
@with_options
@click.option("--role", type=click.Choice(["primary", "backup"]), default="primary")
@click.option("--primary", default="", metavar="HOST:PORT", help="of the backup: its primary")
@click.option("--interval-seconds", default=INTERVAL_SECONDS, show_default=True)
def main(
    bind: str, port: int, faults: Path, role: str, primary: str, interval_seconds: float
) -> None:
    watch: LineClient | None = None
    if role == "backup":
        host, _, primary_port = primary.rpartition(":")
        if not host or not primary_port.isdigit():
            raise click.UsageError("a backup needs --primary HOST:PORT")
        watch = LineClient(
            [(host, int(primary_port))], dict, lambda _message: None, TAKE_OVER_SECONDS
        )
        watch.start()
    serve(bind, port, FaultFile(faults), lambda: session(Events(interval_seconds), watch))


def session(events: Events, primary: LineClient | None) -> Session:
    """A client's: the events of the kind that it registered for, while this server serves."""

    def messages(hello: dict[str, Any]) -> list[dict[str, Any]]:
        numbers = events.new()
        if primary is not None and primary.is_connected:
            return [{"role": "backup"}]
        kind = str(hello.get("register"))
        names = EVENTS.get(kind, ())
        return [
            {
                "event": names[number % len(names)],
                "id": f"{kind}-{number}",
                "dn": QUEUE_DBIDS[number % len(QUEUE_DBIDS)],
            }
            for number in numbers
            if names
        ]

    return messages


if __name__ == "__main__":
    main()
