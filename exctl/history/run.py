"""A run as its two records tell of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from exctl.errors import DONE, FAILED, INTERRUPTED, ROLLED_BACK, UNHEALTHY, USAGE
from exctl.history.chain import LINKS, Record
from health.runlock import Holder
from stack.text import parse_time

BEGUN, ENDED = "begun", "ended"
SUCCEEDED, DECLINED = "succeeded", "declined"
RESULTS = {
    DONE: SUCCEEDED,
    FAILED: "failed",
    USAGE: "refused",
    ROLLED_BACK: "rolled back",
    UNHEALTHY: "incomplete",
    INTERRUPTED: "interrupted",
}
"""Exit code → how a run ended. DECLINED is one whose question was answered with no."""
UNDER_WAY, KILLED, NO_END = "under way", "killed", "no end recorded"


@dataclass(frozen=True)
class Run:
    """`number` counts from the oldest run of the stack, which is 1."""

    number: int
    begun: Record
    ended: Record | None = None

    @property
    def id(self) -> str:
        return str(self.begun["run"])

    @property
    def at(self) -> str:
        return str(self.begun["at"])

    @property
    def who(self) -> str:
        """`anna@bastion`, the one behind sudo in brackets."""
        who = self.begun.get("who") or {}
        name = f"{who.get('user', '?')}@{who.get('host', '?')}"
        return f"{name} ({who['sudo_user']})" if who.get("sudo_user") else name

    @property
    def command(self) -> str:
        return str(self.begun.get("command", ""))

    @property
    def why(self) -> str:
        return str(self.begun.get("why", ""))

    @property
    def seconds(self) -> float | None:
        """How long it took; None if its end isn't known."""
        return None if self.ended is None else float(self.ended.get("seconds", 0.0))

    @property
    def result(self) -> str:
        """How it ended; of one without an end, whether its process still lives."""
        if self.ended is not None:
            return str(self.ended.get("result", "?"))
        who = self.begun.get("who") or {}
        since = parse_time(self.at)
        lives = Holder(int(who.get("pid", 0)), "", str(who.get("host", "")), since).lives
        return NO_END if lives is None else UNDER_WAY if lives else KILLED

    @property
    def outcome(self) -> str:
        """The result with what belongs to it: the release it made, or that nothing was touched."""
        ended = self.ended or {}
        if ended.get("release") is not None:
            return f"{self.result}, release {ended['release']}"
        if ended.get("touched") is False and self.result not in (SUCCEEDED, DECLINED):
            return f"{self.result}, nothing touched"
        return self.result

    @property
    def has_failed(self) -> bool:
        """It ended otherwise than it was meant to."""
        return self.result not in (SUCCEEDED, DECLINED, UNDER_WAY)

    @property
    def error(self) -> str:
        """What was said when it failed; '' if it didn't."""
        return str((self.ended or {}).get("error", ""))


def runs_of(records: Iterable[Record]) -> list[Run]:
    """The runs that the records are of, oldest first."""
    every = list(records)
    ended = {record["run"]: record for record in every if record["kind"] == ENDED}
    begun = sorted((r for r in every if r["kind"] == BEGUN), key=lambda record: str(record["at"]))
    return [Run(number, record, ended.get(record["run"])) for number, record in enumerate(begun, 1)]


def as_json(run: Run) -> dict[str, Any]:
    """A run for programs: both records in one, without the hashes that link them."""
    linking = ("kind", *LINKS)
    begun, ended = (
        {name: value for name, value in (record or {}).items() if name not in linking}
        for record in (run.begun, run.ended)
    )
    ended_at = {"ended_at": ended.pop("at")} if "at" in ended else {}
    return {"number": run.number, **begun, **ended_at, **ended, "result": run.result}


def last(runs: Sequence[Run], number: int) -> list[Run]:
    """The last so many of them, the newest first."""
    return list(reversed(runs[-number:]))
