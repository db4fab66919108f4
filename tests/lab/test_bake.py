"""A change that goes wrong behind its gates is seen by the bake and taken back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.conftest import Site
from tests.lab.operator import NEW, OLD, Running, exctl, left_well, watched
from tests.lab.reliability import faced

pytestmark = [pytest.mark.lab, pytest.mark.long]
BAKE_SECONDS = 25


@pytest.fixture(scope="module")
def baking(site: Site) -> Site:
    site.work.edit("gate.interval_seconds", 0.2)
    site.work.up()
    site.work.edit("gate.bake", {"seconds": BAKE_SECONDS})
    exctl(site, "up", "--yes", "--no-bake")
    return site


@pytest.fixture(autouse=True)
def _left_well(baking: Site) -> Iterator[None]:
    yield from left_well(baking)


def test_a_crash_behind_the_gates_takes_the_update_back(
    baking: Site, request: pytest.FixtureRequest
) -> None:
    with watched(baking):
        update = Running(baking, "update", "excp", "--tag", NEW, "--yes")
        update.wait_for("excp-1-2: healthy after")
        baking.set_fault("excp-1-1", "crash")
        said = update.end(3)
    # Whichever is seen first: three refusals in a row, or the new start.
    assert "excp-1-1 on 10." in said
    assert "did not stay healthy" in said or "did not last" in said
    assert "into the 25 seconds of gate.bake" in said
    assert "rolled back: release" in said
    assert {baking.version(key) for key in ("excp-1-1", "excp-1-2")} == {OLD}
    line, then = "of gate.bake", "by itself: rolled back"
    faced(request, "crash-after-gates", said, line, code=3, then=then)


def test_what_stays_healthy_is_a_release_and_an_untouched_instance_is_not_watched(
    baking: Site,
) -> None:
    update = ("update", "excp", "--tag", NEW, "--pause-after", "first")
    asked = Running(baking, *update, terminal=True)
    asked.wait_for("Do it to the stack dev (tenant 1)?")
    asked.type("y\n")
    asked.wait_for("Go on with excp-1-2?")
    assert [baking.version(key) for key in ("excp-1-1", "excp-1-2")] == [NEW, OLD]
    asked.type("y\n")
    said = asked.end(0)
    assert "waits for health, bake" in said
    for key in ("excp-1-1", "excp-1-2"):
        assert said.count(f"{key}: stayed healthy for") == 1
    assert "exas: stayed healthy" not in said
    assert "this is release" in said


def test_no_bake_leaves_it_out(baking: Site) -> None:
    said = exctl(baking, "restart", "exas", "--yes", "--no-bake").text
    assert "exas: not watched further" in said
    assert "exas: stayed healthy" not in said
