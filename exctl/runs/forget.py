"""A host that is gone for good, taken out of the state."""

from __future__ import annotations

from exctl.errors import ExctlError, NothingTouched
from exctl.pulumi import state
from exctl.pulumi.ownership import own_state
from exctl.pulumi.workspace import open_stack
from exctl.runs import reach
from exctl.site import Site
from exctl.terminal.messages import say, show
from exctl.terminal.questions import confirm


def forget(site: Site, host: str, force: bool, yes: bool) -> None:
    """Takes the host and what it held out of the state, after a question.

    Raises NothingTouched for a host that the state doesn't know, ExctlError for one that answers,
    unless `force`.
    """
    stack = open_stack(site)
    known = own_state(site, stack)
    if host not in known.held:
        there = ", ".join(sorted(known.held)) or "no host"
        raise NothingTouched(f"the state of the stack {site.stack} has {there}, but not {host}.")
    held = ", ".join(known.held[host]) or "nothing"
    if host not in reach.silent(site, [host]) and not force:
        raise ExctlError(
            f"{host} answers, and holds {held}. To take it out of service: remove it from"
            f" Pulumi.{site.stack}.yaml, then: exctl up --stack {site.stack}. To forget it"
            f" although it still runs: exctl forget {host} --force --stack {site.stack}",
            touched=False,
        )
    say(f"{host} is removed from the state of the stack {site.stack}; it holds {held}.")
    say("Nothing is done on it: if it comes back, its containers still run.")
    if not yes:
        confirm("Forget it?")
    state.write(stack, state.without_host(known, host))
    meant = host in site.layout.hosts or host == site.config.monitoring.host
    onward = f"It is still in the stack file: exctl up --stack {site.stack} would deploy it again."
    show(f"{host} is forgotten.{f' {onward}' if meant else ''}")
