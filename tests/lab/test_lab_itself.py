"""The lab is what the stories take it for: faults bite, are undone, and nothing is left behind."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

import pytest

from lab import faults, network, settings
from lab.errors import LabError
from lab.infra import redis_answers, registry_answers
from lab.lab import Lab
from lab.processes import accepts
from tests.lab.conftest import OBJECTS, Site, free_plan, make_workspace

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def deployed(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(lab, make_workspace(tmp_path_factory.mktemp("deployed"), lab))
    site.work.up()
    yield site
    run = site.work.exctl("destroy", "--stack", "dev", "--yes")
    assert run.code == 0, run.text


def counts(site: Site) -> dict[str, int]:
    """What came to the Genesys Cloud API, by kind."""
    context = ssl.create_default_context(cafile=str(site.lab.directory / "ca.pem"))
    opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))
    with opener.open(f"https://{site.lab.plan.cloud}/lab/counts", timeout=2) as answer:
        found = json.load(answer)
    assert isinstance(found, dict)
    return found


def metric(site: Site, key: str, name: str) -> float:
    opener = build_opener(ProxyHandler({}))
    with opener.open(site.url(key, "/metrics"), timeout=2) as answer:
        lines = answer.read().decode().splitlines()
    (value,) = (line.split()[1] for line in lines if line.startswith(f"{name} "))
    return float(value)


def test_one_run_logs_in_once_at_each_host(deployed: Site) -> None:
    # Connections of the run before would be shared for a minute; this one starts without them.
    control = Path(f"/tmp/exec-ssh-{os.getuid()}")
    for socket in control.glob("*"):
        subprocess.run(
            ["ssh", "-o", f"ControlPath={socket}", "-O", "exit", "x"],
            capture_output=True,
            check=False,
        )
    before = deployed.logins()
    run = deployed.work.pulumi("up", "--yes", "--skip-preview", "--refresh", "--stack", "dev")
    assert run.code == 0, run.text
    after = deployed.logins()
    assert {key: after[key] - before[key] for key in after} == dict.fromkeys(after, 1)


def test_excs_makes_every_object_of_the_wanted_folders_and_no_other(deployed: Site) -> None:
    found = counts(deployed)
    made = sum(found.get(kind, 0) for kind in ("users", "skills", "queues", "groups"))
    assert made + found.get("wrapupcodes", 0) == OBJECTS


def test_both_of_a_pair_take_every_event_and_redis_lets_one_pass(deployed: Site) -> None:
    pair = ("excp-1-1", "excp-1-2")

    def total(what: str) -> float:
        return sum(metric(deployed, key, f"excp_events_{what}_total") for key in pair)

    # The API has counted since the lab began, the containers since they did: differences count.
    dropped, injected, arrived = total("dropped"), total("injected"), counts(deployed)["events"]
    deployed.wait_until(lambda: total("dropped") > dropped, "a doubled event to be dropped")
    deployed.wait_until(lambda: total("injected") > injected + 3, "four events to be injected")
    passed, came = total("injected") - injected, counts(deployed)["events"] - arrived
    assert abs(passed - came) <= 2, (passed, came)


@pytest.mark.parametrize(
    ("target", "name", "parameters", "dependency"),
    [
        ("infra", "redis-down", {}, "redis"),
        ("infra", "database-down", {}, "configdb"),
        ("excs", "dependency_lost", {"name": "genesyscloud"}, "genesyscloud"),
    ],
)
def test_a_lost_dependency_is_named_and_comes_back(
    deployed: Site, target: str, name: str, parameters: dict[str, str], dependency: str
) -> None:
    def is_down() -> bool:
        found = deployed.answer_of_any_code("excs", "/health")
        return bool(found) and found["dependencies"][dependency]["status"] == "DOWN"

    deployed.set_fault(target, name, **parameters)
    try:
        deployed.wait_until(is_down, f"{dependency} to be down")
        assert deployed.codes()["excs"] == 503
    finally:
        deployed.clear_faults(target)
    deployed.wait_until(lambda: deployed.codes()["excs"] == 200, "EXCS to be well again")


def test_a_dropped_ssh_port_is_open_again_afterwards(deployed: Site) -> None:
    address = deployed.hosts["exas"]
    deployed.set_fault("exec-2", "ssh-dropped")
    assert not accepts(address, 22)
    deployed.clear_faults("exec-2")
    assert accepts(address, 22)


def test_a_stopped_registry_serves_the_same_images_afterwards(deployed: Site) -> None:
    registry = deployed.lab.plan.registry
    deployed.set_fault("infra", "registry-down")
    with pytest.raises(OSError, match="refused"):
        registry_answers(registry)
    deployed.clear_faults("infra")
    deployed.wait_until(lambda: _answers(registry), "the registry")
    assert redis_answers(deployed.lab.plan.infra)


def _answers(registry: str) -> bool:
    try:
        return registry_answers(registry)
    except OSError:
        return False


def test_a_full_disk_is_full_for_the_log_directory_alone(deployed: Site) -> None:
    deployed.set_fault("exec-2", "disk-full")
    full = deployed.lab.ssh("exec-2", "cat /etc/hostname > /var/log/exec/x")
    deployed.clear_faults("exec-2")
    assert "No space left" in full.stderr
    assert deployed.lab.ssh("exec-2", "echo x > /var/log/exec/x").returncode == 0


def test_a_moved_clock_is_right_again_afterwards(deployed: Site) -> None:
    def offset_seconds() -> float:
        return int(deployed.lab.ssh("exec-2", "date +%s").stdout) - time.time()

    deployed.set_fault("exec-2", "clock", seconds="600")
    assert 590 < offset_seconds() < 610
    deployed.clear_faults("exec-2")
    assert abs(offset_seconds()) < 5


def test_a_stopped_daemon_takes_its_containers_down_and_brings_them_back(deployed: Site) -> None:
    deployed.set_fault("exec-2", "daemon-stopped")
    assert deployed.codes()["exas"] is None
    deployed.clear_faults("exec-2")
    deployed.wait_until(lambda: deployed.codes()["exas"] == 200, "EXAS to be well again")


def test_an_unknown_fault_is_refused_with_those_there_are(lab: Lab) -> None:
    with pytest.raises(LabError, match=r"exec-1 has no fault redis-down; it has: ssh-dropped"):
        faults.begin(lab, "exec-1", "redis-down", {})
    with pytest.raises(LabError, match=r"the lab has no host exec-99"):
        faults.begin(lab, "exec-99", "clock", {})


def test_a_lab_leaves_nothing_behind_and_starts_in_a_minute(tmp_path: Path) -> None:
    if not shutil.which("pgrep"):
        pytest.fail("pgrep is missing: nothing could be said about leftover processes")
    small = Lab(free_plan(), tmp_path / "lab")
    started = time.monotonic()
    small.start(objects=3, rate_per_minute=settings.RATE_PER_MINUTE)
    assert time.monotonic() - started < 60
    assert small.is_up
    small.remove()
    listed = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True)
    assert not listed.stdout.strip()
    assert small.plan.bridge not in network.links()
    assert not [name for name in network.namespaces() if small.plan.tag in name]
    assert not list(Path("/sys/fs/cgroup").glob(f"**/exlab-{small.plan.tag}*"))
    assert not (tmp_path / "lab/hosts").exists()


def test_a_second_clones_lab_on_the_same_subnet_is_refused(lab: Lab, tmp_path: Path) -> None:
    other = Lab(lab.plan, tmp_path / "lab")
    with pytest.raises(LabError, match=r"is used by the lab of .*Nothing was started"):
        other.start(objects=3, rate_per_minute=300)
    assert lab.is_up
