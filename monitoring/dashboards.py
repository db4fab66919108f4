"""Grafana's dashboards: of one stack, and of all. The panels are data, so that every query can be
asked of a real Prometheus; grafana-foundation-sdk makes Grafana's JSON of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
)

from monitoring.dashboards_tags import run_tags

SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
GRAFANA = DataSourceRef(type_val="grafana", uid="-- Grafana --")
"""Grafana's own store of annotations."""
HEIGHT = 7
RED, GREEN = "red", "green"


class Kind(StrEnum):
    STATES = "states"
    """A strip for each series: what is 1 is green, what is 0 red."""
    LINES = "lines"
    NUMBERS = "numbers"


@dataclass(frozen=True)
class Query:
    expression: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """One panel: what it asks, how wide it is of 24 columns, and from which value on it is good,
    where that can be said."""

    title: str
    kind: Kind
    queries: tuple[Query, ...]
    width: int = 12
    unit: str = "short"
    good_from: float | None = None


@dataclass(frozen=True)
class Dashboard:
    uid: str
    title: str
    panels: tuple[Panel, ...]
    is_of_a_stack: bool


STACK = Dashboard(
    "exec-stack",
    "EX Engage Connector: a stack",
    (
        Panel(
            "Instances",
            Kind.STATES,
            (Query('exec_instance_up{stack="$stack"}', "{{instance}}"),),
            18,
        ),
        Panel(
            "Instances of each pair that serve",
            Kind.NUMBERS,
            (Query('exec_pair_serving_instances{stack="$stack"}', "pair {{pair}}"),),
            6,
            good_from=2,
        ),
        Panel(
            "Sync: objects processed, and known",
            Kind.LINES,
            (
                Query('exec_sync_processed_hwm{stack="$stack"}', "processed"),
                Query('exec_sync_latest_hwm{stack="$stack"}', "known"),
            ),
        ),
        Panel(
            "Sync: objects to go, and a second",
            Kind.LINES,
            (
                Query('exec_sync_lag_objects{stack="$stack"}', "to go"),
                Query('stack:exec_sync_processed_hwm:rate5m{stack="$stack"}', "a second"),
            ),
        ),
        Panel(
            "Time of an answer on /health",
            Kind.LINES,
            (Query('exec_instance_answer_seconds{stack="$stack"}', "{{instance}}"),),
            unit="s",
        ),
        Panel(
            "Dependencies, as the services say",
            Kind.STATES,
            (Query('min by (dependency) (exec_dependency_up{stack="$stack"})', "{{dependency}}"),),
        ),
        Panel(
            "Restarts by Docker in an hour",
            Kind.LINES,
            (Query('increase(exec_container_restarts_total{stack="$stack"}[1h])', "{{instance}}"),),
        ),
        Panel(
            "Alerts that fire",
            Kind.NUMBERS,
            (
                Query(
                    'count(ALERTS{stack="$stack", alertstate="firing", severity!="none"})'
                    " or vector(0)",
                    "alerts",
                ),
            ),
            6,
        ),
        Panel(
            "Release, and changes on hosts",
            Kind.NUMBERS,
            (
                Query('exec_release_info{stack="$stack"}', "release {{release}}"),
                Query('exec_drift_differences{stack="$stack", kind="host changed"}', "changed"),
            ),
            6,
        ),
        Panel(
            "Disk that is free",
            Kind.LINES,
            (
                Query(
                    'exec_host_disk_free_bytes{stack="$stack"}'
                    ' / exec_host_disk_size_bytes{stack="$stack"}',
                    "{{host}} {{path}}",
                ),
            ),
            unit="percentunit",
        ),
        Panel(
            "Clocks, ahead of the exporter's",
            Kind.LINES,
            (Query('exec_host_clock_offset_seconds{stack="$stack"}', "{{host}}"),),
            unit="s",
        ),
        Panel(
            "Certificates expire in",
            Kind.NUMBERS,
            (
                Query(
                    "min by (endpoint)"
                    ' (exec_certificate_expiry_timestamp_seconds{stack="$stack"}) - time()',
                    "{{endpoint}}",
                ),
            ),
            24,
            unit="s",
            good_from=14 * 86400,
        ),
    ),
    is_of_a_stack=True,
)
FLEET = Dashboard(
    "exec-fleet",
    "EX Engage Connector: the fleet",
    (
        Panel(
            "Instances that serve",
            Kind.NUMBERS,
            (Query("stack:exec_instance_up:ratio", "{{stack}}"),),
            24,
            unit="percentunit",
            good_from=1,
        ),
        Panel(
            "Instances that serve, over time",
            Kind.LINES,
            (Query("stack:exec_instance_up:ratio", "{{stack}}"),),
            unit="percentunit",
        ),
        Panel(
            "Pairs that served in the last day",
            Kind.LINES,
            (Query("stack_pair:exec_pair_available:ratio1d", "{{stack}}, pair {{pair}}"),),
            unit="percentunit",
        ),
        Panel(
            "Sync: objects to go",
            Kind.LINES,
            (Query("exec_sync_lag_objects", "{{stack}}"),),
        ),
        Panel(
            "Sync complete",
            Kind.STATES,
            (Query("exec_sync_complete", "{{stack}}"),),
        ),
        Panel(
            "Hosts that answer over SSH",
            Kind.STATES,
            (Query("min by (stack) (exec_host_up)", "{{stack}}"),),
        ),
        Panel(
            "Releases",
            Kind.NUMBERS,
            (Query("exec_release_info", "{{stack}}: {{release}}"),),
        ),
        Panel(
            "Runs of exctl under way",
            Kind.NUMBERS,
            (Query("sum(exec_deployment_in_progress)", "runs"),),
            6,
        ),
        Panel(
            "Changes by hand on hosts",
            Kind.NUMBERS,
            (Query('sum by (stack) (exec_drift_differences{kind="host changed"})', "{{stack}}"),),
            18,
        ),
    ),
    is_of_a_stack=False,
)
DASHBOARDS = (STACK, FLEET)
RELEASES = 'changes(exec_release_timestamp_seconds{stack="$stack"}[1m]) > 0'
"""True at each new release: an annotation of the stack's dashboard."""


