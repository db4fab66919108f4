"""How a preflight's findings are shown: one table for a person, one list for a program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from health.preflight.catalogue import BY_NAME, CHECKS
from health.preflight.finding import EVERYWHERE, Finding
from stack.text import aligned, counted

HEAD = ("", "HOST", "CHECK", "FOUND", "NEEDED", "TO DO")
_ORDER = {"FAILED": 0, "warning": 1, "unknown": 2, "waived": 3, "passed": 4}


def word(finding: Finding) -> str:
    """How the finding counts: `FAILED`, `warning`, `unknown`, `waived` or `passed`."""
    if finding.waived:
        return "waived"
    return finding.verdict.upper() if finding.stops else finding.verdict


def stopping(findings: Iterable[Finding]) -> list[Finding]:
    """What a deployment would fail on."""
    return [finding for finding in findings if finding.stops]


def warning(findings: Iterable[Finding]) -> list[Finding]:
    """What is to be looked at, but stops nothing."""
    return [finding for finding in findings if finding.warns]


def table(findings: Iterable[Finding], head: tuple[str, ...] = HEAD) -> list[str]:
    """Aligned lines: the heading, then `rows`."""
    return aligned([head, *rows(findings)])


def _hosts(hosts: Sequence[str]) -> str:
    return hosts[0] if len(hosts) == 1 else f"{hosts[0]} and {len(hosts) - 1} more"


def rows(
    findings: Iterable[Finding], hosts_in_words: Callable[[Sequence[str]], str] = _hosts
) -> list[tuple[str, ...]]:
    """The cells under `HEAD`, the worst first; what several hosts have in common is one row."""
    hosts: dict[tuple[str, ...], list[str]] = {}
    for finding in findings:
        to_do = finding.waived or finding.fix
        row = (word(finding), finding.check, finding.found, finding.needed, to_do)
        hosts.setdefault(row, []).append(finding.host)
    ordered = sorted(hosts, key=lambda row: _ORDER[row[0]])
    return [(row[0], hosts_in_words(hosts[row]), *row[1:]) for row in ordered]


def summary(findings: Sequence[Finding]) -> str:
    """One line: `passed, 4 warnings (77 checks)`; with a failed check, how many failed."""
    failed, warned = len(stopping(findings)), len(warning(findings))
    waived = sum(bool(finding.waived) for finding in findings)
    parts = [f"{failed} FAILED" if failed else "passed"]
    parts += [counted(warned, "warning")] if warned else []
    parts += [f"{waived} waived"] if waived else []
    return f"{', '.join(parts)} ({counted(len(findings), 'check')})"


def as_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Stable: names of checks and keys stay."""
    return [
        {
            "check": finding.check,
            "proves": BY_NAME[finding.check].proves,
            "host": None if finding.host == EVERYWHERE else finding.host,
            "found": finding.found,
            "needed": finding.needed,
            "verdict": finding.verdict,
            "stops": finding.stops,
            "fix": finding.fix,
            "waived": finding.waived,
        }
        for finding in findings
    ]


def catalogue() -> list[str]:
    """Every check as a table in Markdown: its name, what it proves, whether it stops."""
    lines = ["| check | proves that | stops a deployment |", "|---|---|---|"]
    return lines + [
        f"| `{check.name}` | {check.proves} | {'yes' if check.stops else 'no, warns'} |"
        for check in CHECKS
    ]
