"""Histories: small programs, and the commands that are run on them, one after the other.

A history is a directory under `programs/`: `history.yaml`, and programs named by it. It is played
by one engine, by the other, or by both in turn on one backend; what each step gave is kept, so
that the players can be compared with each other, and each with what the history itself demands.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

PROGRAMS = Path(__file__).parent / "programs"
THINGS = "things.py"
PASSWORD = "s3cr3t-value"  # what the histories keep secret
STEP_SECONDS = 120
WITH_EVENTS = ("up", "preview", "refresh", "destroy")
SECRET = "1b47061264138c4ac30d75fd1eb44270"
CAPSULE = '"4dabf18193072939515e22adb298388d"'
LEFT_OUT = {  # what differs from run to run, or from place to place
    "created", "modified", "sourcePosition", "stackTrace", "__provider", "viewOf", "time",
    "version", "magic", "duration", "durationSeconds", "timestamp", "sequence", "startTime",
    "endTime", "environment", "salt", "state", "lastUpdate", "url", "PolicyPacks", "policyPacks",
    "color", "packageVersion", "deploymentVersion", "maybeCorrupt",
}  # fmt: skip
UNORDERED = {
    "dependencies", "propertyDependencies", "additionalSecretOutputs", "aliases", "keys", "diffs",
    "initErrors", "labels", "diffReasons", "replaceReasons",
}  # fmt: skip
RANDOM = [
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<sha256>"),
    (re.compile(r"^[a-z]+[0-9a-f]{8}$"), "<name and random>"),
    (re.compile(r"-[0-9a-f]{7}\b"), "-<random>"),
    (re.compile(r"^[0-9a-f]{12}$"), "<container>"),
    (re.compile(r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$"), "<mac>"),
    (re.compile(r"\b172\.\d+\.\d+\.\d+\b"), "<address>"),
]


@dataclass(frozen=True)
class Step:
    """A command; `code` is what it must exit with, `says` a pattern that its output must hold,
    `never` one that it mustn't; `calls` are the calls of the provider, sorted. `same_text`: both
    engines' standard output must be equal."""

    run: tuple[str, ...]
    program: str = ""
    code: int = 0
    says: str = ""
    never: str = ""
    calls: Sequence[str] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    before: str = ""
    stdin: str = ""
    same_text: bool = False

    @property
    def is_sealed(self) -> bool:
        """True unless secrets were asked for in clear."""
        return "--show-secrets" not in self.run and self.run[:2] != ("config", "get")


@dataclass(frozen=True)
class History:
    """What is played; `needs` names what must be there for it (docker). `apart_from` are keys of
    JSON in which the engines are known to differ, each with the reason."""

    name: str
    purpose: str
    steps: tuple[Step, ...]
    project: str = ""
    needs: str = ""
    apart_from: Mapping[str, str] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        return PROGRAMS / self.name


@dataclass(frozen=True)
class Seen:
    """What a step gave, normalised."""

    code: int
    text: str
    parts: Mapping[str, str]


def load(name: str) -> History:
    """The history of a directory under `programs/`."""
    data = YAML(typ="safe").load(PROGRAMS / name / "history.yaml")
    steps = [Step(**{**step, "run": tuple(shlex.split(step["run"]))}) for step in data.pop("steps")]
    return History(name, steps=tuple(steps), **data)


def all_histories() -> list[History]:
    """Every history there is, by name."""
    return [load(path.parent.name) for path in sorted(PROGRAMS.glob("*/history.yaml"))]


def without(value: Any, keys: Collection[str]) -> Any:
    """JSON data without these keys."""
    if isinstance(value, dict):
        return {k: without(v, keys) for k, v in value.items() if k not in keys}
    return [without(v, keys) for v in value] if isinstance(value, list) else value


def normal(value: Any) -> Any:
    """JSON data without what differs from run to run."""
    if isinstance(value, dict):
        if SECRET in value.values():
            return json.loads(value["plaintext"]) if "plaintext" in value else "<secret>"
        return {
            k: _sorted(normal(v)) if k in UNORDERED else normal(v)
            for k, v in value.items()
            if k not in LEFT_OUT
        }
    if isinstance(value, list):
        return [normal(v) for v in value]
    if isinstance(value, str):
        for pattern, word in RANDOM:
            value = pattern.sub(word, value)
    return value


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _sorted(v) for k, v in value.items()}
    return sorted(value, key=_pretty) if isinstance(value, list) else value


