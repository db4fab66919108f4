"""How far a run is, instance by instance: what a live view shows, and what is said when it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from exctl.runs.plan import CONTAINER_TYPE, GATE_VERBS, IMAGE_TYPE, PULL_VERBS, VERBS, Step, Touch
from health.gates.events import Event, WasDown

State = Literal["waiting", "busy", "done", "failed"]
_BEGUN = {
    "create": "starting its container",
    "create-replacement": "starting its container",
    "delete-replaced": "stopping its old container",
    "delete": "stopping its container",
    "update": "changing its container",
    "start-again": "starting its container",
}
_GATE_BEGUN = {
    "health": "waiting until it is healthy",
    "sync": "waiting for its sync",
    "bake": "watching whether it stays healthy",
    "guard": "asking whether its peer serves",
}


@dataclass
class InstanceProgress:
    """One instance of the plan: how far it is, in words, and since when (monotonic seconds)."""

    touch: Touch
    state: State = "waiting"
    words: str = "waiting"
    step: str = "waiting"
    """The words of the step under way, whatever the gate says meanwhile."""
    since: float = 0.0
    is_touched: bool = False
    stopped_at: float | None = None
    gates_left: set[str] = field(default_factory=set)


class RunProgress:
    """Follows a run by its steps. What the plan didn't foresee is followed as well."""

    def __init__(
        self, planned: Sequence[Touch] = (), now: Callable[[], float] = time.monotonic
    ) -> None:
        self._now = now
        self.instances = {
            touch.instance: InstanceProgress(touch, since=now(), gates_left=set(touch.gates))
            for touch in planned
        }
        self.downtimes: list[Event] = []
        """How long each instance was down that was replaced."""

    @property
    def touched(self) -> list[str]:
        """The instances whose container was begun to be changed."""
        return [key for key, each in self.instances.items() if each.is_touched]

    def begins(self, step: Step) -> None:
        found = self._of(step)
        if found is None:
            return
        if step.type == CONTAINER_TYPE and step.op in _BEGUN:
            found.is_touched = True
            if step.op in ("delete-replaced", "delete"):
                found.stopped_at = self._now()
            self._is(found, "busy", _BEGUN[step.op])
        elif step.role in _GATE_BEGUN and step.op in GATE_VERBS:
            self._is(found, "busy", _GATE_BEGUN[step.role])
        elif step.type == IMAGE_TYPE and step.op in PULL_VERBS:
            self._is(found, "waiting", "pulling its image")

    def ends(self, step: Step) -> None:
        found = self._of(step)
        if found is None:
            return
        if step.role in ("health", "sync", "bake") and step.op in GATE_VERBS:
            found.gates_left.discard(step.role)
            if not found.gates_left - {"bake"}:
                self._note_downtime(found)
            if not found.gates_left:
                self._is(found, "done", "done")
        elif step.type == CONTAINER_TYPE and step.op in VERBS:
            is_last = step.op == "delete" or not found.gates_left
            if is_last and step.op != "delete-replaced":
                self._is(found, "done", "done")
            elif step.op != "delete-replaced":
                self._is(found, "busy", "container started")
        elif step.type == IMAGE_TYPE and step.op in PULL_VERBS:
            self._is(found, "waiting", "image pulled, waiting")

    def fails(self, step: Step) -> None:
        found = self._of(step)
        if found is not None:
            self._is(found, "failed", f"failed while {found.step}")

    def hears(self, event: Event) -> None:
        """What a gate or guard of an instance reports."""
        found = self.instances.get(event.instance)
        if found is not None and found.state == "busy":
            found.words = str(event)

    def report(self) -> list[str]:
        """What is done, what was begun, what wasn't: one line each."""
        groups = {
            "done": [key for key, i in self.instances.items() if i.state == "done"],
            "begun, not finished": [
                f"{key} ({i.step})"
                for key, i in self.instances.items()
                if i.is_touched and i.state != "done"
            ],
            "not touched": [
                key for key, i in self.instances.items() if not i.is_touched and i.state != "done"
            ],
        }
        return [f"{title}: {', '.join(found)}" for title, found in groups.items() if found]

    def _of(self, step: Step) -> InstanceProgress | None:
        if step.type not in (CONTAINER_TYPE, IMAGE_TYPE) and step.role not in _GATE_BEGUN:
            return None
        if step.instance not in self.instances:
            if step.type != CONTAINER_TYPE or step.op not in _BEGUN:
                return None
            touch = Touch(step.instance, "", VERBS[step.op], (), "")
            self.instances[step.instance] = InstanceProgress(touch, since=self._now())
        return self.instances[step.instance]

    def _is(self, found: InstanceProgress, state: State, words: str) -> None:
        if found.state != state or found.words != words:
            found.since = self._now()
        found.state = state
        found.words = found.step = words

    def _note_downtime(self, found: InstanceProgress) -> None:
        if found.stopped_at is not None:
            seconds = self._now() - found.stopped_at
            self.downtimes.append(WasDown(found.touch.instance, round(seconds, 1)))
            found.stopped_at = None
