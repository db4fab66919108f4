"""Containers' logs of all hosts, in one stream ordered by time."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exctl.errors import NothingTouched
from exctl.hosts import on_each, on_host, reached
from exctl.site import Site
from hosts.container import without_secrets
from stack.layout import Instance
from stack.ssh import make_control_directory, ssh_target
from stack.text import parse_time

_AGO = re.compile(r"(?=.)([0-9]+h)?([0-9]+m)?([0-9]+(\.[0-9]+)?s)?")


@dataclass(frozen=True)
class Line:
    """What an instance said, and when (RFC 3339, as Docker writes it; empty if it isn't known)."""

    at: str
    instance: str
    host: str
    text: str

    def shown(self, width: int) -> str:
        """For a person: the instance, the time of the day, the text."""
        return f"{self.instance.ljust(width)}  {self.at[11:23]}  {self.text}"


def command(instance: Instance, since: str | None, tail: int | None, follow: bool) -> list[str]:
    """What is run on the instance's host; both streams in one, for only there is their order
    known."""
    words = ["docker", "logs", "--timestamps"]
    words += ["--since", since] if since else []
    words += ["--tail", str(tail)] if tail is not None else []
    words += ["--follow"] if follow else []
    return ["sh", "-c", 'exec "$@" 2>&1', "sh", *words, instance.container_name]


def parsed(instance: Instance, text: str) -> Line:
    """A line of `docker logs --timestamps`, values of passwords redacted."""
    at, _, said = text.partition(" ")
    return Line(at, instance.key, instance.host, without_secrets(said))


def merged(
    site: Site,
    instances: Sequence[Instance],
    since: str | None = None,
    tail: int | None = None,
    pattern: str | None = None,
) -> list[Line]:
    """The lines of all instances by time. ExctlError if a host can't be reached."""
    wanted = _matcher(pattern)

    def ask(instance: Instance) -> list[Line]:
        asked = on_host(site, instance.host)(command(instance, since, tail, follow=False))
        answer = reached(instance.host, asked)
        if answer.code != 0:
            return [Line("", instance.key, instance.host, answer.stdout.strip())]
        return [parsed(instance, text) for text in answer.stdout.splitlines() if wanted(text)]

    found = [line for lines in on_each(instances, ask) for line in lines]
    return sorted(found, key=lambda line: line.at)


def follow(
    site: Site,
    instances: Sequence[Instance],
    since: str | None,
    tail: int | None,
    pattern: str | None,
    show: Callable[[Line], None],
) -> None:
    """Show lines as they come, until every stream has ended or the operator interrupts."""
    make_control_directory()
    wanted = _matcher(pattern)
    running = []

    def read(instance: Instance, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for text in process.stdout:
            if wanted(text):
                show(parsed(instance, text.rstrip("\n")))

    for instance in instances:
        ssh = ssh_target(site.config.ssh, instance.host).command
        words = command(instance, since, tail, follow=True)
        process = subprocess.Popen(
            [*ssh, *_quoted(words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        thread = threading.Thread(target=read, args=(instance, process), daemon=True)
        thread.start()
        running.append((process, thread))
    try:
        for _, thread in running:
            thread.join()
    finally:
        for process, _ in running:
            process.terminate()
            process.wait()


def _quoted(words: Sequence[str]) -> list[str]:
    import shlex

    return [shlex.join(words)]


def refuse_junk(since: str | None, pattern: str | None) -> None:
    """NothingTouched if `--since` isn't a time that Docker knows, or `--grep` no expression."""
    if since is not None and _AGO.fullmatch(since) is None and parse_time(since) is None:
        raise NothingTouched(
            f"--since {since!r} is neither a time ago such as 10m or 2h30m nor a time such as"
            " 2026-11-24T04:00:00."
        )
    try:
        re.compile(pattern or "")
    except (re.error, RecursionError, OverflowError) as error:
        raise NothingTouched(f"--grep {pattern!r} isn't a regular expression: {error}.") from None


def _matcher(pattern: str | None) -> Callable[[str], bool]:
    found = re.compile(pattern or "")
    return lambda text: found.search(text) is not None