def _without_filler(row: Mapping[str, Any]) -> dict[str, Any]:
    """A docker row without what its plugin adds for itself (`__…`) and without empty values."""
    if not str(row.get("type", "")).startswith("docker:"):
        return dict(row)
    found = dict(row)
    for part in ("inputs", "outputs"):
        values = row.get(part) or {}
        found[part] = {k: v for k, v in values.items() if v and not k.startswith("__")}
    return found


def _rows(rows: Sequence[Mapping[str, Any]] | None) -> list[str]:
    return sorted(_pretty(normal(_without_filler(row))) for row in rows or [])


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True)


def state_of(deployment: Mapping[str, Any]) -> str:
    """Rows and pending operations of a deployment, in an order of their own."""
    pending = [_pretty(normal(p)) for p in deployment.get("pending_operations") or []]
    return "\n".join([*_rows(deployment.get("resources")), "pending:", *sorted(pending)])


def _event(event: Mapping[str, Any]) -> str | None:
    """An event as it is compared; None for what is only told to people."""
    kinds = {"resourcePreEvent", "resOutputsEvent", "resOpFailedEvent", "summaryEvent"}
    found = {k: v for k, v in event.items() if k in kinds}
    for body in found.values():
        metadata = body.get("metadata") or {}
        body.pop("steps", None)  # how many were done before: siblings run side by side
        for side in ("old", "new"):  # the states are compared themselves
            metadata.pop(side, None)
    return _pretty(normal(found)) if found else None


def events_of(text: str, apart_from: Collection[str] = ()) -> str:
    """The events of a log or a `--json` run, sorted: siblings run side by side."""
    events = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    lines = [_event(without(event, apart_from)) for event in events]
    return "\n".join(sorted(line for line in lines if line is not None))


class Player:
    """Plays one history in a directory of its own, each step with the next of `engines`."""

    def __init__(self, history: History, engines: Sequence[Path], work: Path) -> None:
        self.history = history
        self.engines = engines
        self.project = work / "project"
        self.backend = work / "backend"
        self.home = work / "home"
        self.calls = work / "calls"
        for folder in (self.project, self.backend, self.home):
            folder.mkdir(parents=True)
        shutil.copy(PROGRAMS / THINGS, self.project)
        (self.project / "Pulumi.yaml").write_text(
            f"name: history\nruntime: python\n{history.project}"
        )

    def environment(self, engine: Path, more: Mapping[str, str]) -> dict[str, str]:
        found = {
            **os.environ,
            "PATH": f"{engine}:{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{self.backend}",
            "PULUMI_HOME": str(self.home),
            "PULUMI_CONFIG_PASSPHRASE": "x",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DEBUG_COMMANDS": "true",  # else the CLI has no --event-log
            "PULUMI_PYTHON_CMD": sys.executable,
            "NO_COLOR": "1",
            "CALLS": str(self.calls),
            "HISTORY": str(self.history.directory),
            "PROJECT": str(self.project),
            **more,
        }
        found.pop("PULUMI_STACK", None)
        return found

    def play(self) -> list[Seen]:
        """Run every step, and return what each gave."""
        found = []
        for number, step in enumerate(self.history.steps):
            found.append(self.step(step, self.engines[number % len(self.engines)]))
        return found

    def step(self, step: Step, engine: Path) -> Seen:
        """Run one step with one engine."""
        if step.program:
            program = (self.history.directory / step.program).read_text()
            (self.project / "__main__.py").write_text(program)
        environment = self.environment(engine, step.env)
        self.calls.unlink(missing_ok=True)
        if step.before:
            subprocess.run(step.before, shell=True, check=True, env=environment, cwd=self.project)
        arguments = [re.sub(r"\$(\w+)", lambda m: environment[m[1]], word) for word in step.run]
        log = self.project.parent / "events"
        log.unlink(missing_ok=True)
        if arguments[0] in WITH_EVENTS:
            arguments += ["--event-log", str(log)]
        done = subprocess.run(
            ["pulumi", *arguments],
            cwd=self.project,
            env=environment,
            input=step.stdin,
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS,
        )
        return Seen(done.returncode, done.stdout + done.stderr, self._parts(step, done.stdout, log))

    def _parts(self, step: Step, stdout: str, log: Path) -> dict[str, str]:
        found = {}
        if step.same_text:
            found["text"] = normal(self._clean(stdout))
        if "--json" in step.run or step.run[:2] == ("stack", "export"):
            found["json"] = self._json(stdout)
        if log.exists() and step.code == 0:  # what a failure overtakes isn't the same twice
            found["events"] = events_of(log.read_text(), self.history.apart_from) or "(none)"
        if self.calls.exists():
            found["calls"] = "\n".join(sorted(self.calls.read_text().splitlines()))
        for path in sorted((self.backend / ".pulumi/stacks").rglob("*.json")):
            latest = json.loads(path.read_text())["checkpoint"].get("latest") or {}
            latest = without(latest, self.history.apart_from)
            found[f"state of {path.stem}"] = state_of(latest)
        for path in sorted(self.project.glob("Pulumi.*.yaml")):
            text = re.sub(r"v1:[^\s\"']+", "<sealed>", path.read_text())
            found[path.name] = _pretty(YAML(typ="safe").load(text))
        return found

    def _json(self, text: str) -> str:
        try:
            data = without(json.loads(text), self.history.apart_from)
        except ValueError:
            return events_of(text, self.history.apart_from)
        if isinstance(data, dict) and "deployment" in data:
            return state_of(data["deployment"])
        for step in data.get("steps") or [] if isinstance(data, dict) else []:
            for side in ("oldState", "newState"):
                if side in step:
                    step[side] = _without_filler(step[side])
        if isinstance(data, dict) and "diagnostics" in data:
            told = [d for d in data["diagnostics"] if "from $PATH" not in d["message"]]
            data["diagnostics"] = sorted(told, key=_pretty)  # siblings run side by side
            if not told:
                del data["diagnostics"]
        if isinstance(data, dict) and "steps" in data:
            data["steps"] = sorted(data["steps"], key=lambda s: (s["urn"], s["op"]))
        return self._clean(_pretty(normal(data)))

    def _clean(self, text: str) -> str:
        return text.replace(str(self.project.parent), "/work")


