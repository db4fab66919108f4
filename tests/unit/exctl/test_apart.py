"""What the run for what goes with EXEC may touch, where a host of it doesn't answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from exctl.pulumi.state import State
from exctl.runs import apart
from exctl.runs.scope import APART
from monitoring.placement import placement
from monitoring.program import Placement
from tests.unit.exctl.sites import make_site

SILENT, OTHER, GONE = "10.77.0.103", "10.77.0.104", "10.77.0.99"


def row(name: str, host: str) -> dict[str, Any]:
    """A container of what is placed, as the state has it."""
    component = "urn:pulumi:dev::exec::exec:components:Monitoring"
    return {
        "urn": f"{component}$docker:index/container:Container::{name}",
        "type": "docker:index/container:Container",
        "provider": f"{component}$pulumi:providers:docker::monitoring-on-{host}::u",
    }


def placed() -> Placement:
    site = make_site(
        logging__shipping={"url": "http://loki:3100/p"},
        registry__infra_repository="registry.example.com/infra",
    )
    found = placement(site.config, site.layout, site.stack)
    assert found is not None
    return found


KNOWN = State(
    3,
    {
        "resources": [
            row(f"monitoring-alloy-{SILENT}", SILENT),
            row(f"monitoring-alloy-{OTHER}", OTHER),
            row(f"monitoring-alloy-{GONE}", GONE),
        ]
    },
)


def named(silent: set[str], known: State = KNOWN) -> set[str]:
    return {each.removeprefix("**::") for each in apart.targets(placed(), known, silent)}


def test_where_every_host_answers_all_of_it_is_touched() -> None:
    assert apart.targets(placed(), KNOWN, ()) == list(APART)


def test_nothing_of_a_host_that_doesnt_answer_is_touched() -> None:
    found = named({SILENT})
    assert not [name for name in found if SILENT in name]
    for role in ("", "-image", "-data", "-settings"):
        assert f"monitoring-alloy-{OTHER}{role}" in found
    assert {"monitoring", f"monitoring-on-{OTHER}", APART[1]} <= found


def test_what_is_new_is_touched_and_what_the_stack_file_has_no_longer_is_removed() -> None:
    assert "monitoring-alloy-10.77.0.101" in named({SILENT}, State(3, {"resources": []}))
    assert f"monitoring-alloy-{GONE}" in named({SILENT})
    assert not [name for name in named({GONE}) if GONE in name]


def test_a_host_whose_name_begins_with_anothers_is_another() -> None:
    programs = tuple(
        replace(program, host=host)
        for program, host in zip(placed().programs, ("exec", "exec-2", "a", "b"), strict=True)
    )
    found = apart.targets(replace(placed(), programs=programs), State(3, {}), {"exec"})
    assert "**::monitoring-alloy-exec-2-image" in found
    assert "**::monitoring-alloy-exec-image" not in found
