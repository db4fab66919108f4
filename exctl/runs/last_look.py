"""The last look of a run: all are healthy, and those that no gate has waited for stay so."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from exctl.errors import FailedRun
from exctl.observe import versions
from exctl.observe.endpoints import EndpointRow, ask_all, table, unhealthy
from exctl.runs.scope import Scope
from exctl.site import Site
from exctl.terminal import live
from exctl.terminal.messages import say
from health.verdict import SETTLED_SECONDS, VerdictKind, is_young, run_of
from hosts.docker import STACK_LABEL
from stack.layout import Layout

LOOK_INTERVAL_SECONDS = 1.0


@dataclass
class Steadiness:
    """Since when each instance's container is seen in the same run.

    One that was started again in place keeps its id, so that no gate has waited for it: it counts
    as healthy once the start has held. `ungated` are their keys.
    """

    ungated: Collection[str] = ()
    _since: dict[str, tuple[object, float]] = field(default_factory=dict)

    def unsettled(self, rows: Iterable[EndpointRow], now: float) -> list[EndpointRow]:
        """The healthy ones whose start may still fail."""
        found = []
        for row in rows:
            run, since = self._since.get(row.instance, (None, now))
            if run != run_of(row.container):
                since = now
            self._since[row.instance] = (run_of(row.container), since)
            is_fresh = row.instance in self.ungated or row.container.restarts > 0
            is_settled = now - since >= SETTLED_SECONDS or not is_young(row.container)
            if row.is_healthy and is_fresh and not is_settled:
                found.append(row)
        return found


def misses_excs(row: EndpointRow, layout: Layout) -> bool:
    """Whether an instance may say that it isn't well because EXCS is stopped, as is meant."""
    (excs,) = layout.of("excs")
    return excs.is_stopped and row.instance != excs.key and row.verdict is VerdictKind.UNHEALTHY


def last_look(site: Site, scope: Scope, ungated: Collection[str]) -> list[EndpointRow]:
    """What every instance of the scope answers, once all are healthy. Raises FailedRun at the
    gates' deadline."""
    beyond = [i.key for i in site.layout.instances if not scope.covers(i.key)]
    deadline = time.monotonic() + site.config.gate.deadline_seconds
    steadiness = Steadiness(ungated)
    told = ""
    with live.shown("asking every instance"):
        while True:
            rows = ask_all(site, left_out=beyond)
            unwell = unhealthy(rows)
            excused = [row for row in unwell if misses_excs(row, site.layout)]
            ill = [row for row in unwell if row not in excused]
            young = steadiness.unsettled(rows, time.monotonic())
            if left := left_over(rows, site.stack):
                names = ", ".join(f"{row.instance} on {row.host}" for row in left)
                raise FailedRun(
                    f"these are stopped in the stack file, but their containers are still there:"
                    f" {names}. To remove them: exctl up --stack {site.stack}",
                    is_of_a_step=False,
                )
            if not ill and not young:
                if excused:
                    said = ", ".join(f"{row.instance} ({row.answer})" for row in excused)
                    say(f"not waited for, since excs is stopped: {said}")
                return rows
            names = ", ".join(
                [f"{row.instance} ({row.answer})" for row in ill]
                + [f"{row.instance} (restarted a moment ago: it may not last)" for row in young]
            )
            # What settles is healthy: it isn't failed for the deadline's running out meanwhile.
            if ill and time.monotonic() >= deadline:
                raise _failure(site, scope, rows, ill)
            if names != told:
                say(f"waiting for {names}")
                told = names
            time.sleep(LOOK_INTERVAL_SECONDS)


def left_over(rows: Iterable[EndpointRow], stack: str) -> list[EndpointRow]:
    """The instances in `stopped` whose own container is there all the same."""
    return [
        row for row in rows if row.is_stopped and row.container.labels.get(STACK_LABEL) == stack
    ]


def _failure(
    site: Site, scope: Scope, rows: Sequence[EndpointRow], ill: Sequence[EndpointRow]
) -> FailedRun:
    state = "\n".join(table(rows))
    names = ", ".join(f"{row.instance} ({row.answer})" for row in ill)
    service = ill[0].instance.split("-")[0]
    return FailedRun(
        f"everything was deployed as the stack file says, but after"
        f" {site.config.gate.deadline_seconds:g} s this isn't healthy: {names}. No release was"
        f" recorded. Each instance now:\n{state}\nIts log: exctl logs {service} --stack"
        f" {site.stack}. Once the cause is fixed: exctl up --stack {site.stack}",
        is_of_a_step=False,
        running=versions.line(site, scope.left_out),
    )
