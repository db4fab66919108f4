"""What the stack file itself says that a deployment may founder on. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import vendor_facts as vendor
from health.gates.clock import duration_text
from health.preflight.finding import EVERYWHERE, Finding, judged
from health.preflight.subject import Subject
from stack.text import counted

STALL_SECONDS = 60
"""Chosen: Genesys Cloud counts requests by the minute; whoever is refused may wait that long."""


def findings(subject: Subject, excs_runs: bool) -> Iterator[Finding]:
    """`excs_runs`: EXCS has a container that runs already, so that its first sync is behind it."""
    yield _organization(subject)
    yield _sync_deadline(subject, excs_runs)
    yield _stall(subject)
    yield _gate(subject)
    yield _tags(subject)


def _organization(subject: Subject) -> Finding:
    """config_loader refuses a shared one; here it is shown that it was looked for."""
    many = counted(subject.other_stacks, "other stack file")
    found = f"{subject.config.tenant.org_id} is in none of {many}"
    return Finding("organization", EVERYWHERE, found, "an organization for this stack alone")


def _sync_deadline(subject: Subject, excs_runs: bool) -> Finding:
    deadline = subject.config.excs.sync_gate.deadline_seconds
    least = vendor.FIRST_SYNC_SECONDS[1]
    if excs_runs:
        needed = "a first sync is behind it: EXCS runs"
        return Finding("sync-deadline", EVERYWHERE, duration_text(deadline), needed)
    return judged(
        deadline >= least,
        "sync-deadline",
        EVERYWHERE,
        duration_text(deadline),
        f"{duration_text(least)} for a first sync of 1,000 agents",
        "warning",
        "raise excs.sync_gate.deadline_seconds; a gate that gives up leaves EXCS, and up resumes",
    )


def _stall(subject: Subject) -> Finding:
    gate = subject.config.excs.sync_gate
    needed = f"{duration_text(STALL_SECONDS)} or more, and less than the deadline"
    is_ok = STALL_SECONDS <= gate.stall_seconds < gate.deadline_seconds
    found, fix = duration_text(gate.stall_seconds), "change excs.sync_gate.stall_seconds"
    return judged(is_ok, "sync-stall", EVERYWHERE, found, needed, "warning", fix)


def _gate(subject: Subject) -> Finding:
    gate = subject.config.gate
    least = (gate.successes - 1) * gate.interval_seconds
    grace = max(i.stop_grace_seconds for i in subject.layout.instances)
    found = duration_text(gate.deadline_seconds)
    if gate.deadline_seconds <= least:
        needed = f"more than {duration_text(least)}, which gate.successes takes"
        fix = "raise gate.deadline_seconds: no instance can become healthy in time"
        return Finding("gate-deadline", EVERYWHERE, found, needed, "stops", fix)
    # What Docker starts again meanwhile has all of its grace to end first.
    return judged(
        gate.deadline_seconds >= least + grace,
        "gate-deadline",
        EVERYWHERE,
        found,
        f"{duration_text(least + grace)}, with the longest stop_grace_seconds",
        "warning",
        "raise gate.deadline_seconds: an instance that is started again may be late",
    )


def _tags(subject: Subject) -> Finding:
    tags = {number: pair.tag for number, pair in subject.config.excp.pairs.items()}
    found = ", ".join(f"pair {number}: {tag}" for number, tag in sorted(tags.items()))
    needed = "one version of EXCP in all pairs"
    fix = "wished for while an update goes from pair to pair; not for long"
    return judged(len(set(tags.values())) == 1, "tags", EVERYWHERE, found, needed, "warning", fix)
