"""The commands that go through Pulumi: preview, up, destroy."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pulumi import automation as auto

from exctl import releases
from exctl.endpoints import ask_all, table, unhealthy
from exctl.errors import ExctlError, FailedRun, Interrupted
from exctl.how import How
from exctl.interrupts import Interrupts, waited_for
from exctl.plan import Touch, touches
from exctl.questions import confirm
from exctl.site import Site
from exctl.steps import StepLog, without_wrapping
from exctl.workspace import last_error, open_stack
from health.gate_runs import ALLOW_OUTAGE_VARIABLE

Say = Callable[[str], None]
Result = TypeVar("Result")


def say(line: str = "") -> None:
    """A line for the person who waits; results alone go to stdout."""
    print(line, file=sys.stderr, flush=True)


def preview(site: Site) -> list[Touch]:
    """What an `up` would do, hosts looked at first; raises ExctlError if it can't be told."""
    return _preview(open_stack(site), site, [])


def up(site: Site, how: How) -> None:
    """Brings the stack to what its file says: plan, question, run, one probe of everything, and a
    release of what runs then.

    Raises FailedRun if a step failed, ExctlError if in the end something isn't healthy.
    """
    stack = open_stack(site)
    replaced = _urns(stack, how.restart)
    planned = _preview(stack, site, replaced)
    show_plan(planned)
    if planned and not how.yes:
        confirm("Do it?")
    if how.allow_outage:
        os.environ[ALLOW_OUTAGE_VARIABLE] = "1"
    log = StepLog(say)
    result = _run(
        lambda: stack.up(
            message=how.message, refresh=True, replace=replaced, on_event=log.on_event
        ),
        log,
        site,
    )
    rows = ask_all(site)
    for line in table(rows):
        print(line)
    if ill := unhealthy(rows):
        names = ", ".join(row.instance for row in ill)
        raise ExctlError(
            f"everything was deployed as the stack file says, but {names} doesn't answer 200 now."
            f" Look closer with: exctl status --stack {site.stack}"
        )
    images = result.outputs["release"].value if "release" in result.outputs else {}
    if release := releases.record(site, images, how.message, log.gates):
        say(f"this is release {release.number}")


def destroy(site: Site, yes: bool) -> None:
    """Removes the stack's containers; what they wrote, read or filled stays."""
    stack = open_stack(site)
    say(f"destroy removes every container of the stack {site.stack}:")
    for instance in reversed(site.layout.running):
        say(f"  {instance.key} on {instance.host}")
    say("Log files on the hosts, images, Redis, the Config DB and the EX Org are not touched.")
    if not yes:
        confirm("Remove them?")
    log = StepLog(say)
    _run(lambda: stack.destroy(refresh=True, on_event=log.on_event), log, site)
    print(f"stack {site.stack}: nothing is deployed any more")


def outputs_of(site: Site) -> dict[str, Any]:
    """The stack's outputs as they were after the last run."""
    return {name: output.value for name, output in open_stack(site).outputs().items()}


def show_plan(planned: Sequence[Touch]) -> None:
    if not planned:
        say("plan: no container is touched")
        return
    say("plan, in this order (pairs side by side, the instances of a pair one after the other):")
    for touch in planned:
        say(f"  {touch}")


def _urns(stack: auto.Stack, keys: Sequence[str]) -> list[str]:
    """The URNs of what makes up these instances: guard and container (the gates follow)."""
    if not keys:
        return []
    names = {f"{role}-{key}" for role in ("guard", "container") for key in keys}
    rows = (stack.export_stack().deployment or {}).get("resources") or []
    return [row["urn"] for row in rows if row["urn"].rpartition("::")[2] in names]


def _preview(stack: auto.Stack, site: Site, replaced: list[str]) -> list[Touch]:
    log = StepLog(lambda _line: None)
    _run(
        lambda: stack.preview(refresh=True, replace=replaced, on_event=log.on_event),
        log,
        site,
        touched=False,
    )
    return touches(log.steps, site.layout)


def _run(operation: Callable[[], Result], log: StepLog, site: Site, touched: bool = True) -> Result:
    interrupts = Interrupts()
    try:
        with waited_for(say) as interrupts:
            return operation()
    except auto.ConcurrentUpdateError as error:
        raise ExctlError(
            f"another run holds the lock of the stack {site.stack}; nothing was touched."
            f" {last_error(error)}\nWhose it is, and to take it from a run that was killed:"
            f" exctl unlock --stack {site.stack}"
        ) from None
    except auto.CommandError as error:
        if interrupts.count:
            raise Interrupted(_interrupted(site, touched)) from None
        reasons = log.errors or log.program_words or [without_wrapping(last_error(error))]
        if not touched:
            raise ExctlError("\n\n".join([*reasons, "Nothing was touched."])) from None
        rows = table(ask_all(site))
        state = "What was done before stays, what waited was not touched. Each instance now:"
        raise FailedRun(
            "\n\n".join([*reasons, "\n".join([state, *rows])]), "\n\n".join(reasons)
        ) from None


def _interrupted(site: Site, touched: bool) -> str:
    if not touched:
        return "interrupted; nothing was touched."
    rows = "\n".join(table(ask_all(site)))
    return (
        "interrupted. The step under way was finished and saved, nothing after it was begun. Each"
        f" instance now:\n{rows}\nTo go on: exctl up --stack {site.stack}"
    )
