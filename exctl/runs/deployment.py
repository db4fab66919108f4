"""The commands that go through Pulumi: preview, up, destroy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from pulumi import automation as auto

from exctl import files
from exctl.errors import ExctlError, FailedRun, Interrupted, LeftOut
from exctl.observe import doctor
from exctl.observe.endpoints import as_json, ask_all, table, unhealthy
from exctl.pulumi import lock, state
from exctl.pulumi.interrupts import passed_on
from exctl.pulumi.ownership import own_state
from exctl.pulumi.process import Pulumi
from exctl.pulumi.state import State
from exctl.pulumi.workspace import explained, last_error, open_stack, tell_program
from exctl.releases import store
from exctl.rundir import run_directory
from exctl.runs import downtime, pairs, plan, reach, unknown
from exctl.runs.causes import NAME_IS_TAKEN, caused
from exctl.runs.events import StepLog, without_wrapping
from exctl.runs.last_look import last_look
from exctl.runs.options import RunOptions
from exctl.runs.plan import Divided, Touch, divided, touches
from exctl.runs.scope import Scope, left_out, limits
from exctl.runs.silence import silenced
from exctl.site import Site, open_site
from exctl.terminal import live
from exctl.terminal.messages import report, say, show
from exctl.terminal.progress import RunProgress
from exctl.terminal.questions import confirm
from health.gates.events import EVENTS_VARIABLE
from health.gates.runs import ALLOW_OUTAGE_VARIABLE, NO_BAKE_VARIABLE
from health.pair import FIRST_VARIABLE
from health.verdict import Verdict
from stack.loader import LEFT_OUT_VARIABLE

Result = TypeVar("Result")


@dataclass(frozen=True)
class Ground:
    """What a run finds before it begins: the stack, its state, and what it may touch of it."""

    stack: auto.Stack
    state: State
    scope: Scope
    silent: frozenset[str]
    """Hosts that don't answer: nothing is asked of them."""
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    """How each instance of a pair is, before anything is done."""
    gone: tuple[str, ...] = ()
    """Hosts that the stack file no longer has and that don't answer: there is no way to them."""


def preview(site: Site, adopting: bool = False) -> list[Touch]:
    """What an `up` would do, hosts looked at first; raises ExctlError if it can't be told, or,
    unless `adopting`, if something runs that the state doesn't know.

    What is on hosts that don't answer isn't in it; it is said.
    """
    ground = _look(site, Scope(), adopting)
    for line in plan.left_out_lines(ground.scope.missed):
        say(line)
    return _preview(ground, site, [])


def up(site: Site, how: RunOptions, text: str | None = None) -> None:
    """Brings the stack, or what `how.scope` names of it, to what its file says: plan, question,
    run, one probe of what was touched, and a release of what runs then. With `text`, that is
    written into the file once the plan is agreed to, and not before: what ends until then, whatever
    ends it, has changed nothing.

    Raises ExctlError if the preflight stops it, FailedRun if a step failed, or if in the end
    something isn't healthy, LeftOut if all is done but what can't be reached.
    """
    candidate = None if text is None else _candidate(site, text)
    try:
        if candidate is not None:
            site = open_site(site.stack, candidate)
        ground = _look(site, how.scope, adopting=how.part)
        for line in plan.left_out_lines(ground.scope.missed):
            say(line)
        if how.preflight:
            doctor.require(site, candidate, ground.silent)
        replaced = [pattern for key in how.restart for pattern in restart_patterns(key)]
        planned = [] if how.part else _preview(ground, site, replaced, candidate)
        split = divided(planned, ground.scope)
        if not how.part:
            _show(ground, split)
        if (split.here or ground.gone) and not how.yes:
            confirm(f"Do it to the stack {site.stack} (tenant {site.config.tenant.id})?")
    finally:
        if candidate is not None:
            candidate.unlink(missing_ok=True)
    if text is not None:
        files.write(site.file, text)
    ground = _without_the_gone(ground)
    _carry_out(ground, site, how, split, replaced)


