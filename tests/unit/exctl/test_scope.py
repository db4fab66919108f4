"""What a run may touch: targets of the named instances, exclusions for hosts that don't answer."""

from __future__ import annotations

import re
from typing import Any

import pytest

from exctl.pulumi.state import State, without_edges, without_host
from exctl.runs.plan import Touch, divided, pending_lines
from exctl.runs.scope import EVERYTHING, Limits, Scope, left_out, limits
from stack.layout import Layout
from tests.unit.exctl.sites import make_site

DEPLOYED = frozenset(
    f"{role}-{key}"
    for key in ("excs", "exas", "excp-1-1", "excp-1-2")
    for role in ("image", "container", "health")
) | {"sync-excs"}


@pytest.fixture
def layout() -> Layout:
    return make_site().layout


def host_of(layout: Layout, key: str) -> str:
    return next(i.host for i in layout.instances if i.key == key)


def matches(found: Limits, name: str) -> bool:
    """Whether the CLI would take a resource of that name. Source: NewUrnTargets of pulumi 3.274."""
    urn = (
        f"urn:pulumi:dev::exec::exec:components:Connector$docker:index/container:Container::{name}"
    )
    patterns = found.target or found.exclude or []
    expressions = (
        ".*".join("[^:]*".join(map(re.escape, part.split("*"))) for part in pattern.split("**"))
        for pattern in patterns
    )
    return any(re.fullmatch(expression, urn) for expression in expressions)


def test_everything_has_no_limits(layout: Layout) -> None:
    assert limits(EVERYTHING, layout, DEPLOYED) == Limits()


def test_a_named_instance_takes_its_own_resources_and_no_others(layout: Layout) -> None:
    found = limits(Scope(frozenset({"excp-1-2"})), layout, DEPLOYED)
    for role in ("image", "guard", "container", "health"):
        assert matches(found, f"{role}-excp-1-2")
        assert not matches(found, f"{role}-excp-1-1")
        assert not matches(found, f"{role}-exas")
    assert not matches(found, "sync-excs")
    assert matches(found, f"provider-{host_of(layout, 'excp-1-2')}")


def test_what_is_deployed_first_takes_every_image_along(layout: Layout) -> None:
    found = limits(Scope(frozenset({"excs"})), layout, frozenset())
    assert matches(found, "image-exas")
    assert matches(found, "container-excs")
    assert not matches(found, "container-exas")


def test_an_instance_that_the_file_no_longer_has_can_still_be_named(layout: Layout) -> None:
    assert matches(limits(Scope(frozenset({"excp-9-1"})), layout, DEPLOYED), "container-excp-9-1")


def test_a_silent_host_is_left_out_of_a_run_of_everything(layout: Layout) -> None:
    silent = {host_of(layout, "excp-1-2"): "can't be reached: no route"}
    out = left_out(layout, silent, DEPLOYED)
    assert set(out) == {"excp-1-2"}
    found = limits(Scope(left_out=out), layout, DEPLOYED)
    assert found.target is None
    assert matches(found, "container-excp-1-2")
    assert not matches(found, "container-excp-1-1")


def test_without_excs_nothing_begins_but_what_has_run_goes_on(layout: Layout) -> None:
    silent = {host_of(layout, "excs"): "can't be reached: no route"}
    assert set(left_out(layout, silent, DEPLOYED)) == {"excs"}
    assert set(left_out(layout, silent, frozenset())) == {i.key for i in layout.instances}


def test_what_is_pending_elsewhere_is_named_and_left() -> None:
    planned = [
        Touch(key, "h", "replace", (), "", lane=key) for key in ("exas", "excp-1-1", "excp-1-2")
    ]
    scope = Scope(frozenset({"excp-1-1", "excp-1-2"}), {"excp-1-2": "h can't be reached"})
    split = divided(planned, scope)
    assert [t.instance for t in split.here] == ["excp-1-1"]
    (line,) = pending_lines(split.elsewhere, scope)
    assert "exas" in line


def row(name: str, host: str = "", **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"urn": f"urn:pulumi:dev::exec::t::{name}", **more}
    if host:
        found["provider"] = f"urn:pulumi:dev::exec::pulumi:providers:docker::provider-{host}::uuid"
    return found


def test_a_forgotten_host_leaves_no_word_of_itself_in_the_state() -> None:
    gone = row("container-excp-1-2", "10.0.0.4")
    other = row(
        "health-excp-1-2",
        dependencies=[gone["urn"], "kept"],
        propertyDependencies={"trigger": [gone["urn"]], "name": None},
    )
    rows = [
        row("provider-10.0.0.4"),
        row("provider-10.0.0.3"),
        gone,
        other,
        row("container-excp-1-1", "10.0.0.3"),
    ]
    pending = [{"resource": gone, "type": "creating"}]
    state = State(3, {"resources": rows, "pending_operations": pending})
    assert state.hosts == {"10.0.0.4": ["excp-1-2"], "10.0.0.3": ["excp-1-1"]}
    left = without_host(state, "10.0.0.4")
    assert left.names == {"provider-10.0.0.3", "health-excp-1-2", "container-excp-1-1"}
    assert "10.0.0.4" not in str(left.deployment)
    assert gone["urn"] not in str(left.deployment)
    assert len(state.rows) == 5


def test_what_a_run_leaves_alone_no_longer_names_what_it_removes() -> None:
    gone = row("health-excp-1-1")
    others = [
        row("excp-1-1", type="exec:components:Service"),
        row("guard-excp-1-2", dependencies=[gone["urn"], "kept"]),
        row("container-excp-1-1", dependencies=[gone["urn"]]),
    ]
    known = State(3, {"resources": [gone, *others]})
    freed = without_edges(known, ["excp-1-1"], lambda key: key == "excp-1-2")
    assert [each.get("dependencies") for each in freed.rows] == [
        None, None, ["kept"], [gone["urn"]]
    ]  # fmt: skip
    assert without_edges(known, [], lambda _: True) is known
    assert without_edges(known, ["excp-1-1"], lambda key: key == "exas") is known
