"""Commands that edit the stack file and bring the hosts to it: stop, start, update; and what is
done when that fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NoReturn

from config_schema import tag_problem
from exctl import files
from exctl.cli.usage import same_command
from exctl.errors import (
    ExctlError,
    FailedRun,
    Interrupted,
    InterruptedRun,
    NothingTouched,
    RolledBack,
)
from exctl.images import prune
from exctl.observe import versions
from exctl.releases import pins, store
from exctl.rundir import run_directory
from exctl.runs import deployment, hooks
from exctl.runs.options import Outcome, RunOptions
from exctl.runs.scope import EVERYTHING, Scope
from exctl.runs.selection import stopped_entries, stopped_keys, tag_places
from exctl.site import Site, open_site
from exctl.stackfile import stack_file
from exctl.terminal.messages import report, say
from stack.layout import Instance

Up = Callable[[Site, RunOptions, str | None], Outcome]
"""A run: brings the hosts to the stack file, or to the text of one."""
GOING_BACK = RunOptions(
    yes=True,
    message="rolled back automatically",
    preflight=False,
    bake=False,
    is_way_back=True,
)
"""Without preflight and bake: what ran before is what there is to go back to, whatever they say."""


def stop(site: Site, chosen: Sequence[Instance], how: RunOptions) -> None:
    """Take the containers of these instances away; all else of them stays."""
    # What is taken away needs nothing of its host; a site in trouble is where it's wanted.
    how = replace(how, preflight=False, scope=scope_of(site, chosen))
    _set_stopped(site, stopped_keys(site.layout) | {i.key for i in chosen}, how)


def start(site: Site, chosen: Sequence[Instance], how: RunOptions) -> None:
    """Give these instances their containers back."""
    keys = stopped_keys(site.layout) - {i.key for i in chosen}
    _set_stopped(site, keys, replace(how, scope=scope_of(site, chosen)))


def _set_stopped(site: Site, keys: set[str], how: RunOptions) -> None:
    entries = stopped_entries(site.layout, keys)
    text = stack_file.edited(site.file.read_text("utf-8"), ("stopped",), entries or None)
    apply(site, text, how)


def update(site: Site, chosen: Sequence[Instance], tag: str, how: RunOptions) -> None:
    """Give these instances another version of their image."""
    text = updated_text(site, chosen, tag)
    apply(site, text, replace(how, scope=scope_of(site, chosen)))


def updated_text(site: Site, chosen: Sequence[Instance], tag: str) -> str:
    """The stack file with another version for these instances."""
    text = site.file.read_text("utf-8")
    for place in tag_places(chosen):
        # A pin left beside another tag would go on running the old image.
        text = pins.without_pins(text, [place[:-1]])
        text = stack_file.edited(text, place, tag)
    return text


def update_words(
    service: str | None,
    pair: str | None,
    tag: str | None,
    example: str = "exctl update excp --tag N",
) -> tuple[str, ...]:
    """The words of `exctl update` that choose what it is about: two that are equal do the same.

    Raises NothingTouched where one is missing, with the example, or the tag can't be one.
    """
    if service is None or tag is None:
        raise NothingTouched(f"name a service and its version: {example}.")
    if problem := tag_problem(tag):
        raise NothingTouched(f"--tag: {problem}.")
    return ("update", service, *(("--pair", pair) if pair else ()), "--tag", tag)


def restart(
    site: Site, chosen: Sequence[Instance], how: RunOptions, up: Up = deployment.up
) -> None:
    """Give these instances new containers of the same release."""
    keys = tuple(i.key for i in chosen if not i.is_stopped)
    if not keys:
        raise NothingTouched("all of that is stopped; use: exctl start.")
    try:
        deploy(site, replace(how, restart=keys, scope=scope_of(site, chosen)), up=up)
    except (FailedRun, InterruptedRun) as cut:
        left = [i for i in chosen if i.key in keys and i.key not in cut.begun]
        if not cut.begun or not left:
            raise
        # `up` resumes what was begun, and takes the others for what they should be.
        raise cut.and_then("\n".join(["Not restarted yet:", *_restarts(site, left)])) from None


def _restarts(site: Site, left: Sequence[Instance]) -> list[str]:
    words = [f"{i.service} --pair {i.pair} --host {i.index}" if i.pair else i.key for i in left]
    return [f"  exctl restart {each} --stack {site.stack}" for each in words]


def scope_of(site: Site, chosen: Sequence[Instance]) -> Scope:
    """What these instances are of the stack: everything, if all of them are named."""
    keys = frozenset(i.key for i in chosen)
    return EVERYTHING if keys >= {i.key for i in site.layout.instances} else Scope(keys)


def apply(site: Site, text: str, how: RunOptions, up: Up = deployment.up) -> None:
    """Bring the hosts to what this text of the stack file says, and write it into the file.

    The file stays as it is until the plan is agreed to, and is put back as it was if the run ended
    before it touched a container, whatever ended it.
    """
    path = site.file
    before = path.read_text("utf-8")
    try:
        deploy(site, how, text, up)
    except ExctlError as error:
        if error.touched is not False or before == text or path.read_text("utf-8") != text:
            raise
        files.write(path, before)
        raise error.and_then(
            f"{path.name} is as it was before this command. To run it again: {same_command()}"
        ) from None


def deploy(site: Site, how: RunOptions, text: str | None = None, up: Up = deployment.up) -> None:
    """`up`, and if a step of it fails, back to the last release: FailedRun if there is none, if it
    isn't wanted, or if the way back fails too; RolledBack otherwise. With the site's hooks."""
    with hooks.reporting_failure(site, how):
        outcome = _deployed(site, how, text, up)
    hooks.after(site, how, outcome)


def _deployed(site: Site, how: RunOptions, text: str | None, up: Up) -> Outcome:
    good = store.last(site)
    _refuse_left_pins(site, good, text)
    before = site.file.read_text("utf-8")
    try:
        outcome = up(site, how, text)
    except FailedRun as failure:
        if not failure.is_of_a_step:
            raise
        wanted = site.file.read_text("utf-8")
        if text is not None and not failure.touched:
            raise  # `apply` puts the file back: nothing is left to go on with
        if good is None or good.stack_file == wanted or how.stay or not failure.touched:
            ways = _ways_on(site, good, wanted, ", once the cause is fixed")
            raise failure.and_then(ways) from None
        # A command about some instances takes back what it has done, and nothing that was pending.
        to = good.stack_file if how.scope.is_whole or text is None else before
        _go_back(site, good, to, how.scope, failure, up)
    except InterruptedRun as cut:
        if text is not None and not cut.touched:
            raise
        raise cut.and_then(_ways_on(site, good, site.file.read_text("utf-8"))) from None
    if good is not None and store.numbers(site)[-1] != good.number:
        prune.after_release(open_site(site.stack))
    return outcome


def _refuse_left_pins(site: Site, good: store.Release | None, text: str | None) -> None:
    """Raises NothingTouched where a tag was changed by hand, and the old image stays pinned."""
    if good is None:
        return
    now = site.file.read_text("utf-8") if text is None else text
    if left := pins.left_behind(good.stack_file, now, pins.places_of(site.layout)):
        names = ", ".join(".".join(place) for place in left)
        raise NothingTouched(
            f"{names}: the tag was changed, but `digest` still pins the old image. Remove the"
            f" line `digest`, or use: exctl update."
        )


def _ways_on(site: Site, good: store.Release | None, wanted: str, when: str = "") -> str:
    """The command to go on and the command to go back, for the last lines of a failure."""
    onward = f"To resume{when}: exctl up --stack {site.stack}."
    if good is None:
        return f"{onward} There is no release yet to go back to."
    if good.stack_file == wanted:
        return (
            f"{onward} The stack file is that of release {good.number}, the last that ran: going"
            " back to it is the same command."
        )
    return (
        f"{onward} {site.file.name} is what was to be deployed, not release {good.number}, the last"
        f" that ran. To go back: exctl rollback {good.number} --stack {site.stack}"
    )


def _go_back(
    site: Site, good: store.Release, to: str, scope: Scope, failure: FailedRun, up: Up
) -> NoReturn:
    """The text `to` in the stack file and on the hosts again: raises RolledBack, or FailedRun.

    Why it failed is said at length in the last words, and until then in one line.
    """
    path = site.file
    failed = run_directory(site.project) / f"{path.name}.failed"
    files.write(failed, path.read_text("utf-8"))
    files.write(path, to)
    kept = f"The stack file that failed is in {failed.relative_to(site.project)}."
    report("rolling_back", release=good.number, reason=failure.reason)
    summary = failure.reason.splitlines()[0]
    say(f"\n{summary}\n\nrolling back to release {good.number} ({good.tags})")
    try:
        up(open_site(site.stack), replace(GOING_BACK, scope=scope), None)
    except Interrupted as cut:
        raise Interrupted(
            f"while rolling back to release {good.number}: {cut}\nIt was rolling back because:\n\n"
            f"{failure.reason}\n\nThe stack file is that of the release: exctl up --stack"
            f" {site.stack} goes on rolling back. {kept}",
            touched=True,
            running=cut.running or failure.running,
        ) from None
    except ExctlError as second:
        is_same = isinstance(second, FailedRun) and second.reason == failure.reason
        first = "as the first time" if is_same else f"because:\n\n{failure.reason}"
        raise FailedRun(
            f"rolling back to release {good.number} failed as well:\n{second}\n\nThe stack file is"
            f" that of the release again. {kept} It failed first {first}\n\nTo try the rollback"
            f" again: exctl up --stack {site.stack}",
            running=second.running or failure.running,
        ) from None
    now = open_site(site.stack)
    raise RolledBack(
        f"rolled back: release {good.number} runs again ({good.tags}). {kept} It failed because:"
        f"\n\n{failure.reason}",
        running=versions.line(now),
    ) from None
