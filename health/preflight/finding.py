"""What one check found on one host, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["passed", "warning", "failed", "unknown"]
EVERYWHERE = "-"
"""The host of a finding about the stack file, which is of no host."""


@dataclass(frozen=True)
class Finding:
    """One check on one host: found against needed, and what to do about it.

    `waived` is the reason that the stack file gives. An unknown finding is a warning: the
    check couldn't be made, and `found` says why.
    """

    check: str
    host: str
    found: str
    needed: str
    verdict: Verdict = "passed"
    fix: str = ""
    waived: str = ""

    @property
    def is_ok(self) -> bool:
        return self.verdict == "passed"

    @property
    def stops(self) -> bool:
        """Whether a deployment would fail on it, or harm something."""
        return self.verdict == "failed" and not self.waived

    @property
    def warns(self) -> bool:
        return self.verdict in ("warning", "unknown") and not self.waived


def judged(
    is_ok: bool, check: str, host: str, found: str, needed: str, verdict: Verdict, fix: str
) -> Finding:
    """The finding of a plain yes or no: passed, or else the verdict with its fix."""
    if is_ok:
        return Finding(check, host, found, needed)
    return Finding(check, host, found, needed, verdict, fix)
