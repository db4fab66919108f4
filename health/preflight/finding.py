"""What one check found on one host, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warning", "stops", "not known"]
EVERYWHERE = "-"
"""The host of a finding about the stack file, which is of no host."""


@dataclass(frozen=True)
class Finding:
    """One check on one host: found against needed, and what to do about it.

    `waived` is the reason that the stack file gives. A finding that isn't known is a warning: the
    check couldn't be made, and `found` says why.
    """

    check: str
    host: str
    found: str
    needed: str
    verdict: Verdict = "ok"
    fix: str = ""
    waived: str = ""

    @property
    def is_ok(self) -> bool:
        return self.verdict == "ok"

    @property
    def stops(self) -> bool:
        """Whether a deployment would fail on it, or harm something."""
        return self.verdict == "stops" and not self.waived

    @property
    def warns(self) -> bool:
        return self.verdict in ("warning", "not known") and not self.waived


def judged(
    is_ok: bool, check: str, host: str, found: str, needed: str, verdict: Verdict, fix: str
) -> Finding:
    """The finding of a plain yes or no: ok, or else the verdict with its fix."""
    if is_ok:
        return Finding(check, host, found, needed)
    return Finding(check, host, found, needed, verdict, fix)
