"""Pulumi's events as the lines an operator reads while a run goes on."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pulumi.automation.events import EngineEvent, StepEventMetadata

from exctl.runs import causes
from exctl.runs.plan import CONTAINER_TYPE, IMAGE_TYPE, Step, step_of
from exctl.runs.scope import ROLES
from exctl.terminal.progress import RunProgress
from health.errors import GateCode, GateFailure, failure_in
from health.gates.events import PASSING, Event, as_data, parsed, shown

_MARKUP = re.compile(r"<\{%.*?%\}>|\x1b\[[0-9;]*m")
_TRACE = re.compile(r"^\s+File \"|^Traceback |^KeyboardInterrupt|^\s+raise |^\s{4,}\S")
_WRAPPERS = re.compile(
    r"^(?:Exception calling application: |error: |"
    r"rpc error: code = \w+ desc = )+"
)
_AMBIENT = re.compile(r"using pulumi-\S+ from \$PATH at ")
"""Pulumi's word for a plugin of ours, once for every provider: meant, and no news."""
_DONE = {
    (CONTAINER_TYPE, "create"): "container started",
    (CONTAINER_TYPE, "create-replacement"): "container started",
    (CONTAINER_TYPE, "update"): "container changed in place",
    (CONTAINER_TYPE, "start-again"): "container started again",
    (CONTAINER_TYPE, "delete"): "container removed",
    (CONTAINER_TYPE, "delete-replaced"): "old container removed",
    (IMAGE_TYPE, "create"): "image pulled",
    (IMAGE_TYPE, "create-replacement"): "image pulled",
}


@dataclass
class StepLog:
    """Collects the steps of one run and says what is done, as it is done.

    `is_live`: something else shows how far the run is, so what will soon be out of date isn't said.
    """

    say: Callable[[str], None]
    progress: RunProgress = field(default_factory=RunProgress)
    is_live: bool = False
    steps: list[Step] = field(default_factory=list)
    gate_failures: list[GateFailure] = field(default_factory=list)
    other_errors: list[str] = field(default_factory=list)
    """Of no resource: complete by themselves."""
    failures: dict[str, str] = field(default_factory=dict)
    """Resource → what Docker, ssh or the registry said."""
    hosts: Mapping[str, str] = field(default_factory=dict)
    """Instance → host, to name it."""
    program_words: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    """What gates and guards reported that is worth keeping."""
    started: float = field(default_factory=time.monotonic)
    report: Callable[..., None] | None = None
    """Told of each step and event, for programs."""

    @property
    def errors(self) -> list[str]:
        """Why the run failed, each reason once."""
        gates = [worded(failure) for failure in self.gate_failures]
        return [*gates, *self.other_errors, *causes.worded(self.failures, self.hosts)]

    def on_event(self, event: EngineEvent) -> None:
        if event.resource_pre_event:
            self._note(event.resource_pre_event.metadata)
        elif event.res_outputs_event:
            self._done(event.res_outputs_event.metadata)
        elif event.res_op_failed_event:
            step = _step(event.res_op_failed_event.metadata)
            self.progress.fails(step)
            self._report(step, "failed")
        elif event.diagnostic_event:
            diagnostic = event.diagnostic_event
            self._diagnostic(diagnostic.severity, plain(diagnostic.message), diagnostic.urn)

    def _note(self, metadata: StepEventMetadata) -> None:
        step = _step(metadata)
        self.steps.append(step)
        self.progress.begins(step)
        self._report(step, "begun")

    def _done(self, metadata: StepEventMetadata) -> None:
        step = _step(metadata)
        if step not in self.steps:  # what a look at the hosts has found, and no step of ours
            return
        known = len(self.progress.downtimes)
        self.progress.ends(step)
        self._report(step, "done")
        if self.report is not None:
            for downtime in self.progress.downtimes[known:]:
                self.report(**as_data(downtime))
        words = _DONE.get((step.type, step.op))
        if words:
            self._line(f"{step.instance}: {words}")

    def _diagnostic(self, severity: str, message: str, urn: str | None) -> None:
        if severity == "error":
            self._failed(message, _subject(urn))
        elif severity == "warning" and not _AMBIENT.match(message):
            self._line(f"warning: {message.strip()}")
        elif severity == "info#err" and _is_of_the_program(urn):
            # When a step fails, the program is stopped, and Python says so at length.
            self.program_words.append(message.rstrip())
        elif severity.startswith("info"):
            for line in filter(None, map(str.strip, message.splitlines())):
                self._on_event(line)

    def _failed(self, message: str, name: str) -> None:
        if failure := failure_in(message):
            if failure not in self.gate_failures:
                self.gate_failures.append(failure)
            return
        worded = without_wrapping(message)
        if worded and name:
            self.failures.setdefault(name, worded)
        elif worded and worded not in self.other_errors:
            self.other_errors.append(worded)

    def _on_event(self, line: str) -> None:
        event = parsed(line)
        if event is None:
            self._line(line)
            return
        self.progress.hears(event)
        if self.report is not None:
            self.report(**as_data(event))
        is_passing = isinstance(event, PASSING)
        if not (self.is_live and is_passing):
            self._line(shown(event))
        if not is_passing:
            self.events.append(event)

    def _report(self, step: Step, state: str) -> None:
        """What is done to a container, image, guard or gate of an instance."""
        if self.report is None or step.role not in ROLES or step.op in ("same", "read", "refresh"):
            return
        self.report("step", instance=step.instance, what=step.role, op=step.op, state=state)

    def _line(self, text: str) -> None:
        self.say(f"{time.monotonic() - self.started:6.1f} s  {text}")


def _step(metadata: StepEventMetadata) -> Step:
    op = str(getattr(metadata.op, "value", metadata.op))
    return step_of(op, metadata.urn, metadata.diffs or ())


def worded(failure: GateFailure) -> str:
    """What a gate or guard said, with the way on that exctl has where a guard refused."""
    text = failure.text(with_ways=False)
    if failure.code not in (GateCode.LAST_OF_PAIR, GateCode.IN_DOUBT):
        return text
    return (
        f"{text}\n  To go on anyway, with the pair down meanwhile: the same command with"
        " --allow-outage."
    )


def plain(text: str) -> str:
    """A message without the marks for colour."""
    return _MARKUP.sub("", text)


def without_wrapping(message: str) -> str:
    """An error as we worded it: without the layers and tracebacks that it came through."""
    lines = [
        line for line in message.splitlines() if not _TRACE.match(line) or line.startswith("|")
    ]
    text = _WRAPPERS.sub("", "\n".join(lines).strip())
    if text in (
        "update failed",
        "preview failed",
        "resource monitor shut down while waiting on step's done channel",
    ):
        return ""
    return text


def _is_of_the_program(urn: str | None) -> bool:
    return not urn or step_of("", urn).type == "pulumi:pulumi:Stack"


def _subject(urn: str | None) -> str:
    """The resource that an error is about, if its own words won't say so."""
    if not urn or "::" not in urn:
        return ""
    step = step_of("", urn)
    if step.type.startswith(("pulumi:pulumi:Stack", "pulumi-python:")):
        return ""
    return step.name
