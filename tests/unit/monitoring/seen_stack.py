"""A stack as the exporter has seen it, well in every part, and the means to spoil it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from health.contract import parse_status
from health.gates.sync import SyncKind
from health.probe import Answer, AnswerKind
from hosts.container import ContainerState
from monitoring.samples import samples
from monitoring.seen import (
    Disk,
    DriftSeen,
    HostSeen,
    InstanceSeen,
    RecordsSeen,
    StackSeen,
    SyncSeen,
)
from tests.unit.exctl.sites import make_site

NOW = 1_795_000_000.0
REFUSED = Answer(None, error="connection refused", failure=AnswerKind.REFUSED)
SILENT = Answer(None, error="no answer within 5 seconds", failure=AnswerKind.NO_ANSWER)


def ok(**dependencies: str) -> Answer:
    """A 200 whose body names these dependencies, each with its status."""
    body = {"version": "100.0.100.11", "dependencies": dependencies}
    return Answer(200, json.dumps(body).encode(), seconds=0.02)


def status_body(processed: int = 100, latest: int = 100, word: str = "Success") -> bytes:
    phase = {"timeStamp": "2026-11-25T10:00:00.000Z", "status": word}
    marks = {"previousHWM": 0, "latestHWM": latest, "processedHWM": processed}
    data = {"syncStatus": phase, "updateStatus": {**phase, **marks, "operation": "Update"}}
    return json.dumps({"status": {"code": 0}, "data": data}).encode()


def seen_stack(**changes: Any) -> StackSeen:
    """The lab's stack; `changes` are settings by path, dots as two underscores."""
    site = make_site(**changes)
    layout = site.layout

    def running(key: str) -> ContainerState:
        labels = {"exec.stack": "dev", "exec.instance": key}
        started = datetime.fromtimestamp(NOW - 3600, UTC)
        return ContainerState("running", 0, 0, started, "", f"id-of-{key}", labels)

    hosts = {
        host: HostSeen(
            looked_at=NOW,
            is_up=True,
            containers={i.key: running(i.key) for i in layout.instances if i.host == host},
            clock_ahead_seconds=0.0,
            disks=(Disk("/", 100 << 30, 60 << 30),),
            shippers={"alloy": ContainerState("running")},
            certificates={"api.example.com:443": NOW + 90 * 86400},
        )
        for host in layout.hosts
    }
    return StackSeen(
        stack="dev",
        tenant=site.config.tenant.id,
        org=site.config.tenant.org_id,
        layout=layout,
        stall_limit_seconds=900,
        sync_age_limit_seconds=86400,
        instances={i.key: InstanceSeen(ok(), NOW, NOW - 3600) for i in layout.running},
        sync=SyncSeen(parse_status(status_body()), SyncKind.COMPLETE, NOW - 3600),
        hosts=hosts,
        records=RecordsSeen(7, NOW - 7200, False, NOW - 7300, {"failed": 0, "warning": 2}),
        drift=DriftSeen(NOW, {"host changed": 0, "not yet deployed": 0, "unknown": 0}),
    )


def with_answer(seen: StackSeen, key: str, answer: Answer) -> StackSeen:
    """The same after the instance has answered this, which no look at its host has followed."""
    found = InstanceSeen(answer, NOW + 10, NOW + 10)
    return replace(seen, instances={**seen.instances, key: found})


def with_container(
    seen: StackSeen, key: str, state: ContainerState, looked_at: float = NOW + 20
) -> StackSeen:
    """The same after a look at the instance's host has found this container."""
    (instance,) = (i for i in seen.layout.instances if i.key == key)
    host = seen.hosts[instance.host]
    found = replace(host, looked_at=looked_at, containers={**host.containers, key: state})
    return replace(seen, hosts={**seen.hosts, instance.host: found})


def values(seen: StackSeen, name: str) -> dict[tuple[str, ...], float]:
    """Labels behind the stack's → value, of one metric without its prefix."""
    wanted = f"exec_{name}"
    return {s.labels[1:]: float(s.value) for s in samples(seen) if s.metric.name == wanted}


def of_instance(seen: StackSeen, name: str) -> dict[str, float]:
    """Instance → value, of one metric."""
    return {labels[0]: value for labels, value in values(seen, name).items()}


def state(seen: StackSeen, key: str) -> str:
    """The one state that an instance is in."""
    found = values(seen, "instance_state")
    (word,) = (labels[-1] for labels, value in found.items() if value and labels[0] == key)
    return word
