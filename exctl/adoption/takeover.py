"""Legacy containers taken under our management: replaced by ours, one instance after the other.

Labels and variables of a container can't be changed in place, so adopting is replacing. The list
`stopped` in the stack file is the record of what isn't ours yet: an instance leaves it when its
turn comes, and from then on guards, gates and drift hold for it as for any other. So a run that was
cut is resumed by running it again, and a plain `exctl up` touches nothing that isn't ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from exctl import files
from exctl.adoption.guard import report_event, require_peer
from exctl.adoption.legacy import Candidate, Situation
from exctl.adoption.look import judged, situations, views_of
from exctl.adoption.means import REAL, Means
from exctl.adoption.messages import afterwards, intention
from exctl.errors import ExctlError, FailedRun, Interrupted, NothingTouched, RolledBack
from exctl.observe.endpoints import look_at
from exctl.runs import hooks
from exctl.runs.options import Outcome, RunOptions
from exctl.runs.selection import stopped_entries, stopped_keys
from exctl.site import Site, open_site
from exctl.stackfile import stack_file
from exctl.terminal.messages import say, show
from exctl.terminal.questions import confirm
from health.errors import GateError
from health.gates.clock import SystemClock
from health.gates.health import HealthRule
from health.probe import AnswerKind
from stack.layout import Instance

AFTER_A_CUT = "unless-stopped"
"""Chosen: what a legacy container gets back when the run that knew its restart policy was cut."""
PART = RunOptions(yes=True, part=True, preflight=False)
"""Without a preflight, which a legacy container on our port would stop."""


def adopt(site: Site, chosen: Sequence[Instance], how: RunOptions, means: Means = REAL) -> None:
    """Shows what differs, asks, and adopts; what is ours already is left as it is.

    Raises NothingTouched for what isn't understood, RolledBack if an instance failed and its legacy
    container runs again. With the site's hooks.
    """
    with hooks.reporting_failure(site, how):
        adopted = _adopted(site, chosen, how, means)
    hooks.after(site, how, Outcome(adopted))
    for line in afterwards(site.stack, views_of(site, chosen, means)):
        say(line)


def _adopted(
    site: Site, chosen: Sequence[Instance], how: RunOptions, means: Means
) -> tuple[str, ...]:
    """The instances that are ours now and weren't before."""
    views = views_of(site, chosen, means)
    found = judged(site, situations(site, chosen, views), views, means)
    _refuse([f"{s.instance.key} on {s.instance.host}: {s.why}" for s in found if s.why])
    work = [s for s in found if s.kind in ("lost", "legacy", "cut")]
    known = means.secrets_of(site) if any(s.kind == "legacy" for s in found) else {}
    lines = list(intention(found, views, site.layout, known))
    for line in lines:
        say(line)
    if not work:
        say("there is nothing to adopt")
        return ()
    if not how.yes:
        confirm("Adopt these, one after the other?")
    work.sort(key=lambda each: each.kind != "cut")  # its legacy container is down already
    keys = tuple(each.instance.key for each in work)
    hooks.before(site, how, lines, keys)
    _prepare(site, work, means)
    replaced = [each for each in work if each.kind != "lost"]
    for position, each in enumerate(replaced):
        _adopt(open_site(site.stack), each, how, replaced[position:], means)
    means.up(
        open_site(site.stack),
        replace(how, yes=True, preflight=False, message=how.message or "adopted"),
    )
    return keys


def _was_healthy(site: Site, instance: Instance, means: Means) -> bool:
    """Whether the vendor's container is to be healthy again after a way back: unless it says itself
    that it isn't, or nothing listens."""
    answer = means.place_of(site, instance, instance.container_name).probe(instance.health_url)
    return answer.kind not in (AnswerKind.UNHEALTHY, AnswerKind.REFUSED)


def _refuse(reasons: Sequence[str]) -> None:
    if reasons:
        lines = "".join(f"\n  {reason}" for reason in reasons)
        raise NothingTouched(f"this can't be adopted as it is:{lines}")


