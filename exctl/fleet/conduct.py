"""The commands that change a fleet: one plan, one question, one rollout, and how it ended."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click

from config_schema.fleet import Fleet
from exctl.errors import ExctlError, Interrupted, LeftOut, NothingTouched, RolledBack
from exctl.fleet import file, planning, plans, rollout, status, views
from exctl.fleet.child import EXCTL
from exctl.fleet.past_runs import settled
from exctl.fleet.rollout import Rollout
from exctl.fleet.runner import Means, Runner, Unapproved
from exctl.fleet.schedule import BAD, Finish, Outcome, Stop, Wave
from exctl.site import StackPlace
from exctl.stackfile import secrets
from exctl.terminal.messages import say
from exctl.terminal.questions import agrees, confirm, is_terminal
from health.runlock import user_name
from stack.text import time_text


@dataclass(frozen=True)
class How:
    """How a rollout is done, as the operator's options say. `approved`: waves that may begin
    without a question. `only`: no other stacks. `plans`: the directory of the approved plans, ''
    for none. `program`: what a stack's run is a run of."""

    yes: bool = False
    message: str = ""
    approved: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    plans: str = ""
    lock_wait_seconds: float = 0.0
    as_json: bool = False
    program: tuple[str, ...] = EXCTL


def begin(project: Path, command: tuple[str, ...], how: How) -> None:
    """A new rollout. Raises ExctlError unless every stack of it is done."""
    fleet = file.read(project)
    with rollout.only_one(project):
        _name_unfinished(project)
        waves = planning.waves_of(fleet)
        means = plans.approved(planning.means_of(fleet, command, None), how.plans)
        found = _made(project, fleet, waves, command, means, how)
        if not _is_nothing(found, how):
            _carry_out(project, fleet, found, how)


def roll_back(project: Path, how: How) -> None:
    """Takes back what the last rollout has changed. Raises ExctlError unless all of it is."""
    fleet = file.read(project)
    with rollout.only_one(project):
        before = rollout.last(project)
        if before is None:
            raise NothingTouched("there is no rollout to roll back.")
        if before.takes_back:
            raise NothingTouched(
                f"the last rollout already rolled back {before.takes_back}. To resume it: exctl"
                " fleet rollback --resume"
            )
        settled(project, before)
        waves = planning.waves_back(before.waves)
        means = planning.taking_back(before)
        found = _made(project, fleet, waves, ("rollback",), means, how, before.id)
        if not _is_nothing(found, how):
            _carry_out(project, fleet, found, how)


def resume(project: Path, command: tuple[str, ...], how: How) -> None:
    """Goes on with the last rollout where it stopped: what is done stays, what failed is tried
    again. `command` has to be its own, or the first word of it. Raises ExctlError unless every
    stack of it is done."""
    fleet = file.read(project)
    with rollout.only_one(project):
        found = rollout.last(project)
        if found is None:
            raise NothingTouched("there is no rollout to resume.")
        if command not in (found.command, found.command[:1]):
            raise NothingTouched(
                f"the last rollout was {' '.join(found.command)}. To resume it:"
                f" {resume_command(found)}"
            )
        settled(project, found)
        found.plans = how.plans or found.plans
        _plan_again(project, fleet, found)
        if found.is_over and not found.of(Outcome.WAITING):
            raise NothingTouched(f"the rollout {found.id} is over; nothing is left to do.")
        found.is_over = False
        _show(found, how)
        _carry_out(project, fleet, found, how)


def resume_command(found: Rollout) -> str:
    """The command that goes on with it."""
    return " ".join(["exctl fleet", *found.command, "--resume"])


def _made(
    project: Path,
    fleet: Fleet,
    waves: Sequence[Wave],
    command: tuple[str, ...],
    means: planning.Means,
    how: How,
    takes_back: str = "",
) -> Rollout:
    """A rollout that the operator has agreed to."""
    found = Rollout(
        rollout.new_id(),
        time_text(),
        f"{user_name()}@{socket.gethostname()}",
        how.message,
        command,
        tuple(waves),
        planning.planned(project, fleet, waves, means, how.only),
        only=how.only,
        takes_back=takes_back,
        plans=how.plans,
    )
    _show(found, how)
    return found


def _is_nothing(found: Rollout, how: How) -> bool:
    """Whether nothing is to be done: said, and not kept, so that the rollout before stays the one
    that can be taken back."""
    if found.of(Outcome.WAITING):
        return False
    _tell(found, how)
    return True


def _show(found: Rollout, how: How) -> None:
    for line in views.plan_lines(found):
        say(line)
    if found.of(Outcome.WAITING) and not how.yes:
        confirm(views.question(found))


