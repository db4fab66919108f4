"""What goes with EXEC, by a last run of Pulumi of its own: what watches it, what ships its log
files, what removes old ones. Whatever comes of it, EXEC is deployed by then, its release recorded.
"""

from __future__ import annotations

from collections.abc import Mapping

from exctl.errors import ExctlError, Interrupted
from exctl.observe.watchers import shipped
from exctl.pulumi import state
from exctl.pulumi.workspace import tell_program
from exctl.runs import apart, reach, watchers_record
from exctl.runs.events import StepLog
from exctl.runs.ground import Ground
from exctl.runs.operation import carry_out
from exctl.site import Site
from exctl.terminal import live
from exctl.terminal.messages import report, say
from monitoring.placement import placement
from monitoring.program import Placement
from stack.loader import MONITORING_VARIABLE


def are_there(site: Site, known: state.State) -> bool:
    """Whether there is to be something of it, or was."""
    is_wanted = placement(site.config, site.layout, site.stack) is not None
    has_retention = site.config.logs.retention_days is not None
    return is_wanted or has_retention or any(map(state.is_apart, known.rows))


def line(site: Site, ground: Ground) -> str:
    """What a run will do about it after all else, for its plan; '' if nothing."""
    wanted = placement(site.config, site.layout, site.stack)
    if wanted is None:
        return f"then removed: {_held(ground.state)}" if ground.state.monitoring else ""
    return f"then, with EXEC done, {wanted}"


def bring(site: Site, ground: Ground) -> None:
    """Places what goes with EXEC, or brings it to what the stack file says; nothing is run where it
    is that already, and nothing is done on a host that doesn't answer.

    What goes wrong is a warning, and ExctlError where the stack file says `required`.
    """
    known = ground.state  # the run before has changed nothing of what is apart
    wanted = placement(site.config, site.layout, site.stack)
    if not are_there(site, known):
        return
    given_up = ground.gone if ground.scope.is_whole else ()  # in no state any more
    hosts = {*(wanted.hosts if wanted else ()), *known.monitoring} - {*given_up}
    silent = dict.fromkeys(sorted(hosts & ground.silent), "didn't answer")
    if not silent and watchers_record.is_current(site, known, wanted):
        _say_where(wanted)
        return
    watchers_record.drop(site)
    silent |= reach.silent(site, sorted(hosts - ground.silent))
    wrong = [_gone(host, why, site, wanted) for host, why in silent.items()]
    try:
        if not hosts or hosts - silent.keys():
            _run(site, ground, wanted, silent)
    except Interrupted:
        raise Interrupted(
            "interrupted: EXEC was deployed; its monitoring, or the removal of old log files, may"
            f" be half done. To finish: exctl up --stack {site.stack}",
            touched=True,
        ) from None
    except ExctlError as error:
        wrong.append(str(error))
    if wrong:
        _tell(site, ground, "\n".join(wrong))
    else:
        _say_where(wanted)


def _say_where(wanted: Placement | None) -> None:
    if wanted is None:
        return
    if urls := wanted.urls():
        say(f"watched by {', '.join(f'{name} {url}' for name, url in urls.items())}")
    if found := wanted.shipping:
        say(shipped(found[0].name, len(found), found[0].to))


def _run(site: Site, ground: Ground, wanted: Placement | None, silent: Mapping[str, str]) -> None:
    log = StepLog(say)
    tell_program(ground.stack, MONITORING_VARIABLE, "alone")
    with live.shown("deploying what goes with it"):
        carry_out(
            lambda: ground.stack.up(
                message="monitoring",
                refresh=True,
                on_event=log.on_event,
                show_secrets=False,
                target=apart.targets(wanted, ground.state, silent),
                continue_on_error=True,
            ),
            log,
            site,
            ground.stack,
        )
    if not silent:
        watchers_record.keep(site, state.read(ground.stack))


def _gone(host: str, why: str, site: Site, wanted: Placement | None) -> str:
    if wanted is not None and host in wanted.hosts:
        left_out = ", ".join(program.name for program in wanted.on(host))
        return f"{host} {why}; {left_out} there: left as it was"
    return f"{host} {why}; if it is gone for good: exctl forget {host} --stack {site.stack}"


def _tell(site: Site, ground: Ground, error: str) -> None:
    """A run that leaves out a host of EXEC's ends with that, and its exit code, whatever is
    required."""
    again = f"To try again: exctl up --stack {site.stack}"
    report("monitoring_failed", reason=error, required=site.config.monitoring.required)
    is_all = not ground.scope.left_out
    if site.config.monitoring.required and is_all:
        raise ExctlError(
            "EXEC is deployed and healthy, but what goes with it isn't as the stack file says,"
            f" which monitoring.required asks for:\n{error}\n{again}",
            touched=True,
        ) from None
    what = "EXEC" if is_all else "what answers of EXEC"
    say(f"warning: {what} is deployed and healthy; what goes with it isn't as the stack file says:")
    for text in [*error.splitlines(), again]:
        say(f"  {text}")


def _held(known: state.State) -> str:
    return "; ".join(f"{', '.join(names)} on {host}" for host, names in known.monitoring.items())