def _look(site: Site, scope: Scope, adopting: bool) -> Ground:
    """Asks the hosts, those of the last run too, and leaves out what is on the silent ones.

    ExctlError if the state isn't ours, or, unless `adopting`, doesn't know what runs.
    """
    stack = open_stack(site)
    known = own_state(site, stack)
    hosts = dict.fromkeys([*site.layout.hosts, *known.hosts])
    silent = reach.silent(site, hosts)
    seen = unknown.look(site, known, [host for host in hosts if host not in silent])
    if not adopting:
        meant = [i.key for i in site.layout.instances if scope.is_whole or scope.covers(i.key)]
        unknown.refuse_to_deploy(site, seen, meant)
    found = left_out(site.layout, silent, known.names)
    scope = replace(scope, left_out=found)
    if scope.keys and scope.missed.keys() == scope.keys:
        reasons = "\n".join(f"  {key}: {why}" for key, why in scope.missed.items())
        raise ExctlError(f"nothing of that can be done:\n{reasons}", touched=False)
    gone = tuple(h for h in silent if h in known.hosts and h not in site.layout.hosts)
    tell_program(stack, LEFT_OUT_VARIABLE, ",".join(sorted(found)))
    verdicts = pairs.look(site, silent)
    first = pairs.first(site.layout, verdicts, scope, known)
    tell_program(stack, FIRST_VARIABLE, ",".join(first))
    gone = gone if scope.is_whole else ()
    return Ground(stack, known, scope, frozenset(silent), verdicts, gone)


def _show(ground: Ground, split: Divided) -> None:
    for host in ground.gone:
        held = ", ".join(ground.state.hosts[host]) or "nothing"
        say(
            f"{host} is no longer in the stack file and doesn't answer: it is taken out of the"
            f" state with what it held ({held}). If it comes back, see what still runs there."
        )
    show_plan(split.here)
    report(
        "plan",
        touches=[asdict(touch) for touch in split.here],
        pending=[asdict(touch) for touch in split.elsewhere],
        left_out=ground.scope.missed,
    )
    for line in plan.pending_lines(split.elsewhere, ground.scope):
        say(line)


def _without_the_gone(ground: Ground) -> Ground:
    known = ground.state
    for host in ground.gone:
        known = state.without_host(known, host)
    if known is not ground.state:
        state.write(ground.stack, known)
    return replace(ground, state=known, gone=())


def _candidate(site: Site, text: str) -> Path:
    path = run_directory(site.project) / f"Pulumi.{site.stack}.candidate.yaml"
    files.write(path, text)
    return path


def _carry_out(
    ground: Ground, site: Site, how: RunOptions, split: Divided, replaced: list[str]
) -> None:
    if how.allow_outage:
        tell_program(ground.stack, ALLOW_OUTAGE_VARIABLE, "1")
    tell_program(ground.stack, NO_BAKE_VARIABLE, "0" if how.bake else "1")
    log = StepLog(say, RunProgress(split.here), live.is_wanted(), hosts=_hosts(site), report=report)
    about = plan.whole_seconds(split.here)
    within = limits(ground.scope, site.layout, ground.state.names)
    with (
        _silenced(site, how, split),
        live.shown(f"deploying the stack {site.stack}", log.progress, about),
    ):
        result = _run(
            lambda: ground.stack.up(
                message=how.message,
                refresh=True,
                replace=replaced,
                on_event=log.on_event,
                show_secrets=False,
                target=within.target,
                exclude=within.exclude,
            ),
            log,
            site,
            ground.stack,
        )
    if how.part:
        return
    try:
        ungated = {touch.instance for touch in split.here if not touch.gates}
        rows = last_look(site, ground.scope, ungated)
        report("instances", instances=as_json(rows))
        for line in table(rows):
            show(line)
        images = result.outputs["release"].value if "release" in result.outputs else {}
        events = [*log.events, *log.progress.downtimes]
        is_all = not split.elsewhere and not ground.scope.left_out  # a release is nothing less
        if is_all and (release := store.record(site, images, how.message, events)):
            report("release", number=release.number, images=release.images)
            say(f"this is release {release.number}")
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted: everything was deployed, but not all of it was asked whether it is"
            f" healthy, and no release was recorded. To do both: exctl up --stack {site.stack}",
            touched=True,
        ) from None
    _say_what_is_left(site, split, ground.scope)