def _name_unfinished(project: Path) -> None:
    before = rollout.last(project)
    left = 0 if before is None else len(before.of(Outcome.RUNNING, Outcome.WAITING, *BAD))
    if before is None or not left:
        return
    if before.of(Outcome.RUNNING):
        raise NothingTouched(
            f"the rollout {before.id} ({' '.join(before.command)}) was cut off while stacks were"
            f" changing. First: {resume_command(before)}"
        )
    say(
        f"the rollout {before.id} ({' '.join(before.command)}) hasn't finished with {left}"
        f" stacks; a new one replaces it. To resume it instead: {resume_command(before)}"
    )


def _plan_again(project: Path, fleet: Fleet, found: Rollout) -> None:
    """What isn't done, planned anew; says what has changed meanwhile."""
    if planning.waves_of(fleet) != found.waves and not found.takes_back:
        say(
            f"{file.NAME} was changed: this rollout keeps its waves; freezes and pins apply as"
            f" they are now"
        )
    for wave in found.waves:
        for run in (found.stacks[stack] for stack in wave.stacks):
            if run.outcome is Outcome.FAILED and run.exit_code == 0:
                run.outcome, run.reason = Outcome.DONE, ""  # its bake failed: that is done again
                found.baked = [name for name in found.baked if name != wave.name]
    before = rollout.load(project, found.takes_back) if found.takes_back else None
    means = plans.approved(planning.means_of(fleet, found.command, before), found.plans)
    left = [
        stack
        for stack, run in found.stacks.items()
        if run.outcome is not Outcome.DONE and stack in (found.only or found.stacks)
    ]
    if not left:
        return
    parts = planning.planned(project, fleet, found.waves, means, left)
    for stack in left:
        old, new = found.stacks[stack], parts[stack]
        if new.file_sha256 != old.file_sha256 and old.outcome is Outcome.WAITING:
            say(f"{stack}: its stack file was changed since")
        new.release_before = old.release_before if old.began else new.release_before
        found.stacks[stack] = new


def _carry_out(project: Path, fleet: Fleet, found: Rollout, how: How) -> None:
    is_rotation = found.command[0] == "rotate" and found.of(Outcome.WAITING)
    value = secrets.read_new(found.command[1]) if is_rotation else ""
    commands = {name: of.passphrase_command for name, of in fleet.stacks.items()}
    wait = ("--lock-wait", f"{how.lock_wait_seconds:g}") if how.lock_wait_seconds else ()
    view = views.LiveView()
    means = Means(
        project,
        lambda wave: _is_approved(wave, how, view),
        lambda stacks: _unhealthy(project, stacks),
        {name: command for name, command in commands.items() if command},
        wait,
        value,
        how.program,
    )
    rollout.save(project, found)
    runner = Runner(found, means)
    try:
        with view.shown(runner):
            end = runner.go()
    except Unapproved as wave:
        _tell(found, how)
        raise LeftOut(
            f"the wave {wave} waits for approval. To begin it: {resume_command(found)}"
            f" --approve {wave}"
        ) from None
    _tell(found, how)
    if end is None:
        raise Interrupted(f"interrupted. To go on: {resume_command(found)}", touched=True)
    if found.failed:
        _fail(found, end)


def _fail(found: Rollout, end: Stop | Finish) -> NoReturn:
    failed = found.failed
    back = ""
    if found.of(Outcome.DONE) and not found.takes_back:
        back = " To undo what was done: exctl fleet rollback"
    onward = f"To resume once the cause is fixed: {resume_command(found)}.{back}"
    if isinstance(end, Finish):
        raise LeftOut(f"every wave has ended, but {len(failed)} stacks failed. {onward}")
    bad = [run for run in failed if run.stack in end.wave.stacks]
    text = (
        f"stopped at wave {end.wave.name}: {len(bad)} of its stacks failed,"
        f" {end.wave.max_failures} allowed. {onward}"
    )
    if all(run.outcome is Outcome.ROLLED_BACK for run in failed):
        raise RolledBack(text)
    is_untouched = all(run.outcome is Outcome.REFUSED for run in failed)
    raise ExctlError(text, touched=False if is_untouched and not found.of(Outcome.DONE) else None)


def _tell(found: Rollout, how: How) -> None:
    if how.as_json:
        click.echo(json.dumps(views.as_json(found), indent=2))
        return
    click.echo("\n".join(views.summary(found)))


def _is_approved(wave: Wave, how: How, view: views.LiveView) -> bool:
    if wave.name in how.approved or not is_terminal():
        return wave.name in how.approved
    with view.away():
        return agrees(f"Begin the wave {wave.name} ({', '.join(wave.stacks)})?")


def _unhealthy(project: Path, stacks: Sequence[str]) -> Mapping[str, str]:
    places = [StackPlace(project, stack) for stack in stacks]
    return {row.stack: row.trouble for row in status.look(places) if row.trouble}
