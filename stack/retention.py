"""Old log files on a host: which are ours, and the line of a crontab that removes them. Pure."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from config_schema import ExecConfig
from stack.layout import Instance, Layout

MINUTES_A_DAY = 1440
WHEN = "17 3 * * *"
"""Chosen: at night, and not at the hour, when everybody else's begin."""
_DIGITS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "j": 3, "y": 2}
_TOKEN = re.compile(r"%(.)|([\[\]*?\\])|(.)", re.DOTALL)
_SURE = 3
"""Chosen: letters and digits that a name must have of its own to be known for ours."""


@dataclass(frozen=True)
class Retention:
    """What a host's crontab is to have."""

    host: str
    mark: str
    """The end of the line, by which it is found again."""
    line: str
    directories: tuple[str, ...]
    """What it removes files from; the user has to be able to."""


def retentions(config: ExecConfig, layout: Layout, stack: str) -> list[Retention]:
    """One a host whose instances write files; none without `logs.retention_days`."""
    days = config.logs.retention_days
    found = []
    for host in layout.hosts if days is not None else ():
        ours: dict[str, list[str]] = {}
        for instance in layout.instances:
            place = log_files(instance) if instance.host == host else None
            if place is not None and place[1] not in ours.setdefault(place[0], []):
                ours[place[0]].append(place[1])
        if ours and days is not None:
            mark = f"# exec-retention {stack}"
            commands = "; ".join(_find(where, names, days) for where, names in ours.items())
            line = f"{WHEN} {commands} {mark}"
            found.append(Retention(host, mark, line, tuple(ours)))
    return found


def log_files(instance: Instance) -> tuple[str, str] | None:
    """The directory on the host and the pattern of the names there; None where it writes no files,
    or where the pattern would be anybody's."""
    variables = instance.environment
    path = variables.get("LOG_PATH")
    name = glob_of(variables.get("LOG_FILENAME") or variables.get("LOG_FILE_NAME") or "")
    inside = instance.log_container_path.rstrip("/")
    if path is None or name is None or not f"{path}/".startswith(f"{inside}/"):
        return None
    return instance.log_host_path.rstrip("/") + path.rstrip("/")[len(inside) :], name


def glob_of(pattern: str) -> str | None:
    """The names that a pattern such as `excs-1.%Y%m%d.log` makes, as `find -name` takes them; None
    where too little of it is fixed to know our files from others'."""
    glob, fixed = "", 0
    for token, special, plain in _TOKEN.findall(pattern):
        if token and token != "%":
            glob += "[0-9]" * _DIGITS[token] if token in _DIGITS else "*"
        elif special:
            glob += f"\\{special}"
        else:
            glob += plain or "%"
            fixed += (plain or "%").isalnum()
    return glob if fixed >= _SURE + (len("log") if pattern.endswith(".log") else 0) else None


def _find(directory: str, names: list[str], days: int) -> str:
    tests = " -o ".join(f"-name {shlex.quote(name)}" for name in names)
    words = f"find {shlex.quote(directory)} -maxdepth 1 -type f '(' {tests} ')'"
    # In a crontab a bare % ends the command. Source: crontab(5).
    return f"{words} -mmin +{days * MINUTES_A_DAY} -delete".replace("%", "\\%")