def _silenced(site: Site, how: RunOptions, split: Divided) -> AbstractContextManager[None]:
    touched = {touch.instance for touch in split.here}
    instances = [i for i in site.layout.instances if i.key in touched]
    why = how.message or f"a run of exctl on stack {site.stack}"
    return silenced(site.config.monitoring.silence_url, site.stack, instances, why, say)


def _say_what_is_left(site: Site, split: Divided, scope: Scope) -> None:
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
                "All else is done. No release was recorded. Once they answer: exctl up --stack"
                f" {site.stack}. A host that is gone for good: exctl forget HOST --stack"
                f" {site.stack}",
            ]
        )
    )


def destroy(site: Site, yes: bool) -> None:
    """Removes the stack's containers; what they wrote, read or filled stays.

    Raises ExctlError, before anything is touched, if the state is another stack's, if hosts have
    containers of this stack that it doesn't know, or if a host that it knows doesn't answer;
    ExctlError if something is still there in the end, LeftOut if a host couldn't be asked.
    """
    stack = open_stack(site)
    known = own_state(site, stack)
    hosts = list(dict.fromkeys([*site.layout.hosts, *known.hosts]))
    silent = reach.silent(site, hosts)
    _refuse_the_silent(site, known, silent)
    asked = [host for host in hosts if host not in silent]
    unknown.refuse_to_destroy(site, unknown.look(site, known, asked))
    say(f"destroy removes every container of the stack {site.stack}:")
    at = {key: host for host, keys in known.hosts.items() for key in keys}
    for key in reversed(at):
        say(f"  {key} on {at[key]}")
    if not at:
        say("  none: the state knows of none, and the hosts that answer have none")
    say("Log files on the hosts, images, Redis, the Config DB and the EX Org are not touched.")
    if not yes:
        confirm("Remove them?")
    removed = [Touch(key, at[key], "remove", (), "gone for good") for key in reversed(at)]
    report("plan", touches=[asdict(touch) for touch in removed], pending=[], left_out={})
    log = StepLog(say, RunProgress(removed), live.is_wanted(), hosts=_hosts(site), report=report)
    with live.shown(f"destroying the stack {site.stack}", log.progress):
        _run(lambda: stack.destroy(refresh=True, on_event=log.on_event), log, site, stack)
    _require_nothing_left(site, stack, asked, silent)
    show(f"stack {site.stack}: nothing is deployed any more")


def _refuse_the_silent(site: Site, known: State, silent: Mapping[str, str]) -> None:
    held = [h for h in silent if known.hosts.get(h)]
    if not held:
        return
    lines = [f"{host} {silent[host]}; it holds {', '.join(known.hosts[host])}" for host in held]
    raise ExctlError(
        "\n".join(lines) + "\nWhat can't be reached can't be removed, and runs on. Once it answers:"
        f" exctl destroy --stack {site.stack}. A host that is gone for good: exctl forget {held[0]}"
        f" --stack {site.stack}",
        touched=False,
    )


def _require_nothing_left(
    site: Site, stack: auto.Stack, asked: Sequence[str], silent: Mapping[str, str]
) -> None:
    seen = unknown.look(site, state.read(stack), asked)
    if seen.unknown:
        raise ExctlError(
            f"the state of the stack {site.stack} is empty, but not every container is gone;"
            f" still there:{unknown.lines(seen.unknown)}\nRemove them on their hosts: docker stop"
            " NAME; docker rm NAME"
        )
    unasked = [*(f"{host} {why}" for host, why in silent.items()), *seen.unread]
    if unasked:
        raise LeftOut(
            f"the stack {site.stack} is removed from all hosts that answer. Not known of these,"
            " where containers of it may still run:" + "".join(f"\n  {line}" for line in unasked)
        )


