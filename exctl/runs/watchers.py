"""What goes with EXEC, by a last run of Pulumi of its own: what watches it, what removes old log
files. Whatever comes of it, EXEC is deployed by then, and its release recorded."""

from __future__ import annotations

from exctl.errors import ExctlError, Interrupted
from exctl.pulumi import state
from exctl.pulumi.workspace import tell_program
from exctl.runs import reach, watchers_record
from exctl.runs.events import StepLog
from exctl.runs.ground import Ground
from exctl.runs.operation import carry_out
from exctl.runs.scope import APART
from exctl.site import Site
from exctl.terminal import live
from exctl.terminal.messages import report, say
from monitoring.placement import Placement, placement
from stack.loader import MONITORING_VARIABLE


def are_there(site: Site, known: state.State) -> bool:
    """Whether there is to be something of it, or was."""
    config = site.config
    is_wanted = config.monitoring.host is not None or config.logs.retention_days is not None
    return is_wanted or any(map(state.is_apart, known.rows))


def line(site: Site, ground: Ground) -> str:
    """What a run will do about it after all else, for its plan; '' if nothing."""
    wanted = placement(site.config, site.layout, site.stack)
    if wanted is None:
        return f"then removed: {_held(ground.state)}" if ground.state.monitoring else ""
    return f"then, with EXEC done, {wanted}"


def bring(site: Site, ground: Ground) -> None:
    """Places what watches the stack, or brings it to what the stack file says; nothing is run
    where it is that already.

    What goes wrong is a warning, and ExctlError where the stack file says `required`.
    """
    known = ground.state  # the run before has changed nothing of what is apart
    wanted = placement(site.config, site.layout, site.stack)
    if not are_there(site, known):
        return
    if watchers_record.is_current(site, known, wanted):
        _say_where(wanted)
        return
    watchers_record.drop(site)
    hosts = [*([wanted.host] if wanted else ()), *known.monitoring]
    try:
        if silent := reach.silent(site, hosts):
            raise ExctlError("\n".join(_gone(host, why, site) for host, why in silent.items()))
        _run(site, ground)
    except Interrupted:
        raise Interrupted(
            "interrupted: EXEC was deployed; its monitoring, or the removal of old log files, may"
            f" be half done. To finish: exctl up --stack {site.stack}",
            touched=True,
        ) from None
    except ExctlError as error:
        _tell(site, error)
        return
    _say_where(wanted)


def _say_where(wanted: Placement | None) -> None:
    if wanted is not None:
        say(f"watched by {', '.join(f'{n} {url}' for n, url in wanted.urls().items())}")


def _run(site: Site, ground: Ground) -> None:
    log = StepLog(say)
    tell_program(ground.stack, MONITORING_VARIABLE, "alone")
    with live.shown("deploying what goes with it"):
        carry_out(
            lambda: ground.stack.up(
                message="monitoring",
                refresh=True,
                on_event=log.on_event,
                show_secrets=False,
                target=list(APART),
                continue_on_error=True,
            ),
            log,
            site,
            ground.stack,
        )
    watchers_record.keep(site, state.read(ground.stack))


def _gone(host: str, why: str, site: Site) -> str:
    if host == site.config.monitoring.host:
        return f"{host} {why}"
    return f"{host} {why}; if it is gone for good: exctl forget {host} --stack {site.stack}"


def _tell(site: Site, error: ExctlError) -> None:
    again = f"To try again: exctl up --stack {site.stack}"
    report("monitoring_failed", reason=str(error), required=site.config.monitoring.required)
    if site.config.monitoring.required:
        raise ExctlError(
            "EXEC is deployed and healthy, but what goes with it isn't as the stack file says,"
            f" which monitoring.required asks for:\n{error}\n{again}",
            touched=True,
        ) from None
    say("warning: EXEC is deployed and healthy; what goes with it isn't as the stack file says:")
    for text in [*str(error).splitlines(), again]:
        say(f"  {text}")


def _held(known: state.State) -> str:
    return "; ".join(f"{', '.join(names)} on {host}" for host, names in known.monitoring.items())
