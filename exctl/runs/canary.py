"""A run that pauses once its first instance or pair is healthy, for a person to look at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from exctl.errors import ExctlError, FailedRun, InterruptedRun
from exctl.observe import versions
from exctl.releases import store
from exctl.runs.options import PauseAfter
from exctl.runs.plan import WAIT, Touch
from exctl.site import Site
from exctl.terminal.messages import say
from exctl.terminal.questions import agrees, is_terminal


def first_of(planned: Sequence[Touch], pause_after: PauseAfter | None) -> frozenset[str]:
    """The keys of the instances before the pause; empty if nothing comes after them. Pure.

    EXCS comes before all others: where it is touched, a pause after the first pair is after both.
    """
    touched = [touch for touch in planned if touch.verb not in (WAIT, "remove")]
    if pause_after is None or not touched:
        return frozenset()
    found = touched[:1]
    pairs = [touch.lane for touch in touched if touch.lane.startswith("pair ")]
    if pause_after == "pair" and pairs:
        found = [touch for touch in touched if touch.lane in ("excs", pairs[0])]
    keys = frozenset(touch.instance for touch in found)
    return keys if any(touch.instance not in keys for touch in planned) else frozenset()


def goes_on(
    site: Site, first: Sequence[Touch], later: Sequence[Touch], elsewhere: Sequence[Touch]
) -> bool:
    """Whether the operator wants the rest now; if not, or if nobody is there to be asked, the way
    on and the way back are said."""
    done, rest = (", ".join(touch.instance for touch in each) for each in (first, later))
    say(f"paused: {done} done and healthy; not yet: {rest}")
    if is_terminal() and agrees(f"Go on with {rest}?"):
        return True
    for line in _ways(site, elsewhere):
        say(line)
    say(versions.line(site))
    return False


@contextmanager
def counted(site: Site, first: Sequence[Touch]) -> Iterator[None]:
    """Within, an error of the second part says what the first part has touched as well."""
    keys = tuple(touch.instance for touch in first)
    try:
        yield
    except (FailedRun, InterruptedRun) as error:
        error.begun, error.touched = (*keys, *error.begun), True
        raise
    except ExctlError as error:
        if error.touched is not False:
            raise
        error.touched = None
        raise error.and_then(
            f"{', '.join(keys)} done before that. To go on: exctl up --stack {site.stack}"
        ) from None


def _ways(site: Site, elsewhere: Sequence[Touch]) -> list[str]:
    also = ", ".join(touch.instance for touch in elsewhere)
    onward = f"To go on: exctl up --stack {site.stack}"
    found = [f"{onward} (which also deploys what is pending for {also})" if also else onward]
    good = store.last(site)
    if good is not None and good.stack_file != site.file.read_text("utf-8"):
        found.append(f"To go back: exctl rollback {good.number} --stack {site.stack}")
    return found