def outputs_of(site: Site) -> dict[str, Any]:
    """The stack's outputs as they were after the last run."""
    return {name: output.value for name, output in open_stack(site).outputs().items()}


def show_plan(planned: Sequence[Touch]) -> None:
    for line in plan.lines(planned):
        say(line)


def restart_patterns(key: str) -> list[str]:
    """What is replaced for a new container: the guard and the container; the gates follow."""
    return [f"**::{role}-{key}" for role in ("guard", "container")]


def _preview(
    ground: Ground, site: Site, replaced: list[str], candidate: Path | None = None
) -> list[Touch]:
    """The plan of everything that can be reached: what is pending outside the scope shows too."""
    log = StepLog(lambda _line: None, hosts=_hosts(site))
    within = limits(replace(ground.scope, keys=None), site.layout, ground.state.names)
    with live.shown("looking at the hosts"):
        _run(
            lambda: ground.stack.preview(
                refresh=True,
                replace=replaced,
                on_event=log.on_event,
                config_file=None if candidate is None else str(candidate),
                target=within.target,
                exclude=within.exclude,
            ),
            log,
            site,
            ground.stack,
            touched=False,
        )
    reported = (event for release in store.readable(site) for event in release.events)
    return touches(log.steps, site.layout, downtime.of(reported), ground.verdicts)


def _hosts(site: Site) -> dict[str, str]:
    return {instance.key: instance.host for instance in site.layout.instances}


def _run(
    operation: Callable[[], Result],
    log: StepLog,
    site: Site,
    stack: auto.Stack,
    touched: bool = True,
) -> Result:
    pulumi = stack.workspace.pulumi_command
    assert isinstance(pulumi, Pulumi)
    tell_program(stack, EVENTS_VARIABLE, "json")
    with passed_on(pulumi.interrupt, lambda: lock.stop_gates(site), say) as interrupts:
        try:
            result = operation()
            if interrupts.count and not touched:
                raise Interrupted(_interrupted(site, log, touched), touched)
            return result
        except auto.ConcurrentUpdateError as error:
            raise ExctlError(
                f"another run holds the lock of the stack {site.stack}."
                f" {last_error(error)}\nWhose it is, and to take it from a run that was killed:"
                f" exctl unlock --stack {site.stack}",
                touched=False,
            ) from None
        except auto.CommandError as error:
            if interrupts.count:
                raise Interrupted(_interrupted(site, log, touched), touched) from None
            reasons = log.errors or log.program_words or [without_wrapping(explained(error, site))]
            if NAME_IS_TAKEN in caused(log.failures):
                reasons.append(f"If that is the vendor's: exctl adopt --stack {site.stack}")
            if not touched:
                raise ExctlError("\n\n".join(reasons), touched=False) from None
            raise _failed(site, log, "\n\n".join(reasons)) from None


def _failed(site: Site, log: StepLog, reasons: str) -> FailedRun:
    state = "\n".join(_state(site, log))
    return FailedRun(f"{reasons}\n\n{state}", reasons, bool(log.progress.touched))


def _interrupted(site: Site, log: StepLog, touched: bool) -> str:
    if not touched:
        return "interrupted"
    state = "\n".join(_state(site, log))
    return (
        "interrupted. The step under way was finished and saved, nothing after it was begun."
        f"\n{state}\nTo resume: exctl up --stack {site.stack}"
    )


def _state(site: Site, log: StepLog) -> list[str]:
    """What the run has done and what it hasn't, and what everything answers now."""
    rows = ask_all(site)
    ill = unhealthy(rows)
    names = [row.instance for row in rows if row.is_healthy]
    found = [*log.progress.report(), f"healthy now: {', '.join(names) or 'none'}"]
    for row in ill:
        down = f"; {', '.join(row.down)}" if row.down else ""
        found.append(f"not healthy now: {row.instance} on {row.host}: {row.answer}{down}")
    return found
