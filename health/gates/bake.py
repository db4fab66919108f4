"""BakeGate: goes on watching an instance for a while after its gates have opened.

What goes wrong only under load, or minutes after the start, is seen here and fails the run like any
other gate: where there is a release to go back to, exctl goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from health.errors import GateCode, GateError
from health.gates.alerts import AlertsUnreadError, FiringAlert
from health.gates.clock import Clock, duration_text
from health.gates.events import Baked, BakeSkipped, Baking, BakingBlind, Report
from health.gates.health import GO_ON, container_lines
from health.verdict import InstancePlace, Verdict, VerdictKind, run_of
from hosts.container import ContainerState

REPORT_INTERVAL_SECONDS = 10.0
ALERTS_INTERVAL_SECONDS = 5.0
_BAD = (VerdictKind.UNHEALTHY, VerdictKind.DOWN, VerdictKind.FOREIGN)

Alerts = Callable[[], Sequence[FiringAlert]]
"""Our alerts that fire now; raises AlertsUnreadError if Prometheus doesn't say."""


@dataclass(frozen=True)
class BakeRule:
    """How long an instance is watched, and by how many bad answers in a row it has failed."""

    instance: str
    host: str
    url: str
    stack: str
    seconds: float
    interval_seconds: float
    in_a_row: int
    pair: str | None = None
    prometheus_url: str | None = None


class _Bake:
    """One watch: since when, how the container was at first, and how many looks were bad."""

    def __init__(self, rule: BakeRule, place: InstancePlace, clock: Clock, report: Report) -> None:
        self.rule, self.place, self.clock, self.report = rule, place, clock, report
        self.began = self.reported_at = clock.seconds()
        self.asked_at: float | None = None
        self.first: ContainerState | None = None
        self.bad_in_a_row = 0
        self._is_blind = False

    def waited_seconds(self) -> float:
        return self.clock.seconds() - self.began

    def look(self) -> None:
        """Raises GateError if what it sees can't be a passing trouble."""
        verdict = self.place.look()
        state = verdict.state
        if state.is_known and self.first is None:
            self.first = state
        if self.first is not None and state.is_known and run_of(state) != run_of(self.first):
            raise self._failed(f"did not last: its container is {state}")
        self.bad_in_a_row = self.bad_in_a_row + 1 if _is_bad(verdict) else 0
        if self.bad_in_a_row >= self.rule.in_a_row:
            raise self._failed(f"did not stay healthy: {verdict}")

    def ask_for_alerts(self, alerts: Alerts) -> None:
        now = self.clock.seconds()
        if self.asked_at is not None and now - self.asked_at < ALERTS_INTERVAL_SECONDS:
            return
        self.asked_at = now
        try:
            firing = alerts()
        except AlertsUnreadError as error:
            # Who can't see an alert hasn't seen one: a healthy instance isn't taken back for that.
            if not self._is_blind:
                self.report(BakingBlind(self.rule.instance, str(error)))
            self._is_blind = True
            return
        self._is_blind = False
        if firing:
            found = "; ".join(f"{alert.name}: {alert.summary}" for alert in firing)
            raise self._failed(f"is watched by alerts, and since then fires {found}")

    def tell(self) -> None:
        if self.clock.seconds() - self.reported_at >= REPORT_INTERVAL_SECONDS:
            self.reported_at = self.clock.seconds()
            self.report(Baking(self.rule.instance, self.waited_seconds(), self.rule.seconds))

    def _failed(self, what: str) -> GateError:
        rule, after = self.rule, duration_text(self.waited_seconds())
        whole = duration_text(rule.seconds)
        return GateError(
            GateCode.DID_NOT_LAST,
            rule.instance,
            f"{rule.instance} on {rule.host} {what}. Its gates had passed; this was {after} into"
            f" the {whole} of gate.bake.",
            container_lines(rule.instance, self.place.container),
            [GO_ON],
        )


def watch_until_baked(
    rule: BakeRule,
    place: InstancePlace,
    clock: Clock,
    report: Report,
    alerts: Alerts | None = None,
    is_new: bool = False,
) -> None:
    """Returns once the instance has been well for `seconds`; `place` names its very container.

    `is_new`: no earlier run has had this gate, so the container may be older than this run: one
    that has run that long already is not watched again.

    Raises GateError when Docker restarts the container, when it is not well in several looks in a
    row, or when an alert of ours begins to fire for it. A host that can't be asked is no bad sign
    while the instance answers 200.
    """
    if is_new and (started := place.container.state().started_at) is not None:
        age_seconds = (datetime.now(UTC) - started).total_seconds()
        if age_seconds >= rule.seconds:
            report(BakeSkipped(rule.instance, "has run that long already"))
            return
    bake = _Bake(rule, place, clock, report)
    while True:
        bake.look()
        if alerts is not None:
            bake.ask_for_alerts(alerts)
        if bake.waited_seconds() >= rule.seconds and not bake.bad_in_a_row:
            report(Baked(rule.instance, bake.waited_seconds()))
            return
        bake.tell()
        clock.sleep(rule.interval_seconds)


def _is_bad(verdict: Verdict) -> bool:
    """A 200 from a container that can't be seen is no bad sign; no answer at all is one."""
    return verdict.kind in _BAD or not verdict.answer.is_ok