def files() -> dict[str, str]:
    """Path → JSON, as Grafana imports it; it asks for the Prometheus to use."""
    return {f"dashboards/{each.uid}.json": _json(each) for each in DASHBOARDS}


def _json(wanted: Dashboard) -> str:
    made = (
        board.Dashboard(wanted.title)
        .uid(wanted.uid)
        .tags(["exec"])
        .time("now-6h", "now")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(board.DatasourceVariable("source").label("Prometheus").type("prometheus"))
    )
    if wanted.is_of_a_stack:
        stacks = board.QueryVariable("stack").label("Stack").datasource(SOURCE)
        made = made.with_variable(stacks.query("label_values(exec_stack_info, stack)"))
        releases = board.AnnotationQuery().name("Releases").datasource(SOURCE).enable(True)
        made = made.annotation(releases.icon_color("blue").expr(RELEASES)).annotation(_runs())
    for panel in wanted.panels:
        made = made.with_panel(_panel(panel))
    return JSONEncoder(sort_keys=True, indent=2).encode(made.build()) + "\n"


def _runs() -> board.AnnotationQuery:
    """The marks that runs of exctl leave in Grafana."""
    wanted = board.AnnotationTarget().type("tags").limit(100).match_any(False)
    marks = board.AnnotationQuery().name("Runs").datasource(GRAFANA).enable(True)
    return marks.icon_color("orange").target(wanted.tags(run_tags("$stack")))


def _panel(panel: Panel) -> timeseries.Panel | statetimeline.Panel | stat.Panel:
    made: timeseries.Panel | statetimeline.Panel | stat.Panel
    match panel.kind:
        case Kind.STATES:
            made = statetimeline.Panel().thresholds(_from(1)).color_scheme(_by_threshold())
        case Kind.NUMBERS:
            made = stat.Panel().color_scheme(_by_threshold())
            made = made.thresholds(_from(panel.good_from))
        case Kind.LINES:
            made = timeseries.Panel()
    made = made.title(panel.title).datasource(SOURCE).unit(panel.unit)
    made = made.span(panel.width).height(HEIGHT)
    for number, query in enumerate(panel.queries):
        target = prometheus.Dataquery().expr(query.expression).legend_format(query.legend)
        made = made.with_target(target.ref_id(chr(ord("A") + number)))
    return made


def _by_threshold() -> board.FieldColor:
    return board.FieldColor().mode(FieldColorModeId.THRESHOLDS)


def _from(good: float | None) -> board.ThresholdsConfig:
    """Green from a value on, red below it; always green where nothing is said."""
    steps = [Threshold(value=None, color=GREEN)]
    if good is not None:
        steps = [Threshold(value=None, color=RED), Threshold(value=good, color=GREEN)]
    return board.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def queries(wanted: Dashboard, stack: str) -> Sequence[str]:
    """Every query of a dashboard, as it is asked when a stack is chosen."""
    return [
        query.expression.replace("$stack", stack)
        for panel in wanted.panels
        for query in panel.queries
    ]
