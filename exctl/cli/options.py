"""Options that several commands share. A decorator hands the command what its options amount to:
the stack's site, the instances chosen, how to run. Each is worked out when the command is called,
so that `exctl --help` loads nothing."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from exctl.cli import completion
from exctl.runs.options import RunOptions
from vendor_facts import SERVICES

Command = Callable[..., Any]
LOCK_WAIT, AS_EVENTS = "lock_wait_seconds", "as_events"


class Seconds(click.FloatRange):
    """A finite number of seconds: `nan` and `inf` pass every other check."""

    def __init__(self, least: float) -> None:
        super().__init__(min=least)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a number of seconds", param, ctx)
        return number


json_option = click.option("--json", "as_json", is_flag=True, help="for programs; stable")
yes_option = click.option("--yes", "-y", is_flag=True, help="don't ask")
stack_option = click.option(
    "--stack",
    "-s",
    metavar="NAME",
    is_eager=True,
    shell_complete=completion.stacks,
    help="stack  [default: PULUMI_STACK, or the only one]",
)


def via_option(what: str) -> Callable[[Command], Command]:
    """`--via`: through a host of the stack, or from this one. `what`: what it does."""
    return click.option(
        "--via", type=click.Choice(["ssh", "direct"]), default="ssh", show_default=True, help=what
    )


pair_option = click.option(
    "--pair", metavar="N", shell_complete=completion.pairs, help="only this pair of excp"
)
tag_option = click.option(
    "--tag",
    required=True,
    metavar="VERSION",
    shell_complete=completion.tags,
    help="the image's version",
)

plan_option = click.option(
    "--plan",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="carry out this plan (exctl plan), or nothing",
)


def on_place(command: Command) -> Command:
    """`--stack`: the command gets `place`, whatever its file says. A command that is `locking`
    holds the stack's lock before its file is read and until it ends: what the command knows of the
    stack stays true. One that is `recorded` begins with a record of it, and ends with another."""

    @stack_option
    @functools.wraps(command)
    def wrapped(*arguments: Any, stack: str | None, **others: Any) -> Any:
        from exctl.site import find_place

        place = find_place(stack)
        with ExitStack() as held:
            if LOCK_WAIT in others:
                from exctl.pulumi import file_backend, lock
                from exctl.terminal.messages import say

                file_backend.require_disk_space(place.project)
                held.enter_context(lock.hold(place, others.pop(LOCK_WAIT), say))
            if AS_EVENTS in others:
                from exctl.history.recorder import recording

                why = others.get("message", "")
                held.enter_context(recording(place, others.pop(AS_EVENTS), why))
            return command(*arguments, place=place, **others)

    return wrapped


def on_stack(command: Command) -> Command:
    """`on_place`, for a command that wants a stack file without problems: it gets `site`."""

    @on_place
    @functools.wraps(command)
    def wrapped(*arguments: Any, place: Any, **others: Any) -> Any:
        from exctl.site import open_site

        return command(*arguments, site=open_site(place.stack), **others)

    return wrapped


def recorded(command: Command) -> Command:
    """`--json`, for `on_stack` above it: the run is kept in the stack's history."""
    return click.option(
        "--json", AS_EVENTS, is_flag=True, help="report events as JSON, one object per line"
    )(command)


def locking(command: Command) -> Command:
    """`--lock-wait`, and `recorded`: nobody else is at the stack meanwhile."""
    return click.option(
        "--lock-wait",
        LOCK_WAIT,
        type=Seconds(0),
        default=0,
        metavar="SECONDS",
        help="how long to wait for another run to end",
    )(recorded(command))


def selecting(command: Command) -> Command:
    """A service, `--pair` and `--host`: the command gets `chosen` besides `site`."""

    @click.argument("service", required=False, type=click.Choice(SERVICES))
    @pair_option
    @click.option(
        "--host",
        metavar="1|2|ADDRESS",
        shell_complete=completion.hosts,
        help="only this host (of each pair)",
    )
    @on_stack
    @functools.wraps(command)
    def wrapped(
        *arguments: Any,
        site: Any,
        service: str | None,
        pair: str | None,
        host: str | None,
        **others: Any,
    ) -> Any:
        from exctl.runs.selection import select

        chosen = select(site.layout, service, pair, host)
        return command(*arguments, site=site, chosen=chosen, **others)

    return wrapped


def changing(command: Command) -> Command:
    """`--yes`, `--allow-outage`, `--message`, `--lock-wait`: the command gets `how`."""

    @locking
    @yes_option
    @click.option(
        "--allow-outage",
        is_flag=True,
        help="touch or stop an instance even if its peer doesn't serve",
    )
    @click.option(
        "--message", "-m", metavar="TEXT", default="", help="why; kept in history and release"
    )
    @functools.wraps(command)
    def wrapped(
        *arguments: Any,
        yes: bool,
        allow_outage: bool,
        message: str,
        no_bake: bool = False,
        stay: bool = True,
        **others: Any,
    ) -> Any:
        how = RunOptions(
            yes=yes, allow_outage=allow_outage, message=message, stay=stay, bake=not no_bake
        )
        return command(*arguments, how=how, **others)

    return wrapped


def gated(command: Command) -> Command:
    """`changing`, and what is deployed is watched behind its gates unless `--no-bake`."""
    return click.option(
        "--no-bake", is_flag=True, help="skip the bake after the gates (gate.bake)"
    )(changing(command))


def going_back(command: Command) -> Command:
    """`gated`, and a failure goes back to the last release unless `--no-rollback`; with
    `--pause-after`, a look at what comes first."""

    @click.option(
        "--no-rollback", "stay", is_flag=True, help="after a failure, leave things as they are"
    )
    @click.option(
        "--pause-after",
        type=click.Choice(["first", "pair"]),
        help="ask before going on, once the first instance or pair is healthy",
    )
    @gated
    @functools.wraps(command)
    def wrapped(*arguments: Any, how: RunOptions, pause_after: Any, **others: Any) -> Any:
        return command(*arguments, how=replace(how, pause_after=pause_after), **others)

    return wrapped
