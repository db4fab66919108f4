"""Stat Server's stand-in: tells whoever subscribed to agents their states, one change at a time."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import click

from lab.standins.faults import FaultFile
from lab.standins.servers import Ticker, serve, with_options

STATES = ("Ready", "NotReady", "Break", "Meal", "LoggedOff")
INTERVAL_SECONDS = 5.0
"""One change in five seconds for all agents: the API's rate is for the sync."""


@click.command()
@with_options
def main(bind: str, port: int, faults: Path) -> None:
    ticker = Ticker(INTERVAL_SECONDS)

    def messages(hello: dict[str, Any]) -> list[dict[str, Any]]:
        agents = hello.get("subscribe") or []
        numbers = ticker.new_for(threading.get_ident())
        return [
            {
                "event": "CurrentState",
                "id": f"state-{number}",
                "agent": agents[number % len(agents)],
                "state": STATES[number % len(STATES)],
            }
            for number in numbers
            if agents
        ]

    serve(bind, port, FaultFile(faults), messages)


if __name__ == "__main__":
    main()
