"""A reading command on every stack: each an exctl of its own, a few at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from exctl.errors import DONE, FAILED, UNHEALTHY, NothingTouched
from exctl.fleet.child import EXCTL, PARALLEL, ran
from exctl.fleet.passphrase import environment_with


@dataclass(frozen=True)
class Check:
    """What came of it with one stack: what its command printed as JSON, its exit code, and why it
    failed."""

    stack: str
    exit_code: int
    found: Any
    error: str = ""


def on_all(
    project: Path,
    stacks: Sequence[str],
    word: str,
    passphrase_commands: Mapping[str, Sequence[str]],
    program: tuple[str, ...] = EXCTL,
) -> list[Check]:
    """`exctl WORD --json` of each stack, in their order."""

    def of(stack: str) -> Check:
        try:
            environment = environment_with(passphrase_commands.get(stack), project)
            run = ran([*program, word, "--json", "--stack", stack], project, environment)
        except NothingTouched as error:
            return Check(stack, FAILED, None, str(error))
        try:
            return Check(stack, run.returncode, json.loads(run.stdout))
        except ValueError:
            said = run.stderr.strip().removeprefix("exctl: ").partition("\n")[0]
            return Check(stack, run.returncode or FAILED, None, said or "said nothing")

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(of, stacks))


def exit_code(checks: Sequence[Check]) -> int:
    """1 if a stack couldn't be looked at, 4 if something was found, else 0. Pure."""
    if any(check.found is None for check in checks):
        return FAILED
    return UNHEALTHY if any(check.exit_code != DONE for check in checks) else DONE


def lines(checks: Sequence[Check]) -> list[str]:
    """What was found on each stack; a line for one with nothing. Pure."""
    found = []
    for check in checks:
        if check.found is None:
            found.append(f"{check.stack}: NOT LOOKED AT: {check.error}")
            continue
        rows = [row for row in check.found if row.get("verdict") != "passed"]
        found += [f"{check.stack}: {_worded(row)}" for row in rows]
        if not rows:
            found.append(f"{check.stack}: nothing found")
    return found


def _worded(row: Mapping[str, Any]) -> str:
    if "check" in row:
        where = f" on {row['host']}" if row["host"] else ""
        waived = f" (waived: {row['waived']})" if row["waived"] else ""
        return f"{row['verdict']}: {row['check']}{where}: {row['found']}{waived}"
    return f"{row['instance']} on {row['host']}: {row['kind']}: {row['what']}"


def as_json(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [asdict(check) for check in checks]
