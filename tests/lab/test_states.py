"""Stories of states that are lost, old or another stack's: none of them costs an outage.

Each story starts from what the one before it left: one deployment, with the states beside it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from uuid import uuid4

import pytest

from tests.lab.conftest import Site
from tests.lab.operator import costing_nothing, exctl
from tests.lab.reliability import faced

pytestmark = [pytest.mark.lab, pytest.mark.long]


@pytest.fixture(scope="module")
def deployed(site: Site) -> Site:
    site.work.hurry()
    site.work.up()
    return site


def state_file(site: Site, stack: str = "dev") -> Path:
    return site.work.backend / f".pulumi/stacks/exec/{stack}.json"


def lose_state(site: Site) -> None:
    for path in state_file(site).parent.glob("dev.json*"):
        path.unlink()


def test_a_state_copied_from_another_stack_stops_every_run(
    deployed: Site, request: pytest.FixtureRequest
) -> None:
    site, before = deployed, deployed.container_ids()
    shutil.copy(state_file(site), state_file(site, "two"))
    two = site.stack_file.with_name("Pulumi.two.yaml")
    org_id = str(site.work.setting("tenant.org_id"))
    two.write_text(site.stack_file.read_text().replace(org_id, str(uuid4())))
    with costing_nothing(site, request):
        for command in (
            ("destroy", "--yes"),
            ("up", "--yes"),
            ("preview",),
            ("restart", "excp", "--yes"),
            ("forget", site.hosts["exas"], "--force", "--yes"),
        ):
            said = exctl(site, *command, "--stack", "two", code=1).stderr
            assert "the backend holds another stack's state under the name two" in said
            assert "named after the stack dev of the project exec" in said
            assert "Nothing was touched." in said
            stopped = said
        said = exctl(site, "adopt", "--yes", "--stack", "two", code=2).stderr
        assert "is the stack dev's" in said
    assert site.container_ids() == before
    gone = site.work.pulumi("stack", "rm", "two", "--force", "--preserve-config", "--yes")
    assert gone.code == 0, gone.text
    two.unlink()
    assert site.container_ids() == before
    line, then = "the backend holds another stack's state", "nothing was touched"
    faced(request, "state-foreign", stopped, line, code=1, then=then)


def test_a_lost_state_stops_up_and_destroy_and_names_adopt(
    deployed: Site, request: pytest.FixtureRequest
) -> None:
    site, before = deployed, deployed.container_ids()
    lose_state(site)
    with costing_nothing(site, request):
        for command in (("destroy", "--yes"), ("up", "--yes"), ("preview",)):
            said = exctl(site, *command, code=1).stderr
            assert "excp-1-2 on" in said
            assert "exctl adopt --stack dev" in said
            assert "already in use" not in said
            assert "Nothing was touched." in said
    assert site.container_ids() == before
    line, then = "exctl adopt --stack dev", "`exctl adopt`: no container was replaced"
    faced(request, "state-lost", said, line, code=1, then=then)


def test_adopt_takes_what_runs_back_and_replaces_nothing(
    deployed: Site, request: pytest.FixtureRequest
) -> None:
    site, before = deployed, deployed.container_ids()
    with costing_nothing(site, request):
        asked = exctl(site, "adopt", code=1).stderr  # there is no terminal to ask on
        assert asked.count("taken back as it is, not replaced") == len(site.hosts)
        exctl(site, "adopt", "--yes")
    assert site.container_ids() == before
    assert {key: site.work.container_id(key) for key in site.hosts} == before
    assert "plan: no container is touched" in exctl(site, "preview").stdout


def test_an_older_state_is_seen_and_what_differs_is_replaced_one_after_the_other(
    deployed: Site, request: pytest.FixtureRequest
) -> None:
    site = deployed
    older = state_file(site).read_text()
    with costing_nothing(site, request):
        exctl(site, "restart", "excp", "--pair", "1", "--yes")
    before = site.container_ids()
    state_file(site).write_text(older)
    site.work.edit("excp.pairs.1.stop_grace_seconds", 7)
    with costing_nothing(site, request):
        said = exctl(site, "up", "--yes", code=1).stderr
        assert "excp-1-1 on" in said
        assert "exas on" not in said
        exctl(site, "adopt", "--yes")
    line, then = "excp-1-1 on", "`exctl adopt`, which replaced one after the other what differed"
    faced(request, "state-old", said, line, code=1, then=then)
    after = site.container_ids()
    assert {key for key in after if after[key] != before[key]} == {"excp-1-1", "excp-1-2"}
    for key in site.hosts:
        assert site.docker(key, "ps", "-aq", "--no-trunc").split() == [after[key]]
    assert "plan: no container is touched" in exctl(site, "preview").stdout


def test_destroy_of_a_state_that_knows_less_than_runs_is_refused(deployed: Site) -> None:
    site, before = deployed, deployed.container_ids()
    state = state_file(site)
    whole = state.read_text()
    less = json.loads(whole)
    less["checkpoint"]["latest"]["resources"] = [
        row
        for row in less["checkpoint"]["latest"]["resources"]
        if not row["urn"].endswith("-excp-1-2")
    ]
    state.write_text(json.dumps(less))
    said = exctl(site, "destroy", "--yes", code=1).stderr
    assert "excp-1-2 on" in said
    assert "excp-1-1 on" not in said
    assert site.container_ids() == before
    state.write_text(whole)


def test_destroy_says_what_it_couldnt_ask_and_else_leaves_nothing(deployed: Site) -> None:
    site = deployed
    name = site.host("exas").name
    site.set_fault(name, "ssh-dropped")
    try:
        said = exctl(site, "destroy", "--yes", code=1).stderr
        assert "What can't be reached can't be removed" in said
        assert len(site.containers("excs")) == 1
    finally:
        site.clear_faults(name)
    exctl(site, "destroy", "--yes")
    assert {key: site.containers(key) for key in site.hosts} == {key: [] for key in site.hosts}
    site.set_fault(name, "ssh-dropped")
    try:
        said = exctl(site, "destroy", "--yes", code=4).stderr
        assert "where its containers may still run" in said
    finally:
        site.clear_faults(name)
