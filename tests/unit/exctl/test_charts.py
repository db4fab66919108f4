"""What a run's record keeps of its course, and the charts that a report draws from it."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from exctl.history.run import Run
from exctl.history.timeline import SAMPLES, Timeline
from exctl.observe.health_past import Past, instances_in, prometheus_of
from exctl.report import charts
from tests.unit.exctl.sites import make_site


def noted(*facts: tuple[float, str, str, str]) -> Timeline:
    found = Timeline()
    for seconds, instance, what, state in facts:
        found.note(seconds, "step", {"instance": instance, "what": what, "state": state})
    return found


ROLLOUT = noted(
    (1, "excs", "image", "begun"),
    (1, "excp-1-1", "image", "begun"),
    (9, "excs", "image", "done"),
    (10, "excp-1-1", "image", "done"),
    (11, "excs", "container", "begun"),
    (12, "excs", "container", "done"),
    (12, "excs", "health", "begun"),
    (20, "excs", "health", "done"),
    (20, "excp-1-1", "container", "begun"),
    (21, "excp-1-1", "container", "done"),
    (21, "excp-1-1", "health", "begun"),
    (80, "excp-1-1", "health", "failed"),
)


def run(result: str = "rolled back", **kept: Any) -> Run:
    begun = {"run": "x", "at": "2026-11-26T07:00:00Z"}
    return Run(7, begun, {"result": result, "seconds": 81.0, **kept})


def texts(svg: str) -> list[str]:
    return [e.text or "" for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("}text")]


def bars(svg: str, style: str) -> list[tuple[float, float]]:
    """Left end and width of the bars of a style, without its place in the legend."""
    tags = re.findall(rf'<rect [^>]*class="{style}"/>', svg)
    found = [
        (re.search(r' x="([\d.]+)"', tag), re.search(r'width="([\d.]+)"', tag)) for tag in tags
    ]
    return [(float(x[1]), float(width[1])) for x, width in found if x and width][1:]


def test_a_replaced_container_is_one_bar_from_the_first_step_to_the_last() -> None:
    found = noted(
        (1, "exas", "container", "begun"),
        (2, "exas", "container", "done"),
        (3, "exas", "container", "begun"),
        (5, "exas", "container", "done"),
    ).as_data()
    assert found == {
        "timeline": [
            {
                "instance": "exas",
                "what": "container",
                "begun_seconds": 1,
                "state": "done",
                "ended_seconds": 5,
            }
        ]
    }


def test_a_long_sync_is_thinned_and_keeps_its_begin_and_its_course() -> None:
    found = Timeline()
    for second in range(2400):
        found.note(second, "syncing", {"latest_hwm": 5000, "processed_hwm": second * 2})
    samples = found.as_data()["sync_progress"]
    assert SAMPLES / 3 < len(samples) <= SAMPLES
    assert samples[0] == [0, 0, 5000]
    assert samples[-1][0] > 2300
    assert samples == sorted(samples)


def test_a_sync_whose_marks_are_unknown_leaves_none() -> None:
    found = Timeline()
    found.note(1, "syncing", {"latest_hwm": None, "processed_hwm": None})
    found.note(1, "healthy", {"instance": "excs", "seconds": 1})
    assert found.as_data() == {}


def test_a_rollout_shows_who_came_when_and_what_failed() -> None:
    svg = charts.rollout(run(**ROLLOUT.as_data()))
    assert svg is not None
    assert "Run 7, 2026-11-26T07:00:00Z: rolled back" in texts(svg)
    assert [t for t in texts(svg) if t.startswith("exc")] == ["excs", "excp-1-1"]
    assert {"failed, 80 s", "20 s"} <= set(texts(svg))
    ((failed_at, failed_width),) = bars(svg, "t-ill")
    ((healthy_at, _),) = bars(svg, "t-healthy")
    assert failed_at > healthy_at
    assert failed_width > 400
    assert 't-sign"><title>until healthy failed</title>' in svg


def test_a_step_that_was_cut_lasts_until_the_last_that_is_known() -> None:
    cut = noted((1, "excs", "container", "begun"), (5, "exas", "image", "begun"))
    found = charts.bars_of(cut.as_data()["timeline"])
    assert found["excs"][0].ended == 5


def test_a_run_that_touched_nothing_or_kept_nothing_has_no_chart() -> None:
    assert charts.rollout(run()) is None
    assert charts.sync(run(sync_progress=[[1, 2, 3]])) is None
    assert charts.rollout(Run(1, {"run": "x", "at": ""})) is None


def test_a_sync_ends_with_what_was_processed_of_what_was_known() -> None:
    svg = charts.sync(run(sync_progress=[[5, 0, 100], [10, 50, 100], [20, 100, 100]]))
    assert svg is not None
    assert {"100", "of 100"} <= set(texts(svg))
    points = re.findall(r'<polyline points="([^"]+)" class="t-processed"', svg)[0].split()
    heights = [float(point.split(",")[1]) for point in points]
    assert heights == sorted(heights, reverse=True)


def test_health_is_green_where_it_served_red_where_not_and_empty_where_unknown() -> None:
    hours = [(3600.0 * n, n != 5) for n in range(1, 11) if n not in (7, 8)]
    svg = charts.health(Past(0, 36000, 3600, {"excs": tuple(hours)}))
    assert svg is not None
    assert {"excs", "87.5%", "now"} <= set(texts(svg))
    ((_, down),) = bars(svg, "t-ill")
    up = bars(svg, "t-healthy")
    assert [round(width / down) for _, width in up] == [4, 1, 2]
    assert charts.health(Past(0, 36000, 3600, {})) is None


def test_what_prometheus_answers_is_read_or_refused() -> None:
    series = {"metric": {"instance": "excs"}, "values": [[1.5, "1"], [2, "0"]]}
    assert instances_in({"data": {"result": [series]}}) == {"excs": ((1.5, True), (2, False))}
    answers: list[Any] = [{}, {"data": None}, [], {"data": {"result": [{}]}}]
    for wrong in answers:
        with pytest.raises(ValueError, match="not an answer"):
            instances_in(wrong)


def test_the_prometheus_is_the_one_that_is_named_or_placed() -> None:
    placed = {"host": "fd00::9", "exporter": "e:9640"}
    site = make_site(monitoring=placed, registry__infra_repository="r.example.com/infra")
    assert prometheus_of(make_site()) is None
    assert prometheus_of(site) == "http://[fd00::9]:9090"
    named = {"seconds": 5, "prometheus_url": "http://p:1"}
    assert prometheus_of(make_site(gate__bake=named)) == "http://p:1"
