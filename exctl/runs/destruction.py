"""The end of a stack: its containers, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from pulumi import automation as auto

from exctl.errors import ExctlError, FailedRun, InterruptedRun, LeftOut
from exctl.history.anchor import marked
from exctl.pulumi import state
from exctl.pulumi.ownership import own_state
from exctl.pulumi.state import State
from exctl.pulumi.workspace import open_stack
from exctl.runs import hooks, plan, reach, unknown
from exctl.runs.events import StepLog
from exctl.runs.operation import carry_out, hosts_of
from exctl.runs.options import Outcome, RunOptions
from exctl.runs.plan import Touch
from exctl.site import Site
from exctl.terminal import live
from exctl.terminal.messages import record_hash, report, say, show
from exctl.terminal.progress import RunProgress
from exctl.terminal.questions import confirm


def destroy(site: Site, yes: bool) -> None:
    """Removes the stack's containers; what they wrote, read or filled stays.

    Raises ExctlError, before anything is touched, if the state is another stack's, if hosts have
    containers of this stack that it doesn't know, or if a host that it knows doesn't answer;
    ExctlError if something is still there in the end, LeftOut if a host couldn't be asked. With the
    site's hooks.
    """
    how = RunOptions(yes=yes)
    with hooks.reporting_failure(site, how):
        removed = _destroyed(site, how)
    hooks.after(site, how, Outcome(removed))
    show(f"stack {site.stack}: nothing is deployed any more")


def _destroyed(site: Site, how: RunOptions) -> tuple[str, ...]:
    """The instances whose containers are gone now."""
    stack = open_stack(site)
    known = own_state(site, stack)
    hosts = list(dict.fromkeys([*site.layout.hosts, *known.held]))
    silent = reach.silent(site, hosts)
    _refuse_unreachable(site, known, silent)
    asked = [host for host in hosts if host not in silent]
    unknown.refuse_to_destroy(site, unknown.look(site, known, asked))
    say(f"destroy removes every container of the stack {site.stack}:")
    at = {key: host for host, keys in known.held.items() for key in keys}
    order = [instance.key for instance in site.layout.instances]  # pairs, EXAS, EXCS go in reverse
    keys = sorted(at, key=lambda key: -order.index(key) if key in order else -len(order))
    for key in keys:
        say(f"  {key} on {at[key]}")
    if not keys:
        say("  none: the state knows of none, and the hosts that answer have none")
    say("Log files on the hosts, images, Redis, the Config DB and the EX Org are not touched.")
    if known.monitoring:
        say("Volumes of what goes with EXEC stay: metrics, and how far log files were shipped.")
    if not how.yes:
        confirm("Remove them?")
    removed = [Touch(key, at[key], "remove", (), "gone for good") for key in keys]
    if removed:
        hooks.before(site, how, plan.lines(removed), keys)
    report("plan", touches=[asdict(touch) for touch in removed], pending=[], left_out={})
    log = StepLog(say, RunProgress(removed), live.is_wanted(), hosts=hosts_of(site), report=report)
    with live.shown(f"destroying the stack {site.stack}", log.progress):
        try:
            carry_out(
                lambda: stack.destroy(
                    refresh=True, on_event=log.on_event, message=marked("", record_hash())
                ),
                log,
                site,
                stack,
                {},
            )
        except (FailedRun, InterruptedRun) as cut:
            onward = f"To resume, once the cause is fixed: exctl destroy --stack {site.stack}"
            raise cut.and_then(onward) from None
    _require_nothing_left(site, stack, asked, silent)
    return tuple(keys)


def _refuse_unreachable(site: Site, known: State, silent: Mapping[str, str]) -> None:
    held = [h for h in silent if known.held.get(h)]
    if not held:
        return
    lines = [f"{host} {silent[host]}; it holds {', '.join(known.held[host])}" for host in held]
    raise ExctlError(
        "\n".join(lines) + "\nWhat can't be reached can't be removed, and keeps running. Once it"
        " answers:"
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
            f"the stack {site.stack} is removed from all hosts that answer. Unknown on these,"
            f" where its containers may still run:" + "".join(f"\n  {line}" for line in unasked)
        )
