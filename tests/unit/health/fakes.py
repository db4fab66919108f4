"""Stand-ins for the clock, the service and the host, so that a gate's hours pass in no time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from health.probe import Answer, AnswerKind, Probe
from health.verdict import Identity, InstancePlace
from hosts.container import ContainerState, GatedContainer

STARTED = datetime(2026, 11, 22, 9, 0, 0, tzinfo=UTC)
ORG = "6662cb10-0d4d-4710-b979-db69011e66fd"
OTHER_ORG = "11111111-2222-4333-8444-555555555555"
ID, LABELS = "3f" * 32, {"exec.stack": "dev", "exec.instance": "excp-1-1"}
RUNNING = ContainerState("running", 0, 0, STARTED, id=ID, labels=LABELS)
MISSING = ContainerState("missing")
UNASKED = ContainerState("", error="ssh: Connection timed out")
REFUSED = Answer(None, error="connection refused", failure=AnswerKind.REFUSED)
NOT_FORWARDED = Answer(
    None,
    error="ssh: Stdio forwarding request failed: Session open refused by peer",
    failure=AnswerKind.FORWARD_FAILED,
)
HUNG = Answer(None, error="no answer within 5 seconds", seconds=5.0)
OK = Answer(200, b'{"status":"UP"}', seconds=0.02)


@dataclass
class FakeClock:
    now: float = 1000.0

    def seconds(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class FakeContainer:
    """Gives `states` one after the other, the last one for ever."""

    states: list[ContainerState] = field(default_factory=lambda: [RUNNING])
    lines: tuple[str, ...] = ("started", "ready")
    looks: int = 0

    def state(self) -> ContainerState:
        self.looks += 1
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def log_tail(self) -> tuple[str, ...]:
        return self.lines


@dataclass
class FakeService:
    """A probe: `answers` one after the other, the last for ever; each takes its own seconds."""

    clock: FakeClock
    answers: list[Answer]
    asked_at: list[float] = field(default_factory=list)

    def __call__(self, url: str) -> Answer:
        self.asked_at.append(self.clock.now)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.clock.now += answer.seconds
        return answer


def place(probe: Probe, container: GatedContainer, url: str = "") -> InstancePlace:
    """Where the container with our id is asked."""
    return InstancePlace(url, probe, container, Identity(id=ID))


def ours(word: str, exit_code: int = 0, restarts: int = 0) -> ContainerState:
    """Our container in another state."""
    return ContainerState(word, exit_code, restarts, STARTED, id=ID, labels=LABELS)


def by_url(answers: Mapping[str, Answer]) -> Callable[[str], Answer]:
    return lambda url: answers[url]


def down(code: int = 503, **details: str) -> Answer:
    dependencies = {name: {"status": "DOWN", "detail": text} for name, text in details.items()}
    body = {"status": "DOWN", "dependencies": {"cloud": {"status": "UP"}, **dependencies}}
    return Answer(code, json.dumps(body).encode(), seconds=0.02)


def status(
    processed: int = 567,
    latest: int = 567,
    update: str = "Success",
    sync: str = "Success",
    at: str = "2026-11-22T09:10:00.000Z",
    org: str = ORG,
    previous: int = 0,
) -> Answer:
    """/status in the shape of the vendor's document."""
    body = {
        "status": {
            "code": 0,
            "message": f"Latest database updates for orgId:{org} have been successfully processed",
            "corrId": "bd4c0e9a-ba02-491c-93e5-6fd1e3a7e51e",
        },
        "data": {
            "syncStatus": {"timeStamp": at, "status": sync},
            "updateStatus": {
                "timeStamp": at,
                "status": update,
                "previousHWM": previous,
                "latestHWM": latest,
                "processedHWM": processed,
                "operation": "Initialization",
            },
        },
    }
    return Answer(200, json.dumps(body).encode(), seconds=0.02)
