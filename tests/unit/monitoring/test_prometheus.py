"""What `exctl monitoring export` writes: targets, files that are the operator's own, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from exctl.errors import NothingTouched
from exctl.observe import monitoring_export
from exctl.site import Site
from monitoring import prometheus
from monitoring.prometheus import Subject
from tests.unit.exctl.sites import make_site
from tests.unit.stack_file import StackFile, problem


def subject_of(site: Site) -> Subject:
    return Subject(site.stack, site.config.monitoring, site.layout)


def test_every_running_instance_is_a_target_with_its_names() -> None:
    site = make_site(pairs=2, stopped=["excp-2-2"])
    found = prometheus.service_targets(subject_of(site))
    assert len(found) == len(site.layout.running) == 5
    assert found[-1] == {
        "targets": [f"{site.layout.running[-1].host}:3650"],
        "labels": {"service": "excp", "instance": "excp-2-1", "pair": "2", "stack": "dev"},
    }


def test_an_ipv6_host_stands_in_brackets() -> None:
    site = make_site(exas__host="fd00::7")
    targets = [t for g in prometheus.service_targets(subject_of(site)) for t in g["targets"]]
    assert "[fd00::7]:3630" in targets


def test_without_a_blackbox_exporter_nothing_is_written_for_one() -> None:
    found = prometheus.files(subject_of(make_site(monitoring={})))
    assert not any("blackbox" in name or "health" in name for name in found)
    jobs = yaml.safe_load(found["prometheus.yml"])["scrape_configs"]
    assert [job["job_name"] for job in jobs] == ["exec-exporter", "exec-services"]


def test_a_blackbox_exporter_is_given_every_health() -> None:
    site = make_site(monitoring={"blackbox": "blackbox.example.com:9115"})
    found = prometheus.files(subject_of(site))
    targets = json.loads(found["targets/dev.health.json"])
    assert targets[0]["targets"] == ["http://10.77.0.101:3640/health"]
    job = yaml.safe_load(found["prometheus.yml"])["scrape_configs"][-1]
    assert job["relabel_configs"][-1]["replacement"] == "blackbox.example.com:9115"


def test_only_targets_carry_the_name_of_a_stack() -> None:
    one, other = (
        prometheus.files(Subject(stack, make_site().config.monitoring, make_site().layout))
        for stack in ("one", "other")
    )
    shared = one.keys() & other.keys()
    assert shared == {"prometheus.yml", "rules/exec.yml", "alertmanager.yml", "blackbox.yml"}
    assert all(one[name] == other[name] for name in shared)


def test_an_alertmanager_file_that_is_there_is_kept(tmp_path: Path) -> None:
    mine = tmp_path / "alertmanager.yml"
    mine.write_text("mine")
    said = monitoring_export.export(make_site(), tmp_path)
    assert mine.read_text() == "mine"
    assert f"{mine}: kept, it is yours" in said
    assert (tmp_path / "rules/exec.yml").exists()


def test_what_promtool_refuses_is_told_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "bin/promtool"
    tool.parent.mkdir()
    tool.write_text(
        "#!/bin/sh\necho '  FAILED: group \"exec-alerts\", rule 1: no such function'\nexit 1\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent))
    with pytest.raises(NothingTouched, match=r"promtool refuses .*no such function"):
        monitoring_export.export(make_site(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_directory_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(NothingTouched, match="can't be made"):
        monitoring_export.export(make_site(), tmp_path / "out")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("exporter", "http://h:9640", "'http://h:9640' is not a host and a port"),
        ("exporter", "h", "'h' is not a host and a port"),
        ("exporter", "fd00::7:9640", "'fd00::7:9640' is not a host and a port"),
        ("blackbox", "h:0", "'h:0' is not a host and a port"),
        ("runbook_url", "wiki", "'wiki' is not the address of a page"),
    ],
)
def test_what_is_no_address_is_refused(path: str, value: str, words: str) -> None:
    (found,) = StackFile().put(f"monitoring.{path}", value).problems()
    assert found.startswith(problem(f"monitoring.{path}", words)[:-1])
