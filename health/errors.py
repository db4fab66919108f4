"""The one error of gates and guards, and its way across Pulumi's error text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

_MARK = "exec-gate-error:"


class GateCode(StrEnum):
    """Why a gate didn't open or a guard refused."""

    NOT_HEALTHY = "not_healthy"
    CRASHES = "crashes"
    ENDED = "ended"
    LAST_OF_PAIR = "last_of_pair"
    IN_DOUBT = "in_doubt"
    SYNC_STALLED = "sync_stalled"
    SYNC_LATE = "sync_late"
    WRONG_ORG = "wrong_org"
    DID_NOT_LAST = "did_not_last"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class GateFailure:
    """A gate that didn't open or a guard that refused, as an operator reads it at night.

    `summary` is complete by itself; `lines` say what was found and what state things are in, `ways`
    how to go on with plain Pulumi: exctl knows more and says that itself.
    """

    code: GateCode
    instance: str
    summary: str
    lines: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()

    def text(self, with_ways: bool = True) -> str:
        lines = [*self.lines, *(self.ways if with_ways else ())]
        return "\n".join([self.summary, *(f"  {line}" for line in lines)])

    def marked(self) -> str:
        """The failure as data within any error text; `failure_in` finds it there."""
        return f"{_MARK}{json.dumps(asdict(self))}"


class GateError(Exception):
    """The failure of a gate or guard; as text, with the ways on."""

    def __init__(
        self,
        code: GateCode,
        instance: str,
        summary: str,
        lines: Iterable[str] = (),
        ways: Iterable[str] = (),
    ) -> None:
        self.failure = GateFailure(code, instance, summary, tuple(lines), tuple(ways))
        super().__init__(self.failure.text())


def failure_in(text: str) -> GateFailure | None:
    """The failure that stands as data in Pulumi's error text; None if there is none."""
    found = re.search(re.escape(_MARK), text)
    if found is None:
        return None
    try:
        said, _ = json.JSONDecoder().raw_decode(text[found.end() :])
        return GateFailure(
            GateCode(said["code"]),
            said["instance"],
            said["summary"],
            tuple(said["lines"]),
            tuple(said["ways"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