def _prepare(site: Site, work: Sequence[Situation], means: Means) -> None:
    """The stack file says that these aren't ours, and every image is on its host: so that a dead
    registry or a missing tag stops the run while everything still serves.

    What an interrupted run left in Pulumi's state is resumed and not removed, and its images are
    there: nothing is pulled before it.
    """
    path = site.file
    before = path.read_text("utf-8")
    keys = {each.instance.key for each in work}
    cut = {each.instance.key for each in work if each.kind == "cut"}
    whole = {each.instance.key for each in work if each.kind == "lost"}
    known = means.state_of(site).names if cut else frozenset[str]()
    begun = {key for key in cut if f"container-{key}" in known}
    site = _with_stopped(site, (stopped_keys(site.layout) | (keys - begun)) - whole)
    planned = [touch for touch in means.planned(site) if touch.instance not in keys]
    if planned:
        files.write(path, before)
        _refuse(
            [f"the stack file has changes that aren't deployed yet ({t})" for t in planned]
            + ["deploy them first: exctl up"]
        )
    if not cut:
        say("pulling the images" if keys - whole else "taking them back into the state")
        means.up(site, PART)


def _with_stopped(site: Site, keys: set[str]) -> Site:
    path = site.file
    entries = stopped_entries(site.layout, keys)
    files.write(path, stack_file.edited(path.read_text("utf-8"), ("stopped",), entries or None))
    return open_site(site.stack)


def _adopt(
    site: Site, found: Situation, how: RunOptions, left: Sequence[Situation], means: Means
) -> None:
    """One instance: guard, legacy container aside, ours in its place with its gates; the way back
    if that fails."""
    instance, container = found.instance, found.container
    assert container is not None
    require_peer(site, instance, how, means)
    restart = container.restart if container.is_running else AFTER_A_CUT
    was_healthy = found.kind == "cut" or _was_healthy(site, instance, means)
    try:
        if found.kind == "legacy":
            say(f"{instance.key}: stopping {container.name} on {instance.host}")
            means.set_aside(site, instance, container)
        site = _with_stopped(site, stopped_keys(site.layout) - {instance.key})
        if found.kind == "cut" and f"container-{instance.key}" not in means.state_of(site).names:
            means.remove_ours(site, instance)
        means.up(
            site, replace(PART, allow_outage=how.allow_outage, message=f"adopt {instance.key}")
        )
    except Interrupted as error:
        raise Interrupted(
            f"{error}\nTo go on adopting: exctl adopt --stack {site.stack}. To have the legacy"
            f" container back: exctl adopt --back --stack {site.stack}",
            touched=True,
            running=error.running,
        ) from None
    except ExctlError as failure:
        say(f"\n{failure}\n\nbringing {container.own_name} back")
        give_back(site, instance, container, restart, was_healthy, str(failure), means)
        untidy = _tidied(site.stack, means)
        reason = failure.reason if isinstance(failure, FailedRun) else str(failure)
        names = ", ".join(s.instance.key for s in left)
        raise RolledBack(
            f"rolled back: {container.own_name} on {instance.host} runs again as before. Not"
            f" adopted: {names}; what was adopted before them stays ours. It failed because:\n\n"
            f"{reason}{untidy}"
        ) from None
    if container.stack == site.stack:
        means.remove(site, instance.host, [container], ())  # the same, but for what differed


def _tidied(stack: str, means: Means) -> str:
    """Pulumi's state without what was taken away beside it; a sentence if that can't be had."""
    try:
        means.up(open_site(stack), PART)
    except ExctlError as error:
        return f"\n\nPulumi's state still has it; `exctl up` fixes that: {error}"
    return ""


