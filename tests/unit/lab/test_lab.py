"""The lab's rules that need no root: addresses, refusals, the data set, faults' files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import settings
from lab.errors import LabError
from lab.network import refuse_a_taken_subnet
from lab.standins.configdb import ARCHIVE, WANTED, rows, seed_sql
from lab.standins.service.faults import FaultFile
from lab.standins.service.lines import addresses
from tests.lab.conftest import free_plan
from tests.lab.workspace import CLONE


def test_a_subnet_that_is_routed_elsewhere_is_refused() -> None:
    plan = settings.plan("10.77.0.0/24")
    with pytest.raises(LabError, match=r"10\.77\.0\.0/16 by eth7.*Nothing was started"):
        refuse_a_taken_subnet(plan, [{"dst": "10.77.0.0/16", "dev": "eth7"}])


def test_a_default_route_and_our_own_bridge_are_no_hindrance() -> None:
    plan = settings.plan("10.77.0.0/24")
    own = {"dst": "10.77.0.0/24", "dev": plan.bridge}
    refuse_a_taken_subnet(plan, [{"dst": "default", "dev": "eth0"}, own])


@pytest.mark.parametrize(("subnet", "pairs"), [("8.8.8.0/24", 1), ("10.0.0.0/25", 1)])
def test_a_subnet_that_the_lab_does_not_fit_is_refused(subnet: str, pairs: int) -> None:
    with pytest.raises(ValueError, match="must be a private network"):
        settings.plan(subnet, pairs)


def test_each_pair_has_two_hosts_of_its_own() -> None:
    assert list(settings.plan(pairs=2).exec_hosts.values()) == [
        f"10.77.0.{last}" for last in range(101, 107)
    ]


@pytest.mark.parametrize("objects", [3, 30, 100])
def test_the_data_set_has_as_many_objects_to_sync_as_asked_for(objects: int) -> None:
    found = list(rows(objects))
    wanted = [row for row in found if row.folder in WANTED]
    assert len(wanted) == objects
    assert {row.folder for row in found} - set(WANTED) <= {ARCHIVE}
    assert len({row.dbid for row in found}) == len(found)


def test_the_seed_is_the_same_twice() -> None:
    assert seed_sql(30, "https://x") == seed_sql(30, "https://x")


def test_a_file_of_faults_that_is_half_written_says_none(tmp_path: Path) -> None:
    path = tmp_path / ".faults.json"
    assert FaultFile(path).read() == {}
    path.write_text('{"hang": ')
    assert FaultFile(path).read() == {}
    path.write_text('{"slow": {"seconds": "3"}}')
    assert FaultFile(path).get("slow") == {"seconds": "3"}


def test_a_sip_server_pair_is_two_addresses() -> None:
    assert addresses("10.0.0.1:8000/10.0.0.2:8001") == [("10.0.0.1", 8000), ("10.0.0.2", 8001)]


def test_two_processes_of_tests_that_begin_at_once_have_two_subnets() -> None:
    ours = free_plan().subnet
    assert free_plan().subnet == ours
    begin = (
        f"import os; os.getpid = lambda: {os.getpid()}; from tests.lab.conftest import free_plan"
    )
    other = subprocess.run(
        [sys.executable, "-c", f"{begin}; print(free_plan().subnet)"],
        cwd=CLONE,
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() not in ("", str(ours))
