"""In which order an adoption does things, and what it does when one of them fails.

Hosts and Pulumi are fakes that write down what is done; with real ones: lab/test_migrating.py.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from exctl.adoption import guard, legacy_hosts, look, takeover
from exctl.adoption.legacy import LegacyHost
from exctl.errors import ExctlError, FailedRun, NothingTouched, RolledBack
from exctl.runs import deployment
from exctl.runs.options import RunOptions
from exctl.site import Site, open_site
from exctl.stackfile import secrets
from health.probe import Answer
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
        self.planned: list[Any] = []

    def does(self, what: str) -> None:
        self.done.append(what)
        if what in self.fail:
            raise FailedRun(f"{what} failed")

    def up(self, site: Site, how: RunOptions) -> None:
        running = ",".join(i.key for i in site.layout.running)
        self.does(f"{'part' if how.part else 'up'} {running}".strip())

    def probe(self, site: Site, _host: str) -> Any:
        keys = {i.host: i.key for i in site.layout.instances}
        return lambda url: Answer(503 if keys[url.split("/")[2].split(":")[0]] in self.ill else 200)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    found = World()
    (tmp_path / "Pulumi.yaml").write_text("name: exec\n")
    text = (CLONE / "Pulumi.dev.yaml").read_text()
    (tmp_path / "Pulumi.prod.yaml").write_text(f"{text}  exec:stopped: [excs, exas, excp]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(deployment, "up", found.up)
    monkeypatch.setattr(takeover, "preview", lambda _site, **_: found.planned)
    monkeypatch.setattr(secrets, "all_of", lambda _site: {})
    for module in (guard, takeover):
        monkeypatch.setattr(module, "probe_of", found.probe)
        monkeypatch.setattr(module, "on_host", lambda *_: None)
        monkeypatch.setattr(module, "HostContainer", lambda *_: FakeContainer())
    monkeypatch.setattr(takeover, "wait_until_healthy", lambda *_: found.does("wait"))
    state = SimpleNamespace(deployment={"resources": []})
    stack = SimpleNamespace(export_stack=lambda: state)
    monkeypatch.setattr(look, "open_stack", lambda _site: stack)
    view = LegacyHost((container(),), frozenset({3650}), {}, ())
    monkeypatch.setattr(legacy_hosts, "view_of", lambda _site, _host: view)
    for name in ("set_aside", "remove_ours", "bring_back"):

        def act(_site: Site, instance: Instance, *_: Any, name: str = name) -> None:
            found.does(f"{name} {instance.key}")

        monkeypatch.setattr(legacy_hosts, name, act)
    return found


def adopt(allow_outage: bool = False) -> None:
    site = open_site("prod")
    chosen = [i for i in site.layout.instances if i.service == "excp"]
    takeover.adopt(site, chosen, RunOptions(yes=True, allow_outage=allow_outage))


def stopped() -> list[str]:
    return open_site("prod").config.stopped


def test_images_come_first_and_then_one_instance_after_the_other(world: World) -> None:
    adopt()
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
        adopt()
    assert world.done == ["part"]


def test_an_instance_whose_peer_is_ill_is_not_touched(world: World) -> None:
    world.ill = {PAIR_2}
    with pytest.raises(ExctlError, match="was not touched: its peer excp-1-2 does not serve"):
        adopt()
    assert world.done == ["part"]
    assert stopped() == ["excs", "exas", "excp"]


def test_with_allow_outage_it_is_touched_all_the_same(world: World) -> None:
    world.ill = {PAIR_2}
    adopt(allow_outage=True)
    assert f"set_aside {PAIR_1}" in world.done


def test_one_that_fails_gives_way_to_its_legacy_container_and_no_other_is_touched(
    world: World,
) -> None:
    world.fail = {f"part {PAIR_1},{PAIR_2}"}
    with pytest.raises(RolledBack, match="rolled back: exec-excp-1 on") as error:
        adopt()
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
        adopt()
    assert world.done[1:4] == [
        f"set_aside {PAIR_1}",
        f"remove_ours {PAIR_1}",
        f"bring_back {PAIR_1}",
    ]


def test_a_way_back_that_fails_as_well_says_where_things_are(world: World) -> None:
    world.fail = {f"part {PAIR_1}", f"bring_back {PAIR_1}"}
    with pytest.raises(FailedRun, match="the rollback failed as well") as error:
        adopt()
    assert "exec-excp-1 or exec-excp-1.before-exec" in str(error.value)
    assert f"part {PAIR_1} failed" in str(error.value)


def test_other_changes_of_the_stack_file_are_to_be_deployed_first(world: World) -> None:
    world.planned = [SimpleNamespace(instance="exas")]
    with pytest.raises(NothingTouched, match="changes that aren't deployed yet"):
        adopt()
    assert world.done == []
    assert stopped() == ["excs", "exas", "excp"]
