"""In which order an adoption does things, and what it does when one of them fails.

Hosts and Pulumi are fakes that write down what is done; with real ones: lab/test_migrating.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from exctl.adoption import takeover
from exctl.adoption.legacy import LegacyHost
from exctl.adoption.means import Means
from exctl.errors import ExctlError, FailedRun, NothingTouched, RolledBack
from exctl.pulumi.state import State
from exctl.runs.options import Outcome, RunOptions
from exctl.runs.plan import Touch
from exctl.site import Site, open_site
from health.probe import Answer
from health.verdict import Identity, InstancePlace
from stack.layout import Instance
from tests.unit.exctl.test_legacy import container
from tests.unit.health.fakes import FakeContainer
from tests.unit.stack_file import CLONE

PAIR_1, PAIR_2 = "excp-1-1", "excp-1-2"


class World:
    """What was done, in order; `fail` is what fails, `ill` whose /health answers 503."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.fail: set[str] = set()
        self.ill: set[str] = set()
        self.planned: list[Touch] = []

    def does(self, what: str) -> None:
        self.done.append(what)
        if what in self.fail:
            raise FailedRun(f"{what} failed")

    def up(self, site: Site, how: RunOptions) -> Outcome:
        running = ",".join(i.key for i in site.layout.running)
        self.does(f"{'part' if how.part else 'up'} {running}".strip())
        return Outcome()

    def place_of(self, _site: Site, instance: Instance, _container: str) -> InstancePlace:
        answer = Answer(503 if instance.key in self.ill else 200)
        return InstancePlace(instance.health_url, lambda _url: answer, FakeContainer(), Identity())

    @property
    def means(self) -> Means:
        view = LegacyHost((container(),), frozenset({3650}), {}, ())
        return Means(
            up=self.up,
            planned=lambda _site: self.planned,
            state_of=lambda _site: State(3, {"resources": []}),
            secrets_of=lambda _site: {},
            view_of=lambda _site, _host: view,
            place_of=self.place_of,
            wait_until_healthy=lambda *_: self.does("wait"),
            set_aside=lambda _site, i, _container: self.does(f"set_aside {i.key}"),
            remove_ours=lambda _site, i: self.does(f"remove_ours {i.key}"),
            bring_back=lambda _site, i, _container, _restart: self.does(f"bring_back {i.key}"),
        )


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    (tmp_path / "Pulumi.yaml").write_text("name: exec\n")
    text = (CLONE / "Pulumi.dev.yaml").read_text()
    (tmp_path / "Pulumi.prod.yaml").write_text(f"{text}  exec:stopped: [excs, exas, excp]\n")
    monkeypatch.chdir(tmp_path)
    return World()


def adopt(world: World, allow_outage: bool = False) -> None:
    site = open_site("prod")
    chosen = [i for i in site.layout.instances if i.service == "excp"]
    takeover.adopt(site, chosen, RunOptions(yes=True, allow_outage=allow_outage), world.means)


def stopped() -> list[str]:
    return open_site("prod").config.stopped


def test_images_come_first_and_then_one_instance_after_the_other(world: World) -> None:
    adopt(world)
    assert world.done == [
        "part",
        f"set_aside {PAIR_1}",
        f"part {PAIR_1}",
        f"set_aside {PAIR_2}",
        f"part {PAIR_1},{PAIR_2}",
        f"up {PAIR_1},{PAIR_2}",
    ]
    assert stopped() == ["excs", "exas"]


def test_without_its_images_nothing_is_touched(world: World) -> None:
    world.fail = {"part"}
    with pytest.raises(FailedRun):
        adopt(world)
    assert world.done == ["part"]


def test_an_instance_whose_peer_is_ill_is_not_touched(world: World) -> None:
    world.ill = {PAIR_2}
    with pytest.raises(ExctlError, match="was not touched: its peer excp-1-2 does not serve"):
        adopt(world)
    assert world.done == ["part"]
    assert stopped() == ["excs", "exas", "excp"]


def test_with_allow_outage_it_is_touched_all_the_same(world: World) -> None:
    world.ill = {PAIR_2}
    adopt(world, allow_outage=True)
    assert f"set_aside {PAIR_1}" in world.done


def test_one_that_fails_gives_way_to_its_legacy_container_and_no_other_is_touched(
    world: World,
) -> None:
    world.fail = {f"part {PAIR_1},{PAIR_2}"}
    with pytest.raises(RolledBack, match="rolled back: exec-excp-1 on") as error:
        adopt(world)
    assert world.done[3:] == [
        f"set_aside {PAIR_2}",
        f"part {PAIR_1},{PAIR_2}",
        f"remove_ours {PAIR_2}",
        f"bring_back {PAIR_2}",
        "wait",
        f"part {PAIR_1}",
    ]
    assert f"Not adopted: {PAIR_2};" in str(error.value)
    assert stopped() == ["excs", "exas", PAIR_2]


def test_a_legacy_container_that_wont_stop_comes_back_too(world: World) -> None:
    world.fail = {f"set_aside {PAIR_1}"}
    with pytest.raises(RolledBack):
        adopt(world)
    assert world.done[1:4] == [
        f"set_aside {PAIR_1}",
        f"remove_ours {PAIR_1}",
        f"bring_back {PAIR_1}",
    ]


def test_a_way_back_that_fails_as_well_says_where_things_are(world: World) -> None:
    world.fail = {f"part {PAIR_1}", f"bring_back {PAIR_1}"}
    with pytest.raises(FailedRun, match="the rollback failed as well") as error:
        adopt(world)
    assert "exec-excp-1 or exec-excp-1.before-exec" in str(error.value)
    assert f"part {PAIR_1} failed" in str(error.value)


def test_other_changes_of_the_stack_file_are_to_be_deployed_first(world: World) -> None:
    world.planned = [Touch("exas", "10.77.0.102", "replace", (), "")]
    with pytest.raises(NothingTouched, match="changes that aren't deployed yet"):
        adopt(world)
    assert world.done == []
    assert stopped() == ["excs", "exas", "excp"]
