"""Stat Server's stand-in: tells whoever subscribed to agents their states, one change at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lab.standins.faults import FaultFile
from lab.standins.servers import Events, Session, serve, with_options

STATES = ("Ready", "AfterCallWork", "Break", "Meal", "LoggedOff")
INTERVAL_SECONDS = 5.0
"""One change in five seconds for all agents: the API's rate is for the sync."""


@click.command()
@with_options
@click.option("--interval-seconds", default=INTERVAL_SECONDS, show_default=True)
def main(bind: str, port: int, faults: Path, interval_seconds: float) -> None:
    serve(bind, port, FaultFile(faults), lambda: session(Events(interval_seconds)))


def session(events: Events) -> Session:
    """A client's: the changes of the agents that it subscribed to, in turn."""

    def messages(hello: dict[str, Any]) -> list[dict[str, Any]]:
        agents = hello.get("subscribe") or []
        return [
            {
                "event": "CurrentState",
                "id": f"state-{number}",
                "agent": agents[number % len(agents)],
                "state": STATES[number % len(STATES)],
            }
            for number in events.new()
            if agents
        ]

    return messages


if __name__ == "__main__":
    main()
