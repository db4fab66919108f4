"""Proves how a stand-in reads its faults. What each fault does is proved where the stand-in is."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.standins.faults import FAULTS, faults_of
from lab.standins.service.faults import CrashSwitch, FaultFile, number
from tests.unit.lab.standins import write_faults


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".faults.json"


@pytest.mark.parametrize("content", ["", "[1]", '{"crash"', "null"])
def test_a_file_that_is_not_a_map_of_faults_sets_none(path: Path, content: str) -> None:
    path.write_text(content)
    assert FaultFile(path).read() == {}


def test_a_fault_without_parameters_is_set_all_the_same(path: Path) -> None:
    path.write_text('{"hang": null}')
    assert FaultFile(path).get("hang") == {}
    assert FaultFile(path).get("slow") is None


def test_a_crash_happens_once_and_again_only_if_it_is_set_again(path: Path) -> None:
    faults = FaultFile(path)
    first = CrashSwitch(faults)
    assert not first.is_thrown()
    write_faults(path, {"crash": {}})
    assert first.is_thrown()
    restarted = CrashSwitch(faults)
    assert not restarted.is_thrown()
    write_faults(path, {})
    assert not restarted.is_thrown()
    write_faults(path, {"crash": {}})
    assert restarted.is_thrown()


def test_a_parameter_that_is_no_number_counts_as_not_given() -> None:
    assert number({"seconds": "0.5"}, "seconds", 3) == 0.5
    assert number({"seconds": "soon"}, "seconds", 3) == 3
    assert number({}, "seconds", 3) == 3


def test_each_stand_in_has_only_the_faults_that_it_knows() -> None:
    of_cloud = {"error", "portal"}
    assert set(faults_of("excs")) == set(FAULTS) - of_cloud
    assert "sync_stuck" not in faults_of("excp-1-2")
    assert "dependency_lost" in faults_of("exas")
    for other in ("stat-primary", "sip-backup"):
        assert set(faults_of(other)) == {"crash", "hang", "slow", "wrong_answer"}
    assert set(faults_of("cloud")) == {*faults_of("sip-backup"), *of_cloud}
