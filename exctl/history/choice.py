"""Which runs are asked for: by who, what, how it ended, where, since when. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from exctl.history.run import Run
from stack.text import parse_time

_AGO = re.compile(r"([0-9]{1,5})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Choice:
    """Each that is given has to hold; '' and None hold for every run."""

    who: str = ""
    command: str = ""
    result: str = ""
    instance: str = ""
    rollout: str = ""
    since: datetime | None = None

    def holds(self, run: Run) -> bool:
        began = parse_time(run.at)
        return (
            self.who.lower() in _who(run).lower()
            and f"{run.command} ".startswith(f"exctl {self.command} ".replace("  ", " "))
            and self.result in ("", run.result)
            and (not self.instance or self.instance in instances(run))
            and self.rollout in ("", run.begun.get("rollout"))
            and (self.since is None or (began is not None and began >= self.since))
        )


def chosen(runs: Iterable[Run], wanted: Choice) -> list[Run]:
    """The runs for which all of it holds, in their order."""
    return [run for run in runs if wanted.holds(run)]


def instances(run: Run) -> set[str]:
    """The instances that a run was about: those of its plan, and those its gates waited for."""
    ended = run.ended or {}
    named: list[Any] = [*((ended.get("plan") or {}).get("touches") or ()), *ended.get("gates", ())]
    return {str(each.get("instance", "")) for each in named} - {""}


def moment(text: str, now: datetime) -> datetime:
    """`2026-11-26`, `2026-11-26T02:00`, or how long ago: `90m`, `12h`, `7d`; in UTC.

    Raises ValueError for anything else.
    """
    if ago := _AGO.fullmatch(text):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _who(run: Run) -> str:
    who = run.begun.get("who") or {}
    return " ".join([run.who, *(str(who.get(name, "")) for name in ("ssh_from", "ci_job"))])