def give_back(
    site: Site,
    instance: Instance,
    container: Candidate,
    restart: str,
    was_healthy: bool,
    reason: str,
    means: Means,
) -> None:
    """Ours away, the legacy container under its name again and, if it was healthy, until it is so.

    Ours goes by docker and not by Pulumi, so that nothing that stops Pulumi delays the way back;
    its state is for the next run to fix. FailedRun if the way back fails too.
    """
    gate = site.config.gate
    rule = HealthRule(
        f"{instance.key} (legacy)",
        instance.host,
        instance.health_url,
        gate.deadline_seconds,
        gate.interval_seconds,
        gate.successes,
    )
    try:
        means.remove_ours(site, instance)
        means.bring_back(site, instance, container, restart)
        if was_healthy:
            place = means.place_of(site, instance, container.own_name)
            means.wait_until_healthy(rule, place, SystemClock(), report_event)
    except (ExctlError, GateError) as error:
        raise FailedRun(
            f"the rollback failed as well: {error}\n\nThe legacy container on {instance.host} is"
            f" {container.own_name} or {container.own_name}.before-exec; check it there. The"
            f" first failure:\n\n{reason}"
        ) from None
    _with_stopped(site, stopped_keys(site.layout) | {instance.key})


def back(site: Site, chosen: Sequence[Instance], how: RunOptions, means: Means = REAL) -> None:
    """The other way: the legacy containers that still stand aside in the place of ours, the last
    adopted first, under the same guard. With the site's hooks."""
    with hooks.reporting_failure(site, how):
        given = _given_back(site, chosen, how, means)
    hooks.after(site, how, Outcome(given))


def _given_back(
    site: Site, chosen: Sequence[Instance], how: RunOptions, means: Means
) -> tuple[str, ...]:
    """The instances whose legacy containers serve again."""
    found = [
        s
        for s in situations(site, chosen, views_of(site, chosen, means))
        if s.kind in ("ours", "cut") and s.container is not None
    ]
    if not found:
        raise NothingTouched("no legacy container is set aside here.")
    lines = []
    for each in reversed(found):
        assert each.container is not None
        own_name = each.container.own_name
        lines.append(f"{each.instance.key} on {each.instance.host}: {own_name} comes back")
    for line in lines:
        say(line)
    if not how.yes:
        confirm("Remove ours and start these again, one after the other?")
    keys = tuple(each.instance.key for each in reversed(found))
    hooks.before(site, how, lines, keys)
    for each in reversed(found):
        assert each.container is not None
        site = open_site(site.stack)
        require_peer(site, each.instance, how, means)
        give_back(
            site, each.instance, each.container, AFTER_A_CUT, True, "exctl adopt --back", means
        )
    means.up(open_site(site.stack), PART)
    return keys


def clean(site: Site, chosen: Sequence[Instance], yes: bool, means: Means = REAL) -> None:
    """Removes the containers that were set aside, and the vendor's files with plaintext passwords.

    Raises NothingTouched while an instance there isn't ours and healthy: they are the way back.
    """
    views = views_of(site, chosen, means)
    found = judged(site, situations(site, chosen, views), views, means)
    hosts = {s.instance.host for s in found}
    _refuse(
        [
            f"{s.instance.key} on {s.instance.host} isn't both ours and healthy; first: exctl adopt"
            for s in found
            if s.kind != "ours" or not look_at(site, s.instance).is_healthy
        ]
    )
    aside = {h: [s.container for s in found if s.container and s.instance.host == h] for h in hosts}
    if not any(aside.values()) and not any(views[host].clear_files for host in hosts):
        say("nothing of the vendor's deployment is left on these hosts")
        return
    for host in views:
        for line in [*(f"the container {c.name}" for c in aside[host]), *views[host].clear_files]:
            say(f"{host}: {line}")
    say("After this `exctl adopt --back` is impossible; `exctl export-env` still works.")
    if not yes:
        confirm("Remove them for good?")
    for host in views:
        means.remove(site, host, aside[host], views[host].clear_files)
    show("removed; nothing of the vendor's deployment is left on these hosts")
