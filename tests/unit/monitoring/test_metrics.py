"""The catalogue of metrics, and the page that is made from it."""

from __future__ import annotations

import re

from monitoring import pages
from monitoring.metrics import METRICS, MetricType


def test_every_name_follows_the_conventions_of_prometheus() -> None:
    for metric in METRICS:
        assert re.fullmatch(r"exec_[a-z][a-z0-9_]*", metric.name)
        assert metric.name.endswith("_total") == (metric.type is MetricType.COUNTER), metric.name
        if metric.unit in ("seconds", "bytes"):
            assert metric.name.endswith(f"_{metric.unit}"), metric.name
        assert not metric.help.endswith("."), metric.name
        assert len(set(metric.labels)) == len(metric.labels)


def test_no_two_metrics_have_one_name() -> None:
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))


def test_the_tables_of_the_page_are_those_of_the_code() -> None:
    text = pages.PAGE.read_text("utf-8")
    assert text == pages.filled_in(text), "write them again with: python -m monitoring.pages"
    for metric in METRICS:
        assert f"| `{metric.name}` |" in text
