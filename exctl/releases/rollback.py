"""Bringing a release back: its settings, its secrets, its very images; or one service of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from config_schema import CheckName
from exctl.errors import ExctlError, FailedRun, NothingTouched, PreflightStops
from exctl.images.access import image_named, registry_errors, registry_of
from exctl.images.on_hosts import HostImage, look
from exctl.releases import store
from exctl.releases.pins import (
    InRegistry,
    OnHost,
    Setting,
    is_pin_needed,
    name_of,
    out_of_reach,
    places_of,
    with_pins,
)
from exctl.runs import changes, deployment
from exctl.runs.options import RunOptions
from exctl.runs.scope import EVERYTHING, Scope
from exctl.site import Site, open_site, site_of
from exctl.stackfile import stack_file
from exctl.stackfile.stack_file import value_in
from exctl.terminal.messages import say
from oci.reference import ImageReference
from oci.registry import RegistryClient
from stack import yaml_text
from stack.layout import Instance

LOGINS = frozenset(
    {
        CheckName.REDIS_LOGIN,
        CheckName.CONFIG_DB_LOGIN,
        CheckName.REGISTRY_LOGIN,
        CheckName.GENESYS_CLOUD_LOGIN,
    }
)
"""What the preflight finds where a password was changed since."""


def rollback(
    site: Site,
    wanted: str | None,
    service: str | None,
    pair: str | None,
    how: RunOptions,
    keep_secrets: bool = False,
) -> None:
    """Bring a release back, all of it or one service's section; with the secrets as they are now,
    if those are to be kept.

    Where a tag leads to another image now, on a host or in the registry, the stack file gets the
    digest of then. Raises NothingTouched if there is no such release, or its images are nowhere.
    """
    release, text = chosen(site, wanted, service, pair, keep_secrets)
    before = site.file.read_text("utf-8")
    set_since = stack_file.secrets_that_differ(text, before)
    then = site_of(site, f"release {release.number}", text)
    every = places_of(then.layout)
    places = [place for place in every if _is_meant(place, service, pair)]
    say(f"back to release {release.number} of {release.at} ({_tags(release, places)})")
    digests = {
        place: release.images[name_of(place)].get("digest", "")
        for place in places
        if name_of(place) in release.images
    }
    pins = _pins(then, release.number, {p: (every[p], d) for p, d in digests.items() if d})
    for place, digest in pins.items():
        say(f"{name_of(place)}: its tag is another image now, so {digest[:19]} is pinned")
    why = how.message or _why(release, service, pair)
    meant = [i for place in places for i in every[place]]
    scope = EVERYTHING if service is None else Scope(frozenset(i.key for i in meant))
    try:
        changes.apply(site, with_pins(text, pins), replace(how, message=why, scope=scope))
    except ExctlError as failure:
        if not set_since or not _is_of_secrets(failure, text, before):
            raise
        raise failure.and_then(
            f"Set since release {release.number}: {', '.join(set_since)}. To restore everything"
            f" but the secrets: exctl rollback"
            f" {release.number} --keep-secrets --stack {site.stack}"
        ) from None
    _check(open_site(site.stack), release, digests)


def _is_of_secrets(failure: ExctlError, text: str, before: str) -> bool:
    """Whether a rollback to `text` may have failed for its secrets' sake."""
    match failure:
        case PreflightStops():
            return bool(LOGINS & set(failure.checks))
        case NothingTouched():
            return stack_file.key_of(text) != stack_file.key_of(before)
    return isinstance(failure, FailedRun)


def _why(release: store.Release, service: str | None, pair: str | None) -> str:
    what = " ".join(["of", service, *(["pair", pair] if pair else []), ""]) if service else ""
    return f"rollback {what}to release {release.number}"


def chosen(
    site: Site,
    wanted: str | None,
    service: str | None,
    pair: str | None,
    keep_secrets: bool = False,
) -> tuple[store.Release, str]:
    """The release, and the stack file's text with what is wanted of it.

    Without a number: the last release whose settings differ from the stack file, with what is
    stopped now: who takes a version back wants no instance stopped or started with it.
    """
    now = site.file.read_text("utf-8")

    def wanted_of(release: store.Release) -> str:
        if service is None and not keep_secrets:
            return release.stack_file
        return restored(now, release, service, pair)

    if wanted is not None:
        release = store.find(site, wanted)
        return release, wanted_of(release)
    settings = yaml_text.read(now)
    for number in reversed(store.numbers(site)):
        release = store.read(site, number)
        text = with_stopped_of(wanted_of(release), now)
        if yaml_text.read(text) != settings:
            return release, text
    what = f"pair {pair} of excp" if pair else service or "everything"
    but = ", but the secrets," if keep_secrets else ""
    raise NothingTouched(
        f"{what}{but} is the same in every release as in the stack file; to see the releases:"
        f" exctl releases."
    )


