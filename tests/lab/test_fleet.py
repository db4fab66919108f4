"""Two stacks on the lab's hosts as one fleet: they share two hosts, and each has two of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.lab.conftest import FIRST, SECOND_PAIR, Site
from tests.lab.operator import NEW, exctl
from tests.lab.workspace import STACK

pytestmark = pytest.mark.lab

FLEET = f"""
waves:
  - name: canary
    stacks: [{STACK}]
  - name: rest
    stacks: [second]
    bake_seconds: 2
stacks:
  second: {{passphrase_command: [cat, passphrase]}}
"""
STACKS = (STACK, "second")


def add_second(site: Site) -> None:
    """A stack like the first, of another organization; its pair is on hosts of its own."""
    yaml = YAML()
    content = yaml.load(site.stack_file)
    of = {key.removeprefix("exec:"): value for key, value in content["config"].items()}
    org_id = of["tenant"]["org_id"].replace("6662cb10", "00000002")
    # The same tenant of Engage: the lab's Config DB has a good transaction of no other.
    of["tenant"] |= {"org_id": org_id, "container_prefix": "second"}
    waived = "the lab's Genesys Cloud is of one organization"
    of["preflight"]["waive"]["genesys-cloud-organization"] = waived
    of["excs"]["port"], of["exas"]["port"] = 3740, 3730
    of["excp"]["pairs"]["1"]["hosts"] = [site.hosts[key] for key in SECOND_PAIR]
    yaml.dump(content, site.work.directory / "Pulumi.second.yaml")


@pytest.fixture(scope="module")
def fleet(site: Site) -> Site:
    """Both stacks, deployed by the fleet's own `up`."""
    site.work.edit("gate.interval_seconds", 0.2)
    site.work.edit("excs.sync_gate.interval_seconds", 0.2)
    site.hosts |= {key: site.lab.plan.address(last) for key, last in SECOND_PAIR.items()}
    add_second(site)
    (site.work.directory / "fleet.yaml").write_text(FLEET)
    (site.work.directory / "passphrase").write_text("lab\n")
    exctl(site, "fleet", "up", "--yes", "-m", "first")
    return site


def look(site: Site, code: int = 0) -> dict[str, dict[str, Any]]:
    rows = json.loads(exctl(site, "fleet", "status", "--json", code=code).stdout)["stacks"]
    return {row["stack"]: row for row in rows}


def containers(site: Site) -> list[str]:
    """The containers of the first stack."""
    keys = [*site.hosts][:4]
    return [
        site.docker(key, "ps", "--quiet", "--filter", f"label=exec.stack={STACK}") for key in keys
    ]


def tags(site: Site, service: str) -> list[str]:
    return [",".join(look(site)[stack]["services"][service]["tags"]) for stack in STACKS]


def test_a_fleet_update_whose_wave_fails_stops_resumes_and_goes_back(fleet: Site) -> None:
    rows = look(fleet)
    assert [rows[stack]["services"]["excp"]["healthy"] for stack in STACKS] == [2, 2]
    assert {rows[stack]["release"] for stack in STACKS} == {1}

    fleet.set_fault("excp-2-1", "crash_at_start")
    cut = exctl(fleet, "fleet", "update", "excp", "--tag", NEW, "--yes", "--json", code=1)
    found = json.loads(cut.stdout)["stacks"]
    assert [found[stack]["outcome"] for stack in STACKS] == ["done", "failed"]
    assert "stopped at wave rest: 1 of its stacks failed, 0 may" in cut.stderr
    fleet.clear_faults("excp-2-1")

    before = containers(fleet)
    exctl(fleet, "fleet", "update", "excp", "--tag", NEW, "--resume", "--yes")
    assert tags(fleet, "excp") == [NEW] * 2
    assert containers(fleet) == before

    exctl(fleet, "fleet", "rollback", "--yes")
    assert tags(fleet, "excp") == [FIRST] * 2
    exctl(fleet, "fleet", "drift")
    exctl(fleet, "audit", "verify")
    runs = json.loads(exctl(fleet, "audit", "--stack", "second", "--json").stdout)
    assert [run["result"] for run in runs] == ["succeeded", "failed", "succeeded", "succeeded"]
    assert len({run["rollout"] for run in runs}) == 3
