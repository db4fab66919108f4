"""Containers' logs of all hosts, in one stream ordered by time."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from exctl.hosts import TIMEOUT_SECONDS, on_each, on_host
from exctl.site import Site
from hosts.answer import Ending, HostAnswer
from hosts.container import without_secrets
from hosts.shell import Session, end_all, session
from stack.layout import Instance
from stack.ssh import ssh_target

AGAIN_SECONDS = 2.0
"""Chosen: how soon a container that was replaced, or a host that is back, is looked for."""
_DURATION = re.compile(r"(\d+(\.\d+)?(ns|us|ms|s|m|h))+")
_SECONDS = re.compile(r"\d{1,12}(\.\d{1,9})?")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*")
# The container is asked for first: what it lacks is then said on stderr, and is no line of a log.
# Both streams in one, for only there is their order known.
_LOGS = f"""
limit=; command -v timeout >/dev/null && limit='timeout {TIMEOUT_SECONDS:g}'
id=$($limit docker inspect --type container --format '{{{{.Id}}}}' "$1")
case $? in
  0) ;;
  124) echo "SSH answers, Docker on it doesn't, for {TIMEOUT_SECONDS:g} s" >&2; exit 1;;
  *) exit 1;;
esac
shift; exec docker logs --timestamps "$@" "$id" 2>&1
"""


@dataclass(frozen=True)
class LogLine:
    """What an instance said, and when (RFC 3339, as Docker writes it)."""

    at: str
    instance: str
    host: str
    text: str

    def shown(self, width: int) -> str:
        """For a person: the instance, the time of the day, the text."""
        return f"{self.instance.ljust(width)}  {self.at[11:23]}  {self.text}"


@dataclass(frozen=True)
class Missing:
    """An instance whose log can't be shown, and why."""

    instance: str
    host: str
    why: str

    def __str__(self) -> str:
        return f"{self.instance} on {self.host}: {self.why}"


@dataclass(frozen=True)
class LogFilter:
    """Which lines: `since` as Docker takes it, the last `tail` of each instance, those that
    `pattern` is found in."""

    since: str | None = None
    tail: int | None = None
    pattern: re.Pattern[str] | None = None

    def takes(self, line: LogLine) -> bool:
        return self.pattern is None or self.pattern.search(line.text) is not None


def since_of(text: str) -> str:
    """A `--since` as Docker takes it: a duration (`90s`, `1h30m`), seconds since 1970, or a time,
    which is UTC where it names no zone, as the lines are. ValueError for anything else."""
    if _DURATION.fullmatch(text) or _SECONDS.fullmatch(text):
        return text
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def command(instance: Instance, since: str | None, tail: int | None, follow: bool) -> list[str]:
    """What is run on the instance's host."""
    words = ["--since", since] if since else []
    words += ["--tail", str(tail)] if tail is not None else []
    words += ["--follow"] if follow else []
    return ["sh", "-c", _LOGS, "sh", instance.container_name, *words]


def parsed(instance: Instance, text: str) -> LogLine | None:
    """A line of `docker logs --timestamps`, values of passwords redacted; None if it's none of the
    container's: Docker's own have no time."""
    at, _, said = text.rstrip("\r").partition(" ")
    if not _STAMP.fullmatch(at):
        return None
    return LogLine(at, instance.key, instance.host, without_secrets(said))


def merged(
    site: Site, instances: Sequence[Instance], wanted: LogFilter
) -> tuple[list[LogLine], list[Missing]]:
    """The lines of all instances by time, and the instances that have none to show."""

    def ask(instance: Instance) -> tuple[list[LogLine], Missing | None]:
        words = command(instance, wanted.since, wanted.tail, follow=False)
        answer = on_host(site, instance.host)(words)
        found = [parsed(instance, text) for text in answer.stdout.split("\n")]
        lines = [line for line in found if line is not None and wanted.takes(line)]
        is_whole = answer.is_complete and answer.code == 0
        return lines, None if is_whole else _missing(instance, answer)

    asked = on_each(instances, ask)
    lines = sorted((line for lines, _ in asked for line in lines), key=lambda line: line.at)
    return lines, [missing for _, missing in asked if missing is not None]


def _missing(instance: Instance, answer: HostAnswer) -> Missing:
    said = answer.stderr.strip() or answer.stdout.strip().rpartition("\n")[2]
    why = said if answer.is_complete and said else answer.why()
    return Missing(instance.key, instance.host, why.removeprefix("Error: "))


def follow(
    site: Site,
    instances: Sequence[Instance],
    wanted: LogFilter,
    show: Callable[[LogLine], None],
    tell: Callable[[Missing], None],
) -> None:
    """Shows lines as they come, until the operator interrupts: over containers that are replaced
    and hosts that go away and come back, which `tell` is told of once."""
    ended = threading.Event()
    threads = [
        threading.Thread(
            target=_follow_one, args=(site, instance, wanted, show, tell, ended), daemon=True
        )
        for instance in instances
    ]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:
        ended.set()
        end_all()


def _follow_one(
    site: Site,
    instance: Instance,
    wanted: LogFilter,
    show: Callable[[LogLine], None],
    tell: Callable[[Missing], None],
    ended: threading.Event,
) -> None:
    ssh = ssh_target(site.config.ssh, instance.host).command
    since, tail, last, told = wanted.since, wanted.tail, "", ""
    while not ended.is_set():
        with session(ssh, command(instance, since, tail, follow=True), None) as running:
            for text in _lines(running):
                line = parsed(instance, text)
                if line is None or line.at <= last:  # Docker shows the last one again
                    continue
                since, tail, last, told = line.at, None, line.at, ""
                if wanted.takes(line):
                    show(line)
            answer = running.answer()
        is_gone = answer.kind is not Ending.ENDED or answer.code != 0
        missing = _missing(instance, answer) if is_gone else None
        if missing is not None and missing.why != told and not ended.is_set():
            tell(missing)
            told = missing.why
        ended.wait(AGAIN_SECONDS)


def _lines(running: Session) -> Iterator[str]:
    kept = b""
    for chunk in running:
        *whole, kept = (kept + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)
    if kept:
        yield kept.decode("utf-8", "replace")