def differences(left: Seen, right: Seen) -> dict[str, tuple[str, str]]:
    """What two plays of a step gave that isn't the same, by part."""
    found = {}
    if left.code != right.code:
        found["exit code"] = (f"{left.code}\n{left.text}", f"{right.code}\n{right.text}")
    for part in sorted({*left.parts, *right.parts}):
        pair = (left.parts.get(part, "(none)"), right.parts.get(part, "(none)"))
        if pair[0] != pair[1]:
            found[part] = pair
    return found


def report(history: History, left: Sequence[Seen], right: Sequence[Seen]) -> str:
    """All differences of two plays, as a person reads them; empty if there are none."""
    from difflib import unified_diff

    lines: list[str] = []
    told: dict[str, list[str]] = {}
    for number, step in enumerate(history.steps):
        for part, (one, two) in differences(left[number], right[number]).items():
            diff = list(unified_diff(one.splitlines(), two.splitlines(), n=4, lineterm=""))[2:]
            changed = [line for line in diff if line[0] in "+-"]
            if told.get(part) != changed:  # what stays in a file is told once
                lines.append(f"step {number + 1}, {shlex.join(step.run)}: {part}")
                lines += [f"    {line}" for line in diff]
            told[part] = changed
    return "\n".join(lines)


def unmet(step: Step, seen: Seen) -> str:
    """What a step demanded and didn't get; empty if all is well."""
    problems = []
    if seen.code != step.code:
        problems.append(f"exit code {seen.code}, not {step.code}")
    if step.says and not re.search(step.says, seen.text):
        problems.append(f"doesn't say {step.says!r}")
    if step.never and re.search(step.never, seen.text):
        problems.append(f"says {step.never!r}")
    called = seen.parts.get("calls", "").splitlines()
    if step.calls is not None and called != sorted(step.calls):
        problems.append(f"the provider was asked {called}")
    leaks = [
        part
        for part, text in seen.parts.items()
        if PASSWORD in text and part != "calls" and step.is_sealed
    ]
    if leaks:
        problems.append(f"a secret lies open in {', '.join(leaks)}")
    return f"{shlex.join(step.run)}: {'; '.join(problems)}\n{seen.text}" if problems else ""


def remove(work: Path) -> None:
    """Remove a player's directory."""
    shutil.rmtree(work, ignore_errors=True)
