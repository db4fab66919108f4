"""The commands that go through Pulumi: preview, up, destroy."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pulumi import automation as auto

from exctl import files
from exctl.errors import ExctlError, FailedRun, Interrupted
from exctl.observe import doctor
from exctl.observe.endpoints import EndpointRow, ask_all, table, unhealthy
from exctl.pulumi import lock
from exctl.pulumi.interrupts import passed_on
from exctl.pulumi.process import Pulumi
from exctl.pulumi.workspace import explained, last_error, open_stack
from exctl.releases import store
from exctl.runs import downtime, plan
from exctl.runs.events import StepLog, without_wrapping
from exctl.runs.options import How
from exctl.runs.plan import Touch, touches
from exctl.site import Site, open_site
from exctl.terminal import live
from exctl.terminal.messages import say
from exctl.terminal.progress import Progress
from exctl.terminal.questions import confirm
from health.gates.health import GO_ON
from health.gates.runs import ALLOW_OUTAGE_VARIABLE

Result = TypeVar("Result")
LAST_LOOK_SECONDS = 1.0
NAME_IS_TAKEN = ("one of this name is there already", "is already in use by container")
"""What our engine and Docker say of a container that isn't in the state."""


def preview(site: Site) -> list[Touch]:
    """What an `up` would do, hosts looked at first; raises ExctlError if it can't be told."""
    return _preview(open_stack(site), site, [])


def up(site: Site, how: How, text: str | None = None) -> None:
    """Brings the stack to what its file says: plan, question, run, one probe of everything, and a
    release of what runs then. With `text`, that is written into the file once the plan is agreed
    to, and not before: what ends until then, whatever ends it, has changed nothing.

    Raises ExctlError if the preflight stops it, FailedRun if a step failed, or if in the end
    something isn't healthy.
    """
    candidate = None if text is None else _candidate(site, text)
    try:
        if candidate is not None:
            site = open_site(site.stack, candidate)
        if how.preflight:
            doctor.require(site, candidate)
        stack = open_stack(site)
        replaced = _urns(stack, how.restart)
        planned = [] if how.part else _preview(stack, site, replaced, candidate)
        if not how.part:
            show_plan(planned)
        if planned and not how.yes:
            confirm("Do it?")
    finally:
        if candidate is not None:
            candidate.unlink(missing_ok=True)
    if text is not None:
        files.write(site.file, text)
    _carry_out(stack, site, how, planned, replaced)


def _candidate(site: Site, text: str) -> Path:
    path = site.project / f".Pulumi.{site.stack}.candidate.yaml"
    files.write(path, text)
    return path


def _carry_out(
    stack: auto.Stack, site: Site, how: How, planned: Sequence[Touch], replaced: list[str]
) -> None:
    if how.allow_outage:
        os.environ[ALLOW_OUTAGE_VARIABLE] = "1"
    log = StepLog(say, Progress(planned), live.is_wanted(), hosts=_hosts(site))
    about = plan.whole_seconds(planned)
    with live.shown(f"deploying the stack {site.stack}", log.progress, about):
        result = _run(
            lambda: stack.up(
                message=how.message,
                refresh=True,
                replace=replaced,
                on_event=log.on_event,
                show_secrets=False,
            ),
            log,
            site,
            stack,
        )
    if how.part:
        return
    try:
        for line in table(_last_look(site)):
            print(line, flush=True)
        images = result.outputs["release"].value if "release" in result.outputs else {}
        gates = [*log.gates, *log.progress.downtimes]
        if release := store.record(site, images, how.message, gates):
            say(f"this is release {release.number}")
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted: everything was deployed, but not all of it was asked whether it is"
            f" healthy, and no release was recorded. To do both: exctl up --stack {site.stack}",
            touched=True,
        ) from None


def _last_look(site: Site) -> list[EndpointRow]:
    """What every instance answers, once all are healthy: one that was started again in place keeps
    its id, so that no gate has waited for it. Raises FailedRun at the gates' deadline."""
    deadline = time.monotonic() + site.config.gate.deadline_seconds
    told = ""
    with live.shown("asking every instance"):
        while ill := unhealthy(rows := ask_all(site)):
            names = ", ".join(f"{row.instance} ({row.answer})" for row in ill)
            if time.monotonic() >= deadline:
                state = "\n".join(table(rows))
                raise FailedRun(
                    "everything was deployed as the stack file says, but after"
                    f" {site.config.gate.deadline_seconds:g} s this doesn't answer 200: {names}."
                    f" No release was recorded. Each instance now:\n{state}\nIts log: exctl logs"
                    f" {ill[0].instance.split('-')[0]} --stack {site.stack}. Once the cause is"
                    f" gone: exctl up --stack {site.stack}",
                    is_of_a_step=False,
                )
            if names != told:
                say(f"waiting for {names}")
                told = names
            time.sleep(LAST_LOOK_SECONDS)
    return rows


