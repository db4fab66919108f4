"""How every stack of a fleet is: each in a thread of its own, within one deadline, so that one that
doesn't answer holds nobody up. Read only; no SSH login, no run of Pulumi."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from config_schema.fleet import Fleet
from exctl.errors import ExctlError
from exctl.history import store as history
from exctl.observe import drift_record, preflight_record
from exctl.observe.endpoints import probe_of, sync_of
from exctl.releases import store as releases
from exctl.site import Site, StackPlace, site_at
from health.contract import parse_health
from health.gates.sync_progress import SyncProgress
from health.probe import Answer
from hosts.container import ContainerState
from stack.layout import Instance
from vendor_facts import SERVICES

DEADLINE_SECONDS = 8.0
"""Chosen: longer than a probe waits (5 s), short enough to look at a fleet again and again."""


@dataclass(frozen=True)
class ServiceRow:
    """A service of a stack: the tags in the stack file, how many instances answer that they are
    well of how many that should, and the others with what they answer."""

    tags: tuple[str, ...]
    healthy: int
    wanted: int
    others: tuple[str, ...] = ()
    """Instances that aren't well, each with its answer; of one that is, another version."""

    @property
    def is_well(self) -> bool:
        return self.healthy == self.wanted and not self.others


@dataclass(frozen=True)
class StackRow:
    """One stack. `problem`: why nothing is known of it. `services` is empty then. `release` is the
    last one, `is_deployed` whether the stack file is still that (None: no release). `drift` and
    `preflight` are what the last look in this clone has found, with its time."""

    stack: str
    tenant: str = ""
    problem: str = ""
    services: Mapping[str, ServiceRow] = field(default_factory=dict)
    sync: str = ""
    release: int | None = None
    is_deployed: bool | None = None
    last_run: str = ""
    drift: str = ""
    preflight: str = ""

    @property
    def trouble(self) -> str:
        """Why it isn't well; '' if it is."""
        others = [each for row in self.services.values() for each in row.others]
        return self.problem or "; ".join(others)


def row_of(place: StackPlace) -> StackRow:
    """How one stack is, whatever its hosts do."""
    try:
        return _asked(site_at(place, place.file))
    except ExctlError as error:
        return StackRow(place.stack, problem=str(error).partition("\n")[0])
    except Exception as error:  # noqa: BLE001  # one stack's mistake is that stack's row
        return StackRow(place.stack, problem=f"can't be looked at: {error}")


def look(
    places: Sequence[StackPlace],
    deadline_seconds: float = DEADLINE_SECONDS,
    look_at: Callable[[StackPlace], StackRow] = row_of,
) -> list[StackRow]:
    """A row for each stack, in their order, when all have answered or the deadline is over."""
    found: dict[str, StackRow] = {}

    def of(place: StackPlace) -> None:
        found[place.stack] = look_at(place)

    threads = [threading.Thread(target=of, args=(place,), daemon=True) for place in places]
    until = time.monotonic() + deadline_seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    late = f"no answer within {deadline_seconds:g} s"
    return [found.get(place.stack) or StackRow(place.stack, problem=late) for place in places]


def _asked(site: Site) -> StackRow:
    meant = list(site.layout.running)
    with ThreadPoolExecutor(max(1, len(meant))) as pool:
        answers = list(pool.map(lambda i: probe_of(site, i.host)(i.health_url), meant))
    by_key = {i.key: answer for i, answer in zip(meant, answers, strict=True)}
    kept = releases.readable(site)
    last = kept[-1] if kept else None
    runs = history.read(site).runs
    return StackRow(
        stack=site.stack,
        tenant=site.config.tenant.id,
        services={name: service_row(site.layout.of(name), by_key) for name in SERVICES},
        sync=_sync(site),
        release=last.number if last else None,
        is_deployed=last.stack_file == site.file.read_text("utf-8") if last else None,
        last_run=runs[-1].outcome if runs else "",
        drift=_words(drift_record.read(site)),
        preflight=_words(preflight_record.read(site)),
    )


def service_row(instances: Sequence[Instance], answers: Mapping[str, Answer]) -> ServiceRow:
    """A service of a stack, from its instances and what those that should run answered. Pure."""
    wanted = [i for i in instances if not i.is_stopped]
    others = []
    healthy = 0
    for instance in wanted:
        answer = answers[instance.key]
        healthy += answer.is_ok
        version = parse_health(answer.body).version
        if not answer.is_ok:
            others.append(f"{instance.key}: {answer}")
        elif version not in ("", instance.tag):
            others.append(f"{instance.key}: runs {version}")
    tags = tuple(dict.fromkeys(i.tag for i in instances))
    return ServiceRow(tags, healthy, len(wanted), tuple(others))


def _sync(site: Site) -> str:
    (excs,) = site.layout.of("excs")
    if excs.is_stopped or excs.status_url is None:
        return ""
    answer = probe_of(site, excs.host)(excs.status_url)
    progress = SyncProgress(moved_at=time.monotonic())
    org_id = site.config.tenant.org_id
    # Without a login nobody says when the container began: an older success counts here.
    return sync_of(answer, ContainerState(""), org_id, True, progress, time.monotonic()).text


def _words(record: preflight_record.PreflightRecord | drift_record.DriftRecord | None) -> str:
    """`2 failed 3 h ago`; `not looked at` if there is no record."""
    if record is None:
        return "not looked at"
    ago = age(time.time() - record.at)
    words = ", ".join(f"{count} {name}" for name, count in record.counts.items() if count)
    return f"{words or 'none'} {ago} ago"


def age(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h`, `2 d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def frozen(fleet: Fleet | None, stack: str) -> str:
    """Until when, and why; '' if it isn't."""
    freeze = fleet.of(stack).freeze if fleet is not None else None
    if freeze is None or not freeze.holds(datetime.now(UTC).date()):
        return ""
    return f"until {freeze.until}: {freeze.reason}"


def wave_of(fleet: Fleet | None, stack: str) -> str:
    """The wave that it is in; '' if none."""
    waves = fleet.waves if fleet is not None else []
    return next((wave.name for wave in waves if stack in wave.stacks), "")


def as_json(rows: Sequence[StackRow], fleet: Fleet | None) -> list[dict[str, Any]]:
    """The rows for programs."""
    return [
        asdict(row)
        | {
            "is_well": not row.trouble,
            "trouble": row.trouble,
            "wave": wave_of(fleet, row.stack),
            "frozen": frozen(fleet, row.stack),
            "pins": fleet.of(row.stack).pins if fleet is not None else {},
        }
        for row in rows
    ]
