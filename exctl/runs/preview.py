"""What a run would do: Pulumi's preview of it, on what the hosts say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from exctl import files
from exctl.pulumi.workspace import tell_program
from exctl.releases import store
from exctl.rundir import run_directory
from exctl.runs import downtime, plan, watchers
from exctl.runs.events import StepLog
from exctl.runs.ground import Ground, look
from exctl.runs.operation import carry_out, hosts_of
from exctl.runs.options import RunOptions
from exctl.runs.plan import Touch, divided, touches
from exctl.runs.scope import EVERYTHING, Scope, limits
from exctl.site import Site, open_site
from exctl.terminal import live
from exctl.terminal.messages import say
from stack.loader import MONITORING_VARIABLE


def preview(
    site: Site,
    adopting: bool = False,
    scope: Scope = EVERYTHING,
    wanted: Path | None = None,
) -> list[Touch]:
    """What an `up` of the scope would do, hosts looked at first; raises ExctlError if it can't be
    told, or, unless `adopting`, if something runs that the state doesn't know. `wanted`: a file to
    be taken for the stack's.

    What is on hosts that don't answer isn't in it; it is said.
    """
    ground = looked(site, scope, adopting)
    planned = planned_on(ground, site, RunOptions(), wanted)
    if last := watchers.line(site, ground):
        say(last)
    return [*divided(planned, ground.scope).here]


@contextmanager
def candidate(site: Site, text: str | None) -> Iterator[tuple[Site, Path | None]]:
    """Within, the stack as this text of its file would have it, and the file that the text is in;
    with None the stack as it is."""
    if text is None:
        yield site, None
        return
    path = run_directory(site.project) / f"Pulumi.{site.stack}.candidate.yaml"
    files.write(path, text)
    try:
        yield open_site(site.stack, path), path
    finally:
        path.unlink(missing_ok=True)


def looked(site: Site, scope: Scope, adopting: bool) -> Ground:
    """What there is to begin with; what is left out of it is said."""
    ground = look(site, scope, adopting)
    for line in plan.left_out_lines(ground.scope.missed):
        say(line)
    return ground


def restart_patterns(keys: Sequence[str]) -> list[str]:
    """What is replaced for new containers: guards and containers; the gates follow."""
    return [f"**::{role}-{key}" for key in keys for role in ("guard", "container")]


def planned_on(
    ground: Ground, site: Site, how: RunOptions, wanted: Path | None = None
) -> list[Touch]:
    """The plan of everything that can be reached: what is pending outside the scope shows too."""
    log = StepLog(lambda _line: None, hosts=hosts_of(site))
    tell_program(ground.stack, MONITORING_VARIABLE, "without")
    within = limits(
        replace(ground.scope, keys=None),
        site.layout,
        ground.state.names,
        watchers.are_there(site, ground.state),
    )
    with live.shown("looking at the hosts"):
        carry_out(
            lambda: ground.stack.preview(
                # Pulumi, asked to look at what a host held that is gone, would ask that host.
                refresh=not ground.gone,
                replace=restart_patterns(how.restart),
                on_event=log.on_event,
                config_file=None if wanted is None else str(wanted),
                target=within.target,
                exclude=within.exclude,
            ),
            log,
            site,
            ground.stack,
        )
    reported = (event for release in store.readable(site) for event in release.events)
    planned = touches(
        log.steps,
        site.layout,
        downtime.of(reported),
        ground.verdicts,
        ground.scope,
        how.allow_outage,
    )
    there = {instance.key for instance in site.layout.instances}
    return [t for t in planned if t.instance in there or t.instance not in ground.lost]
