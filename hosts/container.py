"""A container as its host sees it: state and last log lines, read over SSH.

Read only. A gate needs it to tell 'still starting' from 'crashing again and again', which /health
can't say, and to show what the service wrote last.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pydantic import JsonValue

from hosts.answer import HostCommand
from stack.secrecy import REDACTED, redacted_text
from stack.text import counted, parse_time, plain_text

COMMAND_TIMEOUT_SECONDS = 15.0
LOG_TAIL_LINES = 20
LOG_LINE_LIMIT_CHARACTERS = 400
_INSPECT = (
    '{"state":{{json .State}},"restarts":{{.RestartCount}},"id":{{json .Id}},'
    '"labels":{{json .Config.Labels}}}'
)
_SECRET = re.compile(r"(?i)((?:password|passwd|secret|token)[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&}]+")


GONE_WORDS = frozenset({"exited", "dead", "created", "missing"})


@dataclass(frozen=True)
class ContainerState:
    """Docker's account of one container.

    `word` is Docker's own (running, restarting, exited, created, paused, dead), `missing` if the
    host has no such container, or empty if the host couldn't be asked: then `error` says why.
    """

    word: str
    exit_code: int | None = None
    restarts: int = 0
    started_at: datetime | None = None
    error: str = ""
    id: str = ""
    """In full; empty where there is no container, or the host couldn't be asked."""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether the host could be asked."""
        return self.word != ""

    @property
    def is_gone(self) -> bool:
        """Certain: no process of it runs, and Docker doesn't start one by itself."""
        return self.word in GONE_WORDS

    def __str__(self) -> str:
        if not self.word:
            return f"unknown: {self.error}"
        if self.word == "missing":
            return "missing: the host has no such container"
        parts = [self.word]
        if self.started_at is not None:
            parts.append(f"last started {self.started_at:%Y-%m-%d %H:%M:%S} UTC")
        if self.exit_code is not None and self.word != "running":
            parts.append(f"exit code {self.exit_code}")
        parts.append(f"restarted {counted(self.restarts, 'time')}")
        return ", ".join([*parts, self.error] if self.error else parts)


NOT_LOOKED = ContainerState("", error="not looked at yet")


class GatedContainer(Protocol):
    """What a gate asks about a container; both calls answer whatever happens to the host."""

    def state(self) -> ContainerState: ...

    def log_tail(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class HostContainer:
    """The container `name` on the host that `run` reaches."""

    name: str
    run: HostCommand

    def state(self) -> ContainerState:
        inspect = ["docker", "inspect", "--type", "container", "--format", _INSPECT, self.name]
        answer = self.run(inspect)
        if answer.code == 0:
            return parse_state(answer.stdout)
        if "no such container" in answer.stderr.lower():
            return ContainerState("missing")
        return ContainerState("", error=answer.why())

    def log_tail(self) -> tuple[str, ...]:
        """The last 20 lines of stdout and stderr, the values of passwords redacted."""
        # Both streams into one on the host: only there is their order known.
        logs = f"docker logs --tail {LOG_TAIL_LINES} {shlex.quote(self.name)} 2>&1"
        answer = self.run(["sh", "-c", logs])
        if answer.code != 0:
            return ()
        lines = [line for line in answer.stdout.splitlines() if line.strip()]
        return tuple(without_secrets(line) for line in lines[-LOG_TAIL_LINES:])


def parse_state(text: str) -> ContainerState:
    """The state that `docker inspect` printed in the form of `_INSPECT`."""
    try:
        found: JsonValue = json.loads(text)
    except ValueError:
        found = None
    found = found if isinstance(found, Mapping) else {}
    state, restarts, labels = (found.get(name) for name in ("state", "restarts", "labels"))
    if not isinstance(state, Mapping) or not isinstance(restarts, int):
        return ContainerState("", error=f"docker inspect answered {plain_text(text)}")
    return state_of(state, restarts, found.get("id"), labels)


def state_of(state: object, restarts: object, identity: object, labels: object) -> ContainerState:
    """From the parts of what `docker inspect` says."""
    if not isinstance(state, Mapping):
        return ContainerState("", error="docker inspect says nothing of its state")
    exit_code = state.get("ExitCode")
    error = plain_text(state.get("Error"))
    if state.get("OOMKilled") is True:
        error = "OOM-killed"
    return ContainerState(
        word=plain_text(state.get("Status")),
        exit_code=exit_code if isinstance(exit_code, int) else None,
        restarts=restarts if isinstance(restarts, int) else 0,
        started_at=parse_time(state.get("StartedAt")),
        error=error,
        id=plain_text(identity),
        labels={k: str(v) for k, v in labels.items()} if isinstance(labels, Mapping) else {},
    )


def without_secrets(line: str) -> str:
    """A log line, printable, at most 400 characters, with the values of passwords redacted."""
    text = plain_text(line, LOG_LINE_LIMIT_CHARACTERS)
    return redacted_text(_SECRET.sub(rf"\1{REDACTED}", text))
