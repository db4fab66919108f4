"""What a run finds before it begins, and what it may touch of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pulumi import automation as auto

from exctl.errors import ExctlError
from exctl.pulumi import state
from exctl.pulumi.ownership import own_state
from exctl.pulumi.state import State
from exctl.pulumi.workspace import open_stack, tell_program
from exctl.runs import pairs, reach, unknown
from exctl.runs.outlook import Outlook
from exctl.runs.plan import Touch, left_out_lines
from exctl.runs.scope import Scope, left_out
from exctl.site import Site
from exctl.terminal.messages import say
from health.pair import FIRST_VARIABLE
from health.verdict import Verdict
from stack.loader import LEFT_OUT_VARIABLE


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
    """Hosts that the stack file no longer has and that don't answer: there is no way to them. Taken
    out of the state by a run of everything; no run looks at what they held."""

    @property
    def outlook(self) -> Outlook:
        return Outlook(self.verdicts)

    @property
    def lost(self) -> frozenset[str]:
        """The keys of what such hosts held."""
        return frozenset(key for host in self.gone for key in self.state.hosts[host])


def look(site: Site, scope: Scope, adopting: bool) -> Ground:
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
    scope = _leaving_out(stack, scope, found)
    gone = tuple(h for h in silent if h in known.hosts and h not in site.layout.hosts)
    verdicts = pairs.look(site, known, silent)
    first = pairs.first(site.layout, verdicts, scope, known)
    tell_program(stack, FIRST_VARIABLE, ",".join(first))
    return Ground(stack, known, scope, frozenset(silent), verdicts, gone)


def _leaving_out(stack: auto.Stack, scope: Scope, found: Mapping[str, str]) -> Scope:
    """The scope without these, in the program of the runs to come too. ExctlError if the operator
    has named nothing else."""
    scope = replace(scope, left_out={**scope.left_out, **found})
    if scope.keys and scope.missed.keys() == scope.keys:
        reasons = "\n".join(f"  {key}: {why}" for key, why in scope.missed.items())
        raise ExctlError(f"none of that can be done:\n{reasons}", touched=False)
    tell_program(stack, LEFT_OUT_VARIABLE, ",".join(sorted(scope.left_out)))
    return scope


def without_the_last(ground: Ground, site: Site, planned: Sequence[Touch]) -> Ground:
    """Leaves out, too, whose guard would refuse because its peer can't be reached: a dead host
    holds what it shares a pair with, and nobody else."""
    kept = {}
    for touch in planned:
        if touch.refusal is None or not ground.scope.covers(touch.instance):
            continue
        instance = next(i for i in site.layout.instances if i.key == touch.instance)
        peer = site.layout.peer_of(instance)
        if why := ground.scope.left_out.get(peer.key):
            kept[instance.key] = f"it may be the last that serves pair {instance.pair}: {why}"
    if not kept:
        return ground
    found = replace(ground, scope=_leaving_out(ground.stack, ground.scope, kept))
    for line in left_out_lines(kept):
        say(line)
    return found


def freed(ground: Ground, site: Site) -> Ground:
    """The ground in whose state nothing that this run doesn't touch depends on what it removes."""
    running = {instance.key for instance in site.layout.running}
    held = ground.state.containers
    removed = [key for key in held if key not in running and ground.scope.covers(key)]
    beyond = [key for key in held if not ground.scope.covers(key)]
    known = state.detached(ground.state)
    known = state.without_edges(known, removed, lambda key: key in beyond)
    if known is not ground.state:
        state.write(ground.stack, known)
    return replace(ground, state=known)


def without_the_gone(ground: Ground) -> Ground:
    known = ground.state
    for host in ground.gone if ground.scope.is_whole else ():
        known = state.without_host(known, host)
    if known is not ground.state:
        state.write(ground.stack, known)
    return replace(ground, state=known, gone=())
