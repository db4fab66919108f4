"""What the stack file itself says that a deployment may fail on. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import vendor_facts as vendor
from config_schema import CheckName
from health.gates.clock import duration_text
from health.preflight.check import Check, StackView
from health.preflight.finding import EVERYWHERE, Finding, judged
from stack.text import counted

STALL_SECONDS = 60
"""Chosen: Genesys Cloud counts requests by the minute; whoever is refused may wait that long."""


def _organization(view: StackView) -> Iterator[Finding]:
    """The loader refuses a shared one; here it is shown that it was looked for."""
    subject = view.subject
    many = counted(subject.other_stacks, "other stack file")
    found = f"{subject.config.tenant.org_id} is in none of {many}"
    yield Finding(CheckName.ORGANIZATION, EVERYWHERE, found, "an organization for this stack alone")


def _sync_deadline(view: StackView) -> Iterator[Finding]:
    deadline = view.subject.config.excs.sync_gate.deadline_seconds
    least = vendor.FIRST_SYNC_SECONDS[1]
    if view.excs_runs:
        needed = "already past its first sync: EXCS runs"
        yield Finding(CheckName.SYNC_DEADLINE, EVERYWHERE, duration_text(deadline), needed)
        return
    yield judged(
        deadline >= least,
        CheckName.SYNC_DEADLINE,
        EVERYWHERE,
        duration_text(deadline),
        f"{duration_text(least)} for a first sync of 1,000 agents",
        "warning",
        "raise excs.sync_gate.deadline_seconds; a gate that gives up leaves EXCS running, and"
        " exctl up resumes",
    )


def _stall(view: StackView) -> Iterator[Finding]:
    gate = view.subject.config.excs.sync_gate
    needed = f"{duration_text(STALL_SECONDS)} or more, and less than the deadline"
    is_ok = STALL_SECONDS <= gate.stall_seconds < gate.deadline_seconds
    found, fix = duration_text(gate.stall_seconds), "change excs.sync_gate.stall_seconds"
    yield judged(is_ok, CheckName.SYNC_STALL, EVERYWHERE, found, needed, "warning", fix)


def _gate(view: StackView) -> Iterator[Finding]:
    gate = view.subject.config.gate
    least = (gate.successes - 1) * gate.interval_seconds
    grace = max(i.stop_grace_seconds for i in view.subject.layout.instances)
    found = duration_text(gate.deadline_seconds)
    if gate.deadline_seconds <= least:
        needed = f"more than {duration_text(least)}, which gate.successes takes"
        fix = "raise gate.deadline_seconds: no instance can become healthy in time"
        yield Finding(CheckName.GATE_DEADLINE, EVERYWHERE, found, needed, "failed", fix)
        return
    # What Docker starts again meanwhile has all of its grace to end first.
    yield judged(
        gate.deadline_seconds >= least + grace,
        CheckName.GATE_DEADLINE,
        EVERYWHERE,
        found,
        f"{duration_text(least + grace)}, with the longest stop_grace_seconds",
        "warning",
        "raise gate.deadline_seconds: an instance that is started again may be late",
    )


def _tags(view: StackView) -> Iterator[Finding]:
    tags = {number: pair.tag for number, pair in view.subject.config.excp.pairs.items()}
    found = ", ".join(f"pair {number}: {tag}" for number, tag in sorted(tags.items()))
    needed = "one version of EXCP in all pairs"
    fix = "fine while an update goes from pair to pair, but not for long"
    yield judged(
        len(set(tags.values())) == 1, CheckName.TAGS, EVERYWHERE, found, needed, "warning", fix
    )


ORGANIZATION = Check(
    CheckName.ORGANIZATION,
    "no other stack file names the EX organization",
    of_stack=_organization,
)
SYNC_DEADLINE = Check(
    CheckName.SYNC_DEADLINE,
    "sync_gate.deadline_seconds is long enough for a first sync",
    of_stack=_sync_deadline,
    stops=False,
)
SYNC_STALL = Check(
    CheckName.SYNC_STALL,
    "sync_gate.stall_seconds is neither too short nor without effect",
    of_stack=_stall,
    stops=False,
)
GATE_DEADLINE = Check(
    CheckName.GATE_DEADLINE,
    "gate.deadline_seconds is long enough for gate.successes",
    of_stack=_gate,
)
TAGS = Check(CheckName.TAGS, "all pairs run one version", of_stack=_tags, stops=False)
