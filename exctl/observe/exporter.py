"""The stacks that `exctl exporter` watches: their files are looked at again and again, so that a
new stack or a changed one needs no restart."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from exctl.errors import ExctlError
from exctl.observe import drift, preflight_record
from exctl.pulumi import lock
from exctl.releases import store
from exctl.site import Site, StackPlace, site_at, stacks_of
from hosts.shell import end_all
from monitoring.exporter.watch import Intervals, Source, StackWatch
from monitoring.seen import DriftSeen, RecordsSeen, StackSeen
from stack.ssh import make_control_directory
from stack.text import parse_time

LOOK_SECONDS = 5.0
DRIFT_KINDS: tuple[drift.Kind, ...] = ("host changed", "not yet deployed", "unknown")


def source_of(site: Site) -> Source:
    """What a watch needs to know of a stack, and the readers of this clone's records."""
    return Source(site.stack, site.config, site.layout, _records_of(site), lambda: _drift(site))


class StacksWatch:
    """Watches the stacks named, or all of the project's where none is."""

    def __init__(
        self,
        project: Path,
        names: Sequence[str],
        intervals: Intervals,
        source_of: Callable[[Site], Source] = source_of,
    ) -> None:
        self._project, self._names, self._intervals = project, names, intervals
        self._source_of = source_of
        self._watches: dict[str, StackWatch] = {}
        self._texts: dict[str, bytes | None] = {}
        make_control_directory()

    def seen(self) -> list[StackSeen]:
        """What is known of every stack now; called by the threads that serve it."""
        return [watch.seen for watch in list(self._watches.values())]

    def unreadable(self) -> list[str]:
        """The stacks that can't be watched: their files have had a mistake from the beginning."""
        return [stack for stack in list(self._texts) if stack not in self._watches]

    def run(self) -> None:
        """Looks at the stack files until it is interrupted."""
        try:
            while True:
                self.look()
                time.sleep(LOOK_SECONDS)
        finally:
            for watch in self._watches.values():
                watch.stop()
            end_all()

    def look(self) -> None:
        """Begins to watch new stacks, goes on with changed ones as their files say now, and ends
        with those whose file is gone."""
        wanted = [s for s in stacks_of(self._project) if not self._names or s in self._names]
        for stack in self._texts.keys() - set(wanted):
            self._texts.pop(stack)
            if (watch := self._watches.pop(stack, None)) is not None:
                watch.stop()
        for stack in wanted:
            place = StackPlace(self._project, stack)
            text = _text(place.file)
            if stack not in self._texts or text != self._texts[stack]:
                self._texts[stack] = text
                self._renew(place)

    def _renew(self, place: StackPlace) -> None:
        before = self._watches.get(place.stack)
        try:
            site = site_at(place, place.file)
        except ExctlError as error:
            _say(f"{place.stack} isn't watched as its file says: {error}")
            if before is not None:
                before.mark_readable(False)
            return
        if before is not None:
            before.stop()
        self._watches[place.stack] = StackWatch(self._source_of(site), self._intervals, _say)
        _say(f"watching {place.stack}: {len(site.layout.instances)} instances")


def _records_of(site: Site) -> Callable[[], RecordsSeen]:
    known: dict[int, float | None] = {}

    def read() -> RecordsSeen:
        number = next(reversed(store.numbers(site)), None)
        if number is not None and number not in known:
            known.clear()
            known[number] = _released_at(site, number)
        preflight = preflight_record.read(site)
        return RecordsSeen(
            release=number,
            released_at=None if number is None else known[number],
            is_deploying=lock.run_under_way(site) is not None,
            preflight_at=None if preflight is None else preflight.at,
            preflight={} if preflight is None else preflight.counts,
        )

    return read


def _released_at(site: Site, number: int) -> float | None:
    with contextlib.suppress(ExctlError):
        at = parse_time(store.read(site, number).at)
        return at.timestamp() if at is not None else None
    return None


def _drift(site: Site) -> DriftSeen | None:
    """None while nothing was deployed: then all of it would be a difference."""
    if not store.numbers(site):
        return None
    found = Counter(each.kind for each in drift.look(site))
    return DriftSeen(time.time(), {kind: found[kind] for kind in DRIFT_KINDS})


def _text(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _say(text: str) -> None:
    print(f"exctl exporter: {text}", file=sys.stderr, flush=True)
