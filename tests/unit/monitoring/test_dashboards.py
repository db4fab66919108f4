"""The dashboards: panels that fit, queries of what there is, JSON as Grafana imports it."""

from __future__ import annotations

import json
import re

import pytest

from monitoring import dashboards
from monitoring.alerts import RECORDED
from monitoring.dashboards import DASHBOARDS, Dashboard, Kind, queries
from monitoring.metrics import BY_NAME

COLUMNS = 24
each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.uid)


@each_dashboard
def test_every_query_is_of_metrics_and_rules_that_there_are(dashboard: Dashboard) -> None:
    for query in queries(dashboard, "dev"):
        names = set(re.findall(r"[a-z_]+:[a-z_]+:\w+|\bexec_\w+", query))
        assert names <= BY_NAME.keys() | RECORDED.keys(), query


@each_dashboard
def test_each_row_is_filled(dashboard: Dashboard) -> None:
    used = 0
    for panel in dashboard.panels:
        used += panel.width
        assert used <= COLUMNS, panel.title
        used %= COLUMNS
    assert used == 0


@each_dashboard
def test_a_stacks_dashboard_asks_for_the_chosen_stack_alone(dashboard: Dashboard) -> None:
    for panel in dashboard.panels:
        for query in panel.queries:
            assert ("$stack" in query.expression) == dashboard.is_of_a_stack, panel.title


@each_dashboard
def test_the_json_has_every_panel_with_its_queries(dashboard: Dashboard) -> None:
    made = json.loads(dashboards.files()[f"dashboards/{dashboard.uid}.json"])
    assert made["uid"] == dashboard.uid
    assert [panel["title"] for panel in made["panels"]] == [p.title for p in dashboard.panels]
    expressions = [t["expr"] for panel in made["panels"] for t in panel["targets"]]
    assert expressions == [q.expression for p in dashboard.panels for q in p.queries]
    variables = [variable["name"] for variable in made["templating"]["list"]]
    assert variables == ["source", *(["stack"] if dashboard.is_of_a_stack else [])]


def test_a_strip_shows_only_what_is_one_or_zero() -> None:
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            if panel.kind is Kind.STATES:
                (query,) = panel.queries
                assert re.search(r"exec_\w*(up|complete)\b", query.expression)
