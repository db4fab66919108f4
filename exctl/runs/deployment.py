"""Deploys: plan, question, Pulumi's run, a last look, and the release."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pulumi import automation as auto

from exctl import files
from exctl.errors import Interrupted, LeftOut
from exctl.history.anchor import marked
from exctl.observe import doctor
from exctl.observe.endpoints import as_json, table
from exctl.pulumi.workspace import open_stack, tell_program
from exctl.releases import store
from exctl.runs import canary, consent, hooks, pairs, plan, saving, watchers
from exctl.runs.annotation import Login, annotated
from exctl.runs.events import StepLog
from exctl.runs.ground import Ground, freed, look, without_the_gone, without_the_last
from exctl.runs.last_look import last_look
from exctl.runs.operation import carry_out, hosts_of
from exctl.runs.options import Outcome, RunOptions
from exctl.runs.plan import Divided, Touch, divided
from exctl.runs.preview import candidate, looked, planned_on, restart_patterns
from exctl.runs.scope import Scope, limits
from exctl.runs.silence import silenced
from exctl.site import Site
from exctl.stackfile import secrets
from exctl.terminal import live
from exctl.terminal.messages import record_hash, report, say, show
from exctl.terminal.progress import RunProgress
from health.gates.events import Event
from health.gates.runs import ALLOW_OUTAGE_VARIABLE, NO_BAKE_VARIABLE
from health.pair import FIRST_VARIABLE
from monitoring.placement import settled
from stack.loader import MONITORING_VARIABLE


def up(site: Site, how: RunOptions, text: str | None = None) -> Outcome:
    """Brings the stack, or what `how.scope` names of it, to what its file says: plan, question,
    run, one probe of what was touched, and a release of what runs then. With `text`, that is
    written into the file once the plan is agreed to, and not before: what ends until then, whatever
    ends it, has changed nothing.

    Raises ExctlError if the preflight stops it, FailedRun if a step failed, or if in the end
    something isn't healthy, LeftOut if all is done but what can't be reached.
    """
    with candidate(site, text) as (site, wanted):
        ground, split = _agreed(site, how, wanted)
    if split.here and not how.is_way_back:
        keys = [touch.instance for touch in split.here]
        hooks.before(site, how, plan.lines(split.here), keys)
    ground = freed(without_the_gone(ground), site)
    if text is not None:
        files.write(site.file, text)
    first = canary.first_of(split.here, how.pause_after)
    if first:
        return _deploy_with_pause(ground, site, how, split, first)
    return _deploy(ground, site, how, split, [])


def _agreed(site: Site, how: RunOptions, wanted: Path | None) -> tuple[Ground, Divided]:
    """What there is to begin with, and the plan, once the operator has agreed to it."""
    ground = looked(site, how.scope, adopting=how.part)
    if how.preflight:
        doctor.require(site, wanted, ground.silent)
    if how.part:
        return ground, Divided([], [])
    planned = planned_on(ground, site, how, wanted)
    if not how.is_way_back:
        ground = without_the_last(ground, site, planned)
    split = divided(planned, ground.scope)
    _show(ground, split, site)
    if how.saved_plan is not None and not how.is_way_back:
        saving.refuse_if_changed(site, how.saved_plan, split.here, wanted)
    if (split.here or (ground.gone and ground.scope.is_whole)) and not how.is_way_back:
        consent.require(site, how, split.here, ground.outlook)
    return ground, split


def _deploy_with_pause(
    ground: Ground, site: Site, how: RunOptions, split: Divided, first: frozenset[str]
) -> Outcome:
    here = [touch for touch in split.here if touch.instance in first]
    later = [touch for touch in split.here if touch.instance not in first]
    _, events = _carry_out(_only(ground, site, first), site, how, here)
    _show_instances(site, Scope(first), here, ", ".join(touch.instance for touch in here))
    if not canary.goes_on(site, here, later, split.elsewhere):
        return Outcome(tuple(touch.instance for touch in here), is_paused=True)
    with canary.counted(site, here):
        ground = look(site, how.scope, adopting=False)
        _deploy(ground, site, how, Divided(later, split.elsewhere), events)
    return Outcome(tuple(touch.instance for touch in split.here))


def _deploy(
    ground: Ground, site: Site, how: RunOptions, split: Divided, before: Sequence[Event]
) -> Outcome:
    result, events = _carry_out(ground, site, how, split.here)
    if not how.part:
        _end(ground, site, how, split, result, [*before, *events])
    return Outcome(tuple(touch.instance for touch in split.here))


def _only(ground: Ground, site: Site, keys: frozenset[str]) -> Ground:
    """The ground for a run of these alone, in the program's order as well."""
    scope = replace(ground.scope, keys=keys)
    first = pairs.first(site.layout, ground.verdicts, scope, ground.state)
    tell_program(ground.stack, FIRST_VARIABLE, ",".join(first))
    return replace(ground, scope=scope)


def _show(ground: Ground, split: Divided, site: Site) -> None:
    for host in ground.gone if ground.scope.is_whole else ():
        held = ", ".join(ground.state.hosts[host]) or "nothing"
        say(
            f"{host} is no longer in the stack file and doesn't answer: it is removed from the"
            f" state with everything on it ({held}). If it comes back, check what still runs there."
        )
    for line in plan.lines(split.here):
        say(line)
    report(
        "plan",
        touches=[asdict(touch) for touch in split.here],
        pending=[asdict(touch) for touch in split.elsewhere],
        left_out=ground.scope.missed,
    )
    for line in plan.pending_lines(split.elsewhere, ground.scope):
        say(line)
    if last := watchers.line(site, ground):
        say(last)


