"""Whether a stack's records are all there and as they were written: against each other, and against
what else names them. Pure but for `look`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from exctl.errors import ExctlError
from exctl.history import anchor, store
from exctl.history.chain import CLONE, HASH, Record, heads
from exctl.history.run import BEGUN, ENDED
from exctl.history.store import History
from exctl.releases import store as releases
from exctl.site import StackPlace


@dataclass(frozen=True)
class Named:
    """Who else names a record, and by which hash: `release 7`, `this clone`."""

    by: str
    record: str


@dataclass(frozen=True)
class Finding:
    """What speaks against the records: `kind` for programs, `text` for people."""

    kind: str
    text: str


@dataclass(frozen=True)
class Proof:
    """`heads` are the last records: one, or one of each clone whose records git has merged since
    the last run. `unknown` says what couldn't be looked at."""

    stack: str
    records: int
    heads: tuple[str, ...]
    clones: tuple[tuple[str, int], ...] = ()
    findings: tuple[Finding, ...] = ()
    unknown: str = ""
    checked_against: dict[str, int] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        return not self.findings and not self.unknown


def look(place: StackPlace, with_pulumi: bool) -> Proof:
    """The proof of a stack's records against each other, the releases, what this clone remembers,
    the transcripts that are here and, if `with_pulumi`, the messages of Pulumi's updates."""
    history = store.read(place)
    known = anchor.read(place)
    kept = releases.readable(place)
    named = [Named(f"release {r.number}", r.audit) for r in kept if r.audit]
    counts = {"releases": len(named)}
    if known.written:
        named.append(Named("this clone", known.written))
    unknown = ""
    if with_pulumi:
        try:
            updates = _updates(place)
            named += updates
            counts["Pulumi's updates"] = len(updates)
        except ExctlError as error:
            unknown = f"Pulumi's history can't be read: {error}"
    findings = [
        *(Finding(problem.kind, str(problem)) for problem in history.problems),
        *missing(history.records, named),
        *odd_runs(history.records),
        *odd_releases(history.records, {r.number: r.audit for r in kept if r.audit}),
        *_transcripts(place, history),
    ]
    clones: dict[str, int] = {}
    for record in history.records:
        name = str(record.get(CLONE, "")) or "(none named)"
        clones[name] = clones.get(name, 0) + 1
    return Proof(
        place.stack,
        len(history.records),
        tuple(heads(history.records)),
        tuple(clones.items()),
        tuple(findings),
        unknown,
        counts,
    )


def missing(records: Sequence[Record], named: Iterable[Named]) -> list[Finding]:
    """What is named elsewhere and isn't there: an end that was cut off, or another clone's."""
    there = {record[HASH] for record in records}
    return [
        Finding(
            "missing",
            f"{each.by} names the record {each.record[:12]}, which isn't there: it was removed,"
            f" or it is another clone's and not merged yet",
        )
        for each in named
        if each.record not in there
    ]


def odd_runs(records: Sequence[Record]) -> list[Finding]:
    """Runs that begin or end twice, or end without a beginning."""
    found = []
    seen: set[tuple[str, str]] = set()
    for record in records:
        kind, run = str(record["kind"]), str(record["run"])
        if (kind, run) in seen:
            found.append(Finding("inserted", f"the run {run} has {kind} twice"))
        seen.add((kind, run))
    begun = {run for kind, run in seen if kind == BEGUN}
    orphans = sorted(run for kind, run in seen if kind == ENDED and run not in begun)
    return found + [
        Finding("inserted", f"the run {run} ends without having begun") for run in orphans
    ]


def odd_releases(records: Sequence[Record], audits: dict[int, str]) -> list[Finding]:
    """Records of a release that says another run has made it."""
    begun = {record["run"]: record[HASH] for record in records if record["kind"] == BEGUN}
    return [
        Finding(
            "inserted",
            f"the run {record['run']} says that it made release {record['release']}, which names"
            " another one",
        )
        for record in records
        if record["kind"] == ENDED
        and record.get("release") in audits
        and audits[record["release"]] != begun.get(record["run"])
    ]


def _transcripts(place: StackPlace, history: History) -> list[Finding]:
    """Transcripts that aren't what their run wrote. One that isn't here is none of ours."""
    found = []
    for run in history.runs:
        wanted = (run.ended or {}).get("transcript_sha256")
        try:
            content = store.transcript_of(place, run.id).read_bytes()
        except OSError:
            continue
        if wanted and hashlib.sha256(content).hexdigest() != wanted:
            text = f"the transcript of run {run.number} was changed after it was written"
            found.append(Finding("transcript", text))
    return found


def _updates(place: StackPlace) -> list[Named]:
    """What Pulumi's updates name. Raises ExctlError if they can't be read."""
    from pulumi import automation as auto

    from exctl.pulumi.workspace import explained, select_stack

    try:
        stack = select_stack(place)
        if stack is None:
            return []
        work = stack.workspace
        arguments = ["stack", "history", "--json", "--stack", place.stack]
        said = work.pulumi_command.run(arguments, work.work_dir, work.env_vars).stdout
        updates: list[dict[str, Any]] = json.loads(said or "[]")
    except auto.CommandError as error:
        raise ExctlError(explained(error, place)) from None
    except (OSError, ValueError) as error:
        raise ExctlError(str(error)) from None
    marks = [(u.get("startTime", ""), anchor.mark_of(str(u.get("message", "")))) for u in updates]
    return [Named(f"Pulumi's update of {at}", mark) for at, mark in marks if mark]


def as_json(proof: Proof) -> dict[str, Any]:
    """The proof for programs."""
    return {
        "stack": proof.stack,
        "is_whole": proof.is_whole,
        "records": proof.records,
        "heads": list(proof.heads),
        "clones": dict(proof.clones),
        "checked_against": proof.checked_against,
        "findings": [vars(finding) for finding in proof.findings],
        "unknown": proof.unknown,
    }


def lines(proof: Proof) -> list[str]:
    """The proof as an operator reads it."""
    against = ", ".join(f"{count} {what}" for what, count in proof.checked_against.items())
    head = proof.heads[-1][:12] if proof.heads else "none"
    found = [f"stack {proof.stack}: {finding.text}" for finding in proof.findings]
    if proof.unknown:
        found.append(f"stack {proof.stack}: {proof.unknown}")
    if not found:
        found = [
            f"stack {proof.stack}: whole; {proof.records} records, the last is {head}; compared"
            f" with {against}"
        ]
    if len(proof.heads) > 1:
        found.append(
            f"stack {proof.stack}: the records of {len(proof.heads)} clones stand side by side"
            " since git merged them; the next run joins them"
        )
    return found
