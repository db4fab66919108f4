"""What a command means for each stack of the fleet, from files alone: no host is asked. Each
stack's own run makes its own plan, with its preflight and guards."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from config_schema import canonical_host
from config_schema.fleet import Fleet
from exctl import files
from exctl.errors import NothingTouched
from exctl.fleet import schedule
from exctl.fleet.rollout import Rollout, StackRun
from exctl.fleet.schedule import Outcome
from exctl.hosts import on_each
from exctl.releases import store
from exctl.runs.selection import select
from exctl.site import Site, StackPlace, site_at
from vendor_facts import SERVICES, Service


@dataclass(frozen=True)
class Meaning:
    """What a stack gets: `words` for its own exctl, `change` for people; or why it is left out."""

    words: tuple[str, ...] = ()
    change: str = ""
    left_out: str = ""


Means = Callable[[Site], Meaning]


def updating(fleet: Fleet, service: Service, tag: str) -> Means:
    """Another version of a service; a stack that is pinned to another one is left out, and one
    that runs it already."""

    def of(site: Site) -> Meaning:
        pin = fleet.of(site.stack).pins.get(service)
        if pin is not None and pin != tag:
            return Meaning(left_out=f"pinned to {service} {pin}")
        chosen = select(site.layout, service, None, None)
        now = ", ".join(dict.fromkeys(i.tag for i in chosen))
        is_there = {(i.tag, i.digest) for i in chosen} == {(tag, None)}
        if is_there and _is_deployed(site):
            return Meaning(left_out=f"runs {service} {tag} already")
        keys = ", ".join(i.key for i in chosen)
        return Meaning(("update", service, "--tag", tag), f"{service} {now} → {tag}: {keys}")

    return of


def upping(site: Site) -> Meaning:
    """What its file says."""
    is_new = "what its release has" if _is_deployed(site) else "what its file says now"
    return Meaning(("up",), is_new)


def restarting(service: Service | None) -> Means:
    """New containers of the same release."""

    def of(site: Site) -> Meaning:
        chosen = [i for i in select(site.layout, service, None, None) if not i.is_stopped]
        if not chosen:
            return Meaning(left_out="all of that is stopped")
        words = ("restart", *([service] if service else []))
        return Meaning(words, f"new containers: {', '.join(i.key for i in chosen)}")

    return of


def rotating(secret: str) -> Means:
    """A new value for a secret."""
    return lambda _site: Meaning(("rotate", secret), f"a new {secret}")


def taking_back(before: Rollout) -> Means:
    """The release from before a rollout, where that has changed something and nobody has since."""

    def of(site: Site) -> Meaning:
        run = before.stacks.get(site.stack)
        if run is None or run.outcome in (Outcome.WAITING, Outcome.SKIPPED, Outcome.REFUSED):
            return Meaning(left_out="wasn't touched")
        if run.outcome is Outcome.ROLLED_BACK:
            return Meaning(left_out="was rolled back already")
        if run.release_before is None:
            return Meaning(left_out="has no earlier release to go back to")
        now = _last_number(site)
        if now not in (run.release_before, run.release_after):
            return Meaning(left_out=f"was changed since: release {now}; see exctl releases")
        if run.outcome is Outcome.DONE and run.release_after == run.release_before:
            return Meaning(left_out="has no new release: there is nothing to undo")
        number = run.release_before
        return Meaning(("rollback", str(number)), f"back to release {number}")

    return of


def means_of(fleet: Fleet, command: Sequence[str], before: Rollout | None) -> Means:
    """What a rollout's command means; `before` is the rollout that it takes back."""
    match command:
        case ("update", service, "--tag", tag):
            return updating(fleet, as_service(service), tag)
        case ("restart",):
            return restarting(None)
        case ("restart", service):
            return restarting(as_service(service))
        case ("rotate", secret):
            return rotating(secret)
        case ("rollback",) if before is not None:
            return taking_back(before)
        case ("up",):
            return upping
    raise NothingTouched(f"{' '.join(command)}: not a command for the fleet.")


