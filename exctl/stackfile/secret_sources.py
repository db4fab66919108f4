"""Where a new stack's secrets come from without a person: variables, files, stdin. Never arguments,
which every user of this machine could read, and never a file of settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from exctl.terminal.questions import unusable, without_line_end
from stack.problems import Problem
from stack.secrecy import SECRET_NAMES

STDIN_OPTION = "--secrets-stdin"


def variable(name: str) -> str:
    """`redisPassword` → `EXCTL_REDIS_PASSWORD`."""
    return "EXCTL_" + re.sub(r"(?=[A-Z])", "_", name).upper()


def ways(name: str) -> str:
    """How a secret may be given, for an error."""
    return (
        f"{variable(name)}, by {variable(name)}_FILE (a path), or as a line {name}=… to"
        f" {STDIN_OPTION}"
    )


def from_environment(environment: Mapping[str, str]) -> tuple[dict[str, str], list[Problem]]:
    """The secrets that variables hold or whose files they name; what is wrong with them."""
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for name in SECRET_NAMES:
        own, by_file = variable(name), f"{variable(name)}_FILE"
        if own in environment and by_file in environment:
            problems.append(Problem(name, f"both {own} and {by_file} are set; keep one of them"))
        elif own in environment:
            found[name] = environment[own]
        elif by_file in environment:
            path = Path(environment[by_file])
            try:
                found[name] = without_line_end(path.read_text("utf-8"))
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else "isn't UTF-8 text"
                problems.append(Problem(name, f"{by_file}: {path}: {why}"))
    return _without_unusable(found, problems)


def from_lines(text: str) -> tuple[dict[str, str], list[Problem]]:
    """The secrets of lines `name=value`; an error never holds a line, which may be a password."""
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, equals, value = line.partition("=")
        if not equals or name.strip() not in SECRET_NAMES:
            allowed = ", ".join(SECRET_NAMES)
            problems.append(Problem(f"stdin, line {number}", f"is not NAME=VALUE of {allowed}"))
            continue
        found[name.strip()] = value
    return _without_unusable(found, problems)


def _without_unusable(
    found: dict[str, str], problems: list[Problem]
) -> tuple[dict[str, str], list[Problem]]:
    wrong = {name: why for name, value in found.items() if (why := unusable(value))}
    problems += [Problem(name, why) for name, why in wrong.items()]
    return {name: value for name, value in found.items() if name not in wrong}, problems
