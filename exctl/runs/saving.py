"""A plan is saved, and a saved one held against what a run would do now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from exctl import files
from exctl.cli.version import code_sha256, program_revision
from exctl.errors import NothingTouched
from exctl.releases import store
from exctl.runs import approval, plan, saved_plan
from exctl.runs.plan import Touch
from exctl.runs.saved_plan import SavedPlan
from exctl.site import Site
from exctl.terminal.messages import report, say
from health.runlock import ourselves
from stack.text import time_text

UP: tuple[str, ...] = ("up",)


def saved_now(
    site: Site,
    planned: Sequence[Touch],
    message: str = "",
    command: Sequence[str] = UP,
    wanted: Path | None = None,
) -> SavedPlan:
    """What is planned now, as it would be saved. `wanted`: the stack file as the command is to
    leave it, unless that is as it is."""
    numbers = store.numbers(site)
    us = ourselves()
    return SavedPlan(
        stack=site.stack,
        tenant=site.config.tenant.id,
        made_at=time_text(),
        made_by=f"{us['username']}@{us['hostname']}",
        message=message,
        command=tuple(command),
        program=program_revision(),
        code_sha256=code_sha256(site.project),
        stack_file_sha256=files.sha256_of(wanted or site.file),
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


def refuse_unready(site: Site, path: Path, command: Sequence[str]) -> None:
    """NothingTouched where a plan can't be what `command` will do, or isn't approved, as far as
    files tell: no host is asked."""
    saved = saved_plan.read(path)
    refuse_another(site, saved, path)
    if saved.command != tuple(command):
        raise NothingTouched(
            f"{path} is a plan of: exctl {' '.join(saved.command)}; this is: exctl"
            f" {' '.join(command)}"
        )
    approval.require(site, path)
    now = replace(saved_now(site, [], command=command), touches=saved.touches)
    if saved.command != UP:  # the text that it will have isn't there yet
        now = replace(now, stack_file_sha256=saved.stack_file_sha256)
    _refuse_differences(saved, now, path)


def refuse_if_changed(
    site: Site, path: Path, planned: Sequence[Touch], wanted: Path | None = None
) -> None:
    """NothingTouched unless the run would do what stands in the saved plan, and it is approved.
    `wanted`: as for `saved_now`."""
    saved = saved_plan.read(path)
    refuse_another(site, saved, path)
    who = approval.require(site, path)
    _refuse_differences(saved, saved_now(site, planned, wanted=wanted), path)
    if who:
        say(f"the plan is signed by {', '.join(who)}")
        report("approved", by=list(who), plan=path.name)


def _refuse_differences(saved: SavedPlan, now: SavedPlan, path: Path) -> None:
    if changed := list(saved_plan.differences(saved, now)):
        lines = "".join(f"\n  {line}" for line in changed)
        words = " ".join(["exctl plan", *saved.command[1:]])
        raise NothingTouched(
            f"{path} no longer matches what would be done:{lines}\nMake a new one: {words} --out"
            f" FILE"
            f" --stack {saved.stack}"
        )