def as_service(word: str) -> Service:
    """The service of that name. Raises NothingTouched if there is none."""
    for service in SERVICES:
        if service == word:
            return service
    raise NothingTouched(f"{word} isn't a service; there are {', '.join(SERVICES)}.")


def planned(
    project: Path,
    fleet: Fleet,
    waves: Sequence[schedule.Wave],
    means: Means,
    only: Sequence[str] = (),
    today: date | None = None,
) -> dict[str, StackRun]:
    """Each stack of the waves with its part, in their order. `only`: no other stack, if any is
    named. Freezes and pins hold as the fleet has them now.

    Raises NothingTouched with the problems of all stack files at once: whose hosts aren't known
    can't be kept apart from others.
    """
    names = [stack for wave in waves for stack in wave.stacks]
    if strange := [name for name in only if name not in names]:
        raise NothingTouched(f"{', '.join(strange)}: in no wave of fleet.yaml.")
    now = today or datetime.now(UTC).date()

    def of(name: str) -> StackRun | str:
        place = StackPlace(project, name)
        if reason := _kept_out(fleet, name, only, now):
            return _left_out(place, reason)
        try:
            return part_of(site_at(place, place.file), means)
        except NothingTouched as error:
            return str(error)

    parts = dict(zip(names, on_each(names, of), strict=True))
    if problems := [part for part in parts.values() if isinstance(part, str)]:
        raise NothingTouched("\n".join(problems))
    return {name: part for name, part in parts.items() if isinstance(part, StackRun)}


def part_of(site: Site, means: Means) -> StackRun:
    """A stack's part of a rollout that has not begun."""
    meaning = means(site)
    if meaning.left_out:
        return _left_out(site, meaning.left_out)
    hosts = sorted(frozenset[str]().union(*map(machine, site.layout.hosts)))
    number = _last_number(site)
    return StackRun(
        site.stack,
        tuple(hosts),
        meaning.words,
        meaning.change,
        files.sha256_of(site.file),
        release_before=number,
    )


def _kept_out(fleet: Fleet, name: str, only: Sequence[str], today: date) -> str:
    freeze = fleet.of(name).freeze
    if freeze is not None and freeze.holds(today):
        return f"frozen until {freeze.until}: {freeze.reason}"
    return "not named" if only and name not in only else ""


def _left_out(place: StackPlace, reason: str) -> StackRun:
    return StackRun(place.stack, (), (), "", files.sha256_of(place.file), Outcome.SKIPPED, reason)


def waves_of(fleet: Fleet) -> tuple[schedule.Wave, ...]:
    """The waves as the scheduler takes them."""
    return tuple(
        schedule.Wave(
            wave.name,
            tuple(wave.stacks),
            wave.max_parallel,
            wave.max_failures,
            wave.bake_seconds,
            wave.approve,
        )
        for wave in fleet.waves
    )


def waves_back(waves: Sequence[schedule.Wave]) -> tuple[schedule.Wave, ...]:
    """The waves of a way back: the last one first, all that can be done, nothing to wait for."""
    return tuple(
        replace(wave, max_failures=len(wave.stacks), bake_seconds=0.0, approve=False)
        for wave in reversed(waves)
    )


def machine(host: str) -> frozenset[str]:
    """What a host is known by: its name in one spelling, and the addresses that it leads to, so
    that two names of one machine are seen as one."""
    try:
        found = socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
    except OSError:
        return frozenset({canonical_host(host)})
    return frozenset({canonical_host(host), *(str(each[4][0]) for each in found)})


def _last_number(site: StackPlace) -> int | None:
    return next(iter(reversed(store.numbers(site))), None)


def _is_deployed(site: Site) -> bool:
    """Whether the last release is what the stack file says."""
    release = store.last(site)
    return release is not None and release.stack_file == site.file.read_text("utf-8")
