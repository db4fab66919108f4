"""Recordings of the official plugins: what they did step by step, and the comparison with ours.

`recorded/CASE` has the case's programs (`prelude.txt` precedes each), its steps with their exit
codes, and for each step the state after it, the events, and what the dynamic providers were asked
(`.calls`), as the CLI 3.260 gave them with Pulumi's own language host and plugins.
Steps that asked only the CLI for something are left out.

Compared: exit codes, states, events' operations, calls. Not what differs from run to run (times,
ids, ciphertexts, pickled code) nor texts for people.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

from tests.plugins.cli import Project

RECORDED = Path(__file__).with_name("recorded")
SECRET = "1b47061264138c4ac30d75fd1eb44270"
VARIES = frozenset(
    {"created", "modified", "sourcePosition", "stackTrace", "__provider", "time", "version"}
    | {"__pulumi-go-provider-version"}  # the one of whichever build
)
UNORDERED = frozenset({"dependencies", "propertyDependencies", "additionalSecretOutputs"})
WORDS = [
    (re.compile(pattern), word)
    for pattern, word in (
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>"),
        (r"\b[0-9a-f]{64}", "<sha256>"),
        (r"\b[0-9a-f]{12}\b", "<short id>"),
        (r"-[0-9a-f]{7,8}\b", "-<random>"),
        (r"^c[0-9a-f]{8}$", "c<random>"),
        (r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$", "<mac>"),
        (r"\b172\.\d+\.\d+\.\d+\b", "<address>"),
    )
]
WITH_EVENTS = frozenset({"up", "preview", "refresh", "destroy"})
Row = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """A run of the CLI, and what preceded it."""

    number: int
    arguments: list[str]
    program: int
    exit_code: int
    before: str = ""
    """What was done to the surroundings first, in the recorder's words."""


@dataclass(frozen=True)
class Recording:
    """One case."""

    name: str

    @property
    def _folder(self) -> Path:
        return RECORDED / self.name

    def steps(self) -> Iterator[Step]:
        """Its steps, in order; the numbers may leave some out."""
        found = json.loads((self._folder / "steps.json").read_text())["steps"]
        for step in found:
            yield Step(**step)

    def program(self, number: int) -> str:
        """The text of a program."""
        own = (self._folder / f"program-{number}.txt").read_text()
        return f"{(RECORDED / 'prelude.txt').read_text()}\n{own}"

    def replay(
        self,
        work: Path,
        prepare: Callable[[str], None] = lambda _: None,
        judged: Callable[[Row], Row] = lambda row: row,
    ) -> str:
        """What differs when the CLI does the same with our plugins; empty if nothing does.

        `prepare` does what a step's `before` says; of each row in a state, what `judged` gives is
        compared.
        """
        project = Project(work, name="golden")
        calls, events = work / "calls", work / "events"
        project.variables |= {"GOLDEN_CALLS": str(calls), "PULUMI_DEBUG_COMMANDS": "true"}
        differing = []
        for step in self.steps():
            project.program(self.program(step.program))
            prepare(step.before)
            for path in (calls, events):
                path.unlink(missing_ok=True)
            logged = step.arguments[0] in WITH_EVENTS
            words = [*step.arguments, *(["--event-log", str(events)] if logged else [])]
            done = project.run(*words)
            found = {"exit code": (str(step.exit_code), str(done.code))}
            state = project.backend / ".pulumi/stacks/golden/dev.json"
            for kind, suffix, path, read in (
                ("state", "state.json", state, lambda path: state_text(path, judged)),
                ("events", "events.jsonl", events, _operations),
                ("calls", "calls", calls, _lines),
            ):
                recorded = self._folder / f"{step.number:02}.{suffix}"
                found[kind] = (_read(recorded, read), _read(path, read))
            differing += [
                f"{self.name}, step {step.number} ({' '.join(step.arguments)}), {kind}:\n"
                + _difference(*both)
                for kind, both in found.items()
                if both[0] != both[1]
            ]
            if differing:
                differing.append(done.text)
                break  # what follows differs because of it
        shutil.rmtree(work)
        return "\n".join(differing)


def _read(path: Path, read: Callable[[Path], str]) -> str:
    return read(path) if path.exists() else "(none)"


def _difference(recorded: str, found: str) -> str:
    lines = unified_diff(
        recorded.splitlines(), found.splitlines(), "recorded", "found", lineterm="", n=2
    )
    return "\n".join(lines)


def state_text(path: Path, judged: Callable[[Row], Row] = lambda row: row) -> str:
    """A checkpoint's rows and pending operations, in any order."""
    latest = json.loads(path.read_text())["checkpoint"].get("latest") or {}
    rows = [_written(judged(row)) for row in latest.get("resources") or []]
    pending = [_written(row) for row in latest.get("pending_operations") or []]
    return "\n".join([*sorted(rows), "pending:", *sorted(pending)])


def _written(row: Row) -> str:
    return json.dumps(_normal(row), indent=1, sort_keys=True)


def _normal(value: Any) -> Any:
    """The value without what differs from run to run."""
    if isinstance(value, dict):
        if SECRET in value.values():
            return "<secret>"
        return {
            key: _sorted(_normal(item)) if key in UNORDERED else _normal(item)
            for key, item in value.items()
            if key not in VARIES
        }
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if isinstance(value, str):
        for pattern, word in WORDS:
            value = pattern.sub(word, value)
    return value


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in value.items()}
    return sorted(value) if isinstance(value, list) else value


def _operations(path: Path) -> str:
    """What the events say was planned and done, and what was counted; in any order, since siblings
    run side by side."""
    found: Counter[str] = Counter()
    for line in path.read_text().splitlines():
        event = json.loads(line)
        for kind in ("resourcePreEvent", "resOutputsEvent", "resOpFailedEvent"):
            if kind in event:
                meta = event[kind]["metadata"]
                changed = sorted(meta.get("diffs") or [])
                found[f"{kind} {meta['op']} {meta['urn']} {changed}"] += 1
        if "summaryEvent" in event:
            summary = event["summaryEvent"]
            counts = sorted((summary.get("resourceChanges") or {}).items())
            found[f"summary {counts} {summary.get('isPreview')} {summary.get('result')}"] += 1
    return "\n".join(f"{count} x {what}" for what, count in sorted(found.items()))


def _lines(path: Path) -> str:
    return "\n".join(sorted(path.read_text().splitlines()))
