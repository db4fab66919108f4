"""Three stacks on the lab's hosts as one fleet: one has hosts of its own, two share a pair's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.lab.conftest import FIRST, SECOND_PAIR, Site
from tests.lab.operator import NEW, approvers, exctl
from tests.lab.workspace import STACK

pytestmark = [pytest.mark.lab, pytest.mark.long]

ALL_AT_ONCE = f"""
waves:
  - name: all
    stacks: [{STACK}, second, third]
    max_parallel: 3
"""
WAVES = f"""
waves:
  - name: canary
    stacks: [{STACK}]
  - name: rest
    stacks: [second, third]
    bake_seconds: 2
"""
OWN = "stacks: {second: {passphrase_command: [cat, passphrase]}}\n"
STACKS = (STACK, "second", "third")


def add(site: Site, stack: str, number: int, hosts: list[str], **settings: Any) -> None:
    """A stack like the first, of another organization, all of it on two hosts."""
    yaml = YAML()
    content = yaml.load(site.stack_file)
    of = {key.removeprefix("exec:"): value for key, value in content["config"].items()}
    org_id = of["tenant"]["org_id"].replace("6662cb10", f"{number:08x}")
    # The same tenant of Engage: the lab's Config DB has a good transaction of no other.
    of["tenant"] |= {"org_id": org_id, "container_prefix": stack}
    waived = "the lab's Genesys Cloud is of one organization"
    of["preflight"]["waive"]["genesys-cloud-organization"] = waived
    of["excs"] |= {"host": hosts[0], "port": 3640 + 100 * number}
    of["exas"] |= {"host": hosts[1], "port": 3630 + 100 * number}
    of["excp"]["pairs"]["1"] |= {"hosts": hosts, "port": 3650 + 100 * number}
    content["config"] |= {f"exec:{key}": value for key, value in settings.items()}
    yaml.dump(content, site.work.directory / f"Pulumi.{stack}.yaml")


@pytest.fixture(scope="module")
def fleet(site: Site) -> Site:
    """All three, deployed by the fleet's own `up`; the third wants an approval from then on."""
    site.work.hurry()
    site.hosts |= {key: site.lab.plan.address(last) for key, last in SECOND_PAIR.items()}
    add(site, "second", 2, [site.hosts[key] for key in SECOND_PAIR])
    add(site, "third", 3, [site.hosts["excp-1-1"], site.hosts["excp-1-2"]])
    (site.work.directory / "fleet.yaml").write_text(ALL_AT_ONCE + OWN)
    (site.work.directory / "passphrase").write_text("lab\n")
    exctl(site, "fleet", "up", "--yes", "-m", "first")
    (site.work.directory / "fleet.yaml").write_text(WAVES + OWN)
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
    rows = look(site)
    return [",".join(rows[stack]["services"][service]["tags"]) for stack in STACKS]


def test_of_three_stacks_those_that_share_hosts_change_one_after_the_other(fleet: Site) -> None:
    rows = look(fleet)
    assert [rows[stack]["services"]["excp"]["healthy"] for stack in STACKS] == [2, 2, 2]
    assert {rows[stack]["release"] for stack in STACKS} == {1}
    first, second, third = (
        json.loads(exctl(fleet, "audit", "--stack", stack, "--json").stdout)[0] for stack in STACKS
    )
    assert second["at"] < first["ended_at"]
    assert third["at"] >= first["ended_at"]


@pytest.mark.timeout(1200)
def test_a_fleet_update_whose_wave_fails_stops_resumes_and_goes_back(fleet: Site) -> None:
    protect = {"approvals": 1, "allowed_signers_path": approvers(fleet)}
    third = fleet.work.directory / "Pulumi.third.yaml"
    before_protect = third.read_text()
    third.write_text(before_protect + f"  exec:protect: {json.dumps(protect)}\n")
    update = ("fleet", "update", "excp", "--tag", NEW)

    assert "third deploys only approved plans" in exctl(fleet, *update, "--yes", code=2).stderr
    exctl(fleet, "fleet", "plan", *update[2:], "--out", "plans", "--key", "ann", "-m", "CHG-1")
    shown = exctl(fleet, "approve", "plans/third.json", "--key", "bob", "--yes").stdout
    assert f"of: exctl update excp --tag {NEW}" in shown

    fleet.set_fault("excp-2-1", "crash_at_start")
    cut = exctl(fleet, *update, "--plans", "plans", "--yes", "--json", code=1)
    found = json.loads(cut.stdout)["stacks"]
    assert [found[stack]["outcome"] for stack in STACKS] == ["done", "failed", "waiting"]
    assert "stopped at wave rest: 1 of its stacks failed, 0 allowed" in cut.stderr
    fleet.clear_faults("excp-2-1")

    before = containers(fleet)
    exctl(fleet, *update, "--resume", "--yes")
    assert tags(fleet, "excp") == [NEW] * 3
    assert containers(fleet) == before

    exctl(fleet, "fleet", "rollback", "--yes")
    assert tags(fleet, "excp") == [FIRST] * 3
    exctl(fleet, "fleet", "drift")
    exctl(fleet, "audit", "verify")
    runs = json.loads(exctl(fleet, "audit", "--stack", "third", "--json").stdout)
    assert [run["result"] for run in runs] == ["succeeded"] * 3
    assert len({run["rollout"] for run in runs}) == 3
    assert runs[1]["approved_by"] == ["ann", "bob"]
