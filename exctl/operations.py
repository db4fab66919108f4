"""Commands that edit the stack file and bring the hosts to it: stop, start, update, rollback; and
what is done when that fails."""

from __future__ import annotations

from collections.abc import Sequence

import click

from exctl import releases, runs, stack_file
from exctl.errors import ExctlError, FailedRun, RolledBack
from exctl.how import How
from exctl.selection import stopped_entries, stopped_keys, tag_places
from exctl.site import Site, open_site
from layout import Instance


def stop(site: Site, chosen: Sequence[Instance], how: How) -> None:
    """Take the containers of these instances away; all else of them stays."""
    _set_stopped(site, stopped_keys(site.layout) | {i.key for i in chosen}, how)


def start(site: Site, chosen: Sequence[Instance], how: How) -> None:
    """Give these instances their containers back."""
    _set_stopped(site, stopped_keys(site.layout) - {i.key for i in chosen}, how)


def _set_stopped(site: Site, keys: set[str], how: How) -> None:
    entries = stopped_entries(site.layout, keys)
    text = stack_file.edited(stack_file.path_of(site).read_text(), ("stopped",), entries or None)
    apply(site, text, how)


def update(site: Site, chosen: Sequence[Instance], tag: str, how: How) -> None:
    """Give these instances another version of their image."""
    text = stack_file.path_of(site).read_text()
    for place in tag_places(chosen):
        text = stack_file.edited(text, place, tag)
    apply(site, text, how)


def rollback(site: Site, wanted: str | None, how: How) -> None:
    """Bring a release back: its settings, its secrets, its images."""
    release = releases.find(site, wanted)
    runs.say(f"back to release {release.number} of {release.at} ({release.tags})")
    apply(site, release.stack_file, how)
    _check_digests(open_site(site.stack), release)


def _check_digests(site: Site, release: releases.Release) -> None:
    """Raises ExctlError if a tag leads to another image than it did then."""
    now = runs.outputs_of(site).get("release") or {}
    for name, image in release.images.items():
        found = now.get(name) or {}
        if found.get("digest") != image["digest"]:
            raise ExctlError(
                f"{name} runs {image['tag']} with digest {found.get('digest')}, but release"
                f" {release.number} had {image['digest']}: somebody has pushed another image under"
                " that tag. Everything else is as in the release. Push the image of then under a"
                " tag of its own and name that in the stack file."
            )


def apply(site: Site, text: str, how: How) -> None:
    """Write the stack file and bring the hosts to it.

    As long as nothing was touched, the file is put back as it was: after a mistake in it, a failed
    preview, or a no to the question.
    """
    path = stack_file.path_of(site)
    before = path.read_text()
    stack_file.write(path, text)
    try:
        deploy(open_site(site.stack), how)
    except (FailedRun, RolledBack):
        raise
    except (ExctlError, click.Abort):
        stack_file.write(path, before)
        raise


def deploy(site: Site, how: How) -> None:
    """`up`, and if a step of it fails, back to the last release: FailedRun if there is none, if it
    isn't wanted, or if the way back fails too; RolledBack otherwise."""
    good = releases.last(site)
    try:
        runs.up(site, how)
    except FailedRun as failure:
        path = stack_file.path_of(site)
        text = path.read_text()
        if good is None or good.stack_file == text:
            raise
        if how.stay:
            back = f"exctl rollback {good.number} --stack {site.stack}"
            onward = f"exctl up --stack {site.stack}"
            raise FailedRun(
                f"{failure}\n\nTo go on, once the cause is gone: {onward}. To go back: {back}",
                failure.reason,
            ) from None
        failed = path.with_name(f"{path.name}.failed")
        stack_file.write(failed, text)
        stack_file.write(path, good.stack_file)
        runs.say(f"\n{failure}\n\nrolling back to release {good.number} ({good.tags})")
        try:
            runs.up(open_site(site.stack), How(yes=True, message="rolled back by itself"))
        except ExctlError as second:
            raise FailedRun(
                f"the way back to release {good.number} failed as well:\n{second}\n\n"
                f"The stack file is that of the release again, what failed first is in"
                f" {failed.name}."
            ) from None
        raise RolledBack(
            f"rolled back: release {good.number} runs again ({good.tags}). What was wanted is in"
            f" {failed.name}. It failed because:\n\n{failure.reason}"
        ) from None