def with_stopped_of(text: str, now: str) -> str:
    """The text, with the instances stopped that are stopped in the other."""
    stopped = stack_file.value_in(now, ("stopped",))
    if stopped == stack_file.value_in(text, ("stopped",)):
        return text
    return stack_file.edited(text, ("stopped",), stopped)


def restored(now: str, release: store.Release, service: str | None, pair: str | None) -> str:
    """The stack file's text `now` with one service's section, or all, as it was in the release;
    secrets stay. Of excp, each pair that is in both.

    Raises NothingTouched if the release, or the stack file, hasn't that section.
    """
    if service is None:
        return stack_file.with_secrets_of(release.stack_file, now)
    there, here = (_sections(text, service, pair) for text in (release.stack_file, now))
    both = [place for place in there if place in here]
    if not both:
        what = f"pair {pair} of excp" if pair else service
        raise NothingTouched(
            f"{what} isn't both in the stack file and in release {release.number}, so it can't"
            f" be rolled back alone."
        )
    for place in both:
        if value_in(now, place) != value_in(release.stack_file, place):
            now = stack_file.edited(now, place, stack_file.section_of(release.stack_file, place))
    return now


def _sections(text: str, service: str, pair: str | None) -> list[Setting]:
    if service != "excp":
        return [(service,)] if value_in(text, (service,)) is not None else []
    pairs = value_in(text, ("excp", "pairs")) or {}
    return [("excp", "pairs", str(number)) for number in pairs if pair in (None, str(number))]


def _is_meant(place: Setting, service: str | None, pair: str | None) -> bool:
    return service in (None, place[0]) and (pair is None or place[-1] == pair)


def _tags(release: store.Release, places: Sequence[Setting]) -> str:
    names = [name_of(place) for place in places if name_of(place) in release.images]
    return ", ".join(f"{name} {release.images[name]['tag']}" for name in names)


def _pins(
    then: Site, number: int, meant: Mapping[Setting, tuple[list[Instance], str]]
) -> dict[Setting, str]:
    """The places to pin. Raises NothingTouched if an image can't be had any more."""
    found = look(then, then.layout.hosts)
    registry = _registry(then)
    pins: dict[Setting, str] = {}
    lost: list[str] = []
    for place, (instances, digest) in meant.items():
        in_registry = _in_registry(registry, instances[0], digest)
        on_hosts = [
            _on_host(instance, digest, images)
            for instance in instances
            # A host that can't be asked stops the preview, with better words.
            if isinstance(images := found[instance.host], list)
        ]
        if missing := out_of_reach(on_hosts, in_registry):
            where = "not in the registry" if in_registry.is_known else "the registry isn't asked"
            if not then.config.registry.is_used:
                where = "there is no registry"
            lost.append(f"  {name_of(place)} {digest}: not on {', '.join(missing)}; {where}")
        elif instances[0].digest is None and is_pin_needed(digest, on_hosts, in_registry):
            pins[place] = digest
    if lost:
        raise NothingTouched(
            "\n".join(
                [
                    f"the images of release {number} aren't all available:",
                    *lost,
                    "Restore them: exctl images load from the archive, or exctl images recover"
                    " from a host that has them; without a registry, exctl images push.",
                ]
            )
        )
    return pins


def _registry(site: Site) -> RegistryClient | None:
    """The registry if there is one and it answers; a rollback doesn't need it."""
    if not site.config.registry.is_used:
        return None
    try:
        found = registry_of(site)
        with registry_errors():
            found.tags(image_named(site.config, "excs"))
    except ExctlError as error:
        say(f"the registry isn't asked: {error}")
        return None
    return found


def _in_registry(registry: RegistryClient | None, instance: Instance, digest: str) -> InRegistry:
    if registry is None:
        return InRegistry(False)
    image = ImageReference.parse(instance.place)
    with registry_errors():
        by_tag = registry.digest(image.with_tag(instance.tag))
        has_wanted = by_tag == digest or registry.digest(image.with_digest(digest)) is not None
    return InRegistry(True, by_tag, has_wanted)


def _on_host(instance: Instance, digest: str, images: Sequence[HostImage]) -> OnHost:
    """What the host knows of it; an image's id names it too, where there is no registry."""
    place = ImageReference.parse(instance.place)
    tagged = next((i for i in images if place.with_tag(instance.tag) in i.named), None)
    by_tag = tagged.known_as if tagged is not None else None
    has_wanted = any(
        digest == image.id or place.with_digest(digest) in image.named for image in images
    )
    return OnHost(instance.host, by_tag, has_wanted)


def _check(site: Site, release: store.Release, digests: Mapping[Setting, str]) -> None:
    """Raises ExctlError if another image runs than did then."""
    now = deployment.outputs_of(site).get("release") or {}
    for place, digest in digests.items():
        found = (now.get(name_of(place)) or {}).get("digest")
        if found != digest:
            raise ExctlError(
                f"{name_of(place)} runs {found}, but release {release.number} had {digest}: the tag"
                " was pushed over in the middle of this rollback. Everything else is as in the"
                " release; roll back once more."
            )
