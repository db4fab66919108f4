"""When the run for what goes with EXEC is spared: only where nothing could come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config_schema import Shipping
from exctl.pulumi.state import State
from exctl.runs import watchers_record
from exctl.site import Site
from hosts.container import ContainerState
from hosts.docker import Container
from monitoring.placement import placement
from tests.unit.exctl.sites import make_site
from tests.unit.stack_file import CLONE

APART = "urn:pulumi:dev::exec::exec:components:Monitoring"
CONTAINER = "docker:index/container:Container"


def row(name: str, kind: str = CONTAINER, **more: Any) -> dict[str, Any]:
    return {"urn": f"{APART}${kind}::{name}", "type": kind, "id": f"id-{name}", **more}


KNOWN = State(
    3,
    {
        "resources": [
            row("monitoring-prometheus", modified="2026-11-26T10:00:00Z"),
            row("monitoring-prometheus-settings", "pulumi-python:dynamic:Resource"),
            {"urn": "urn:pulumi:dev::exec::exec:components:Service$x::excs", "type": "x"},
        ]
    },
)
RUNS = Container("id-monitoring-prometheus", "exec-prometheus", "x", ContainerState("running"))


def watched(project: Path, days: int | None = None) -> Site:
    return make_site(
        project=project,
        monitoring__host="watch.example.com",
        registry__infra_repository="registry.example.com/infra",
        logs__retention_days=days,
    )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "Pulumi.dev.yaml").write_text((CLONE / "Pulumi.dev.yaml").read_text())
    return watched(tmp_path)


def is_current(
    site: Site, known: State = KNOWN, on_host: list[Container] | str | None = None
) -> bool:
    placed = placement(site.config, site.layout, site.stack)
    found = [RUNS] if on_host is None else on_host
    return watchers_record.is_current(site, known, placed, lambda _site, _host: found)


def test_a_run_is_spared_after_one_that_ended_well_and_not_after_one_that_began(site: Site) -> None:
    assert not is_current(site)
    watchers_record.keep(site, KNOWN)
    assert is_current(site)
    watchers_record.drop(site)
    assert not is_current(site)


def other_settings(site: Site) -> Site:
    return watched(site.project, days=3)


def other_secret(site: Site) -> Site:
    text = site.file.read_text()
    site.file.write_text(text.replace("config:", "config:\n  exec:grafanaPassword: {secure: v1:x}"))
    return site


def other_program(site: Site) -> Site:
    (site.project / "__main__.py").write_text("pass\n")
    return site


def other_alertmanager(site: Site) -> Site:
    settings = site.config.monitoring.model_copy(
        update={
            "alertmanager": site.config.monitoring.alertmanager.model_copy(
                update={"config_path": "gone.yml"}
            )
        }
    )
    return replace(site, config=site.config.model_copy(update={"monitoring": settings}))


@pytest.mark.parametrize(
    "change", [other_settings, other_secret, other_program, other_alertmanager]
)
def test_whatever_it_is_made_from_counts(site: Site, change: Callable[[Site], Site]) -> None:
    watchers_record.keep(site, KNOWN)
    assert not is_current(change(site))


@pytest.mark.parametrize(
    "changed",
    [
        {"resources": KNOWN.rows[1:]},
        {"resources": [*KNOWN.rows, row("monitoring-grafana")]},
        {"resources": [{**KNOWN.rows[0], "modified": "2026-11-26T11:00:00Z"}, *KNOWN.rows[1:]]},
        {"resources": KNOWN.rows, "pending_operations": [{"type": "creating"}]},
    ],
)
def test_what_another_clone_has_done_to_it_counts(site: Site, changed: dict[str, Any]) -> None:
    watchers_record.keep(site, KNOWN)
    assert not is_current(site, State(3, changed))


def test_a_new_version_of_exec_changes_nothing_of_it(site: Site) -> None:
    watchers_record.keep(site, KNOWN)
    resources = [*KNOWN.rows[:2], {**KNOWN.rows[2], "id": "another", "modified": "later"}]
    assert is_current(site, State(3, {"resources": resources}))


def test_each_host_that_ships_log_files_has_to_run_what_it_is_to(site: Site) -> None:
    logging = site.config.logging.model_copy(
        update={"shipping": Shipping(url="http://loki:3100/loki/api/v1/push")}
    )
    site = replace(site, config=site.config.model_copy(update={"logging": logging}))
    watchers_record.keep(site, KNOWN)
    assert is_current(site)
    more = State(3, {"resources": [*KNOWN.rows, row("monitoring-alloy-10.77.0.101")]})
    watchers_record.keep(site, more)
    assert not is_current(site, more)


@pytest.mark.parametrize(
    "there",
    [
        [],
        [replace(RUNS, id="of-somebody-else")],
        [replace(RUNS, state=ContainerState("exited"))],
        [RUNS, replace(RUNS, id="one-more")],
        "no answer",
    ],
)
def test_what_is_not_exactly_what_runs_is_brought_again(
    site: Site, there: list[Container] | str
) -> None:
    watchers_record.keep(site, KNOWN)
    assert not is_current(site, on_host=there)
