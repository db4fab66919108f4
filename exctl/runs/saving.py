"""A plan is saved, and a saved one held against what a run would do now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from exctl import files
from exctl.cli.version import program_revision
from exctl.errors import NothingTouched
from exctl.releases import store
from exctl.runs import approval, plan, saved_plan
from exctl.runs.plan import Touch
from exctl.runs.saved_plan import SavedPlan
from exctl.site import Site
from exctl.terminal.messages import report, say
from health.runlock import ourselves
from stack.text import time_text


def saved_now(site: Site, planned: Sequence[Touch], message: str = "") -> SavedPlan:
    """What is planned now, as it would be saved."""
    numbers = store.numbers(site)
    us = ourselves()
    return SavedPlan(
        stack=site.stack,
        tenant=site.config.tenant.id,
        made_at=time_text(),
        made_by=f"{us['username']}@{us['hostname']}",
        message=message,
        program=program_revision(),
        stack_file_sha256=files.sha256_of(site.file),
        release=numbers[-1] if numbers else 0,
        touches=saved_plan.touches_of(planned),
        lines=tuple(plan.lines(planned)),
    )


def keep(site: Site, saved: SavedPlan, path: Path, key: Path) -> None:
    """Writes the plan, signed with the key where the stack wants approvals. NothingTouched, and no
    file, if it can't be."""
    saved_plan.write(saved, path)
    if not site.config.protect.approvals:
        return
    try:
        approval.sign(site, path, key)
    except NothingTouched:
        path.unlink()
        raise


def refuse_another(site: Site, saved: SavedPlan, path: Path) -> None:
    """NothingTouched for another stack's plan."""
    if saved.stack != site.stack:
        raise NothingTouched(
            f"{path} is a plan of the stack {saved.stack}, and this is {site.stack}."
        )


def refuse_if_changed(site: Site, path: Path, planned: Sequence[Touch]) -> None:
    """NothingTouched unless the run would do what stands in the saved plan, and it is approved."""
    saved = saved_plan.read(path)
    refuse_another(site, saved, path)
    who = approval.require(site, path)
    if changed := list(saved_plan.differences(saved, saved_now(site, planned))):
        lines = "".join(f"\n  {line}" for line in changed)
        raise NothingTouched(
            f"{path} is no longer what would be done:{lines}\nMake a new one: exctl plan --out FILE"
            f" --stack {site.stack}"
        )
    if who:
        say(f"the plan is signed by {', '.join(who)}")
        report("approved", by=list(who), plan=path.name)