def destroy(site: Site, yes: bool) -> None:
    """Removes the stack's containers; what they wrote, read or filled stays."""
    stack = open_stack(site)
    say(f"destroy removes every container of the stack {site.stack}:")
    running = list(reversed(site.layout.running))
    for instance in running:
        say(f"  {instance.key} on {instance.host}")
    say("Log files on the hosts, images, Redis, the Config DB and the EX Org are not touched.")
    if not yes:
        confirm("Remove them?")
    removed = [Touch(i.key, i.host, "remove", (), "gone for good") for i in running]
    log = StepLog(say, Progress(removed), live.is_wanted(), hosts=_hosts(site))
    with live.shown(f"destroying the stack {site.stack}", log.progress):
        _run(lambda: stack.destroy(refresh=True, on_event=log.on_event), log, site, stack)
    print(f"stack {site.stack}: nothing is deployed any more")


def outputs_of(site: Site) -> dict[str, Any]:
    """The stack's outputs as they were after the last run."""
    return {name: output.value for name, output in open_stack(site).outputs().items()}


def show_plan(planned: Sequence[Touch]) -> None:
    for line in plan.lines(planned):
        say(line)


def _urns(stack: auto.Stack, keys: Sequence[str]) -> list[str]:
    """The URNs of what makes up these instances: guard and container (the gates follow)."""
    if not keys:
        return []
    names = {f"{role}-{key}" for role in ("guard", "container") for key in keys}
    rows = (stack.export_stack().deployment or {}).get("resources") or []
    return [row["urn"] for row in rows if row["urn"].rpartition("::")[2] in names]


def _preview(
    stack: auto.Stack, site: Site, replaced: list[str], candidate: Path | None = None
) -> list[Touch]:
    log = StepLog(lambda _line: None, hosts=_hosts(site))
    file = None if candidate is None else str(candidate)
    with live.shown("looking at the hosts"):
        _run(
            lambda: stack.preview(
                refresh=True, replace=replaced, on_event=log.on_event, config_file=file
            ),
            log,
            site,
            stack,
            touched=False,
        )
    said = (line for release in store.readable(site) for line in release.gates)
    return touches(log.steps, site.layout, downtime.of(said))


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
    with passed_on(pulumi.interrupt, lambda: lock.stop_gates(site), say) as interrupts:
        try:
            result = operation()
            if interrupts.count and not touched:
                raise Interrupted(_interrupted(site, log, touched), touched)
            return result
        except auto.ConcurrentUpdateError as error:
            raise ExctlError(
                f"another run holds the lock of the stack {site.stack}; nothing was touched."
                f" {last_error(error)}\nWhose it is, and to take it from a run that was killed:"
                f" exctl unlock --stack {site.stack}"
            ) from None
        except auto.CommandError as error:
            if interrupts.count:
                raise Interrupted(_interrupted(site, log, touched), touched) from None
            reasons = log.errors or log.program_words or [without_wrapping(explained(error, site))]
            if any(words in reason for words in NAME_IS_TAKEN for reason in reasons):
                reasons.append(f"If that is the vendor's: exctl adopt --stack {site.stack}")
            if not touched:
                raise ExctlError("\n\n".join([*reasons, "Nothing was touched."])) from None
            # What there is to do depends on more than the gate knows, and is said at the end.
            told = "\n\n".join(reasons).replace(f"\n  {GO_ON}", "")
            raise _failed(site, log, told) from None


def _failed(site: Site, log: StepLog, reasons: str) -> FailedRun:
    state = "\n".join(_state(site, log))
    if not log.progress.touched:
        state = f"No container was touched.\n{state}"
    return FailedRun(f"{reasons}\n\n{state}", reasons, bool(log.progress.touched))


def _interrupted(site: Site, log: StepLog, touched: bool) -> str:
    if not touched:
        return "interrupted; nothing was touched."
    state = "\n".join(_state(site, log))
    return (
        "interrupted. The step under way was finished and saved, nothing after it was begun."
        f"\n{state}\nTo go on: exctl up --stack {site.stack}"
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