def _carry_out(
    ground: Ground, site: Site, how: RunOptions, here: Sequence[Touch]
) -> tuple[auto.UpResult, list[Event]]:
    """What Pulumi's run gives, and what was reported in it that is worth keeping."""
    if how.allow_outage:
        tell_program(ground.stack, ALLOW_OUTAGE_VARIABLE, "1")
    tell_program(ground.stack, NO_BAKE_VARIABLE, "0" if how.bake else "1")
    tell_program(ground.stack, MONITORING_VARIABLE, "without")
    log = StepLog(say, RunProgress(here), live.is_wanted(), hosts=hosts_of(site), report=report)
    about = plan.whole_seconds(here)
    within = limits(
        ground.scope, site.layout, ground.state.names, watchers.are_there(site, ground.state)
    )
    with (
        _silenced(ground, site, how, here),
        _annotated(ground, site, how, here),
        live.shown(f"deploying the stack {site.stack}", log.progress, about),
    ):
        result = carry_out(
            lambda: ground.stack.up(
                message=marked(how.message, record_hash()),
                refresh=True,
                replace=restart_patterns(how.restart),
                on_event=log.on_event,
                show_secrets=False,
                target=within.target,
                exclude=within.exclude,
            ),
            log,
            site,
            ground.stack,
            ground.scope.left_out,
        )
    return result, [*log.events, *log.progress.downtimes]


def _show_instances(site: Site, scope: Scope, here: Sequence[Touch], what: str) -> None:
    """Shows how each instance of the scope is, once all are healthy. `what` was deployed."""
    try:
        ungated = {touch.instance for touch in here if not touch.gates}
        rows = last_look(site, scope, ungated)
        report("instances", instances=as_json(rows))
        for line in table(rows):
            show(line)
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted: {what} was deployed, but not all of it was checked for health, and no"
            f" release was recorded. To do both: exctl up --stack {site.stack}",
            touched=True,
        ) from None


def _end(
    ground: Ground,
    site: Site,
    how: RunOptions,
    split: Divided,
    result: auto.UpResult,
    events: Sequence[Event],
) -> None:
    """One last look at all that the run was about, and the release, if it is one."""
    _show_instances(site, ground.scope, split.here, "everything")
    images = result.outputs["release"].value if "release" in result.outputs else {}
    report("running", images=images)
    is_all = not split.elsewhere and not ground.scope.left_out  # a release is nothing less
    found = record_hash()
    release = store.record(site, images, how.message, events, found) if is_all else None
    if release:
        report("release", number=release.number, images=release.images)
        say(f"this is release {release.number}")
    if not split.elsewhere:
        watchers.bring(site, ground)
    _report_left_out(site, split, ground.scope)
    if release and release.number == 1:
        say(f"next: exctl genesys check --survey --stack {site.stack}")


def _silenced(
    ground: Ground, site: Site, how: RunOptions, here: Sequence[Touch]
) -> AbstractContextManager[None]:
    touched = {touch.instance for touch in here}
    instances = [i for i in site.layout.instances if i.key in touched]
    why = how.message or f"a run of exctl on stack {site.stack}"
    settings = site.config.monitoring
    # One that is to be placed by us may not be there yet.
    is_there = _is_placed("alertmanager", ground)
    url = settled(settings).silence_url if is_there else settings.silence_url
    return silenced(url, site.stack, instances, why, say)


def _is_placed(program: str, ground: Ground) -> bool:
    return any(program in names for names in ground.state.monitoring.values())


def _annotated(
    ground: Ground, site: Site, how: RunOptions, here: Sequence[Touch]
) -> AbstractContextManager[None]:
    settings, touched = site.config.monitoring, [touch.instance for touch in here]
    url, is_ours = settings.grafana_url, False
    if url is None and _is_placed("grafana", ground):
        url, is_ours = settled(settings).grafana_url, True
    login = Login()
    if url is not None and touched:
        known = secrets.all_of(site)
        login = (
            Login(password=known.get("grafanaPassword", ""))
            if is_ours
            else Login(token=known.get("grafanaToken", ""))
        )
    return annotated(url, login, site.stack, touched, how.message or "exctl", say)


def _report_left_out(site: Site, split: Divided, scope: Scope) -> None:
    """Raises LeftOut where something couldn't be reached."""
    if not scope.missed:
        if split.elsewhere:
            say(
                f"no release was recorded: {', '.join(t.instance for t in split.elsewhere)} isn't"
                f" as the stack file says yet. To deploy that too: exctl up --stack {site.stack}"
            )
        return
    raise LeftOut(
        "\n".join(
            [
                *plan.left_out_lines(scope.missed),
                "Everything else is done. No release was recorded. Once they answer: exctl up"
                " --stack"
                f" {site.stack}. A host that is gone for good: exctl forget HOST --stack"
                f" {site.stack}",
            ]
        )
    )


def outputs_of(site: Site) -> dict[str, Any]:
    """The stack's outputs as they were after the last run."""
    return {name: output.value for name, output in open_stack(site).outputs().items()}
