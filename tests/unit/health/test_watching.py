"""What is said of the host on which a stack is to be watched; none of it stops a deployment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from health.preflight import watching
from health.preflight.answers import HostAnswers
from health.preflight.finding import Finding
from health.preflight.host_facts import DockerAccess, HostFacts, watchers_script
from health.preflight.outcome import Outcome
from health.preflight.registry import Manifest, RegistryAnswer
from health.preflight.run import judge
from health.preflight.subject import Subject, Watchers
from hosts.answer import Ending, HostAnswer
from hosts.container import ContainerState
from hosts.docker import Container, Image
from stack.layout import build_layout
from tests.unit.health.site import EXAS, EXCS, REGISTRY
from tests.unit.stack_file import StackFile

HOST = "watch.example.com"
IMAGE, OTHER = f"{REGISTRY}/infra/prometheus:v1", "elsewhere.example.com/infra/grafana:v2"
LABEL = ("exec.monitoring", "dev")
OURS = Container("1", "exec-prometheus", IMAGE, ContainerState("running"), labels=dict([LABEL]))
WELL = HostFacts(
    facts={"disk": "80000 50000", "store": "/var/lib/docker"},
    access=DockerAccess.ALLOWED,
    docker={"ServerVersion": "28"},
    images=(Image("sha256:1", tags=(IMAGE,)),),
)
LOGGED_IN = HostAnswer(0, "", "")


def subject(host: str = HOST, image: str = IMAGE) -> Subject:
    config = StackFile().put("preflight", {"waive": {}}).config()
    settings = config.monitoring.model_copy(update={"host": host})
    config = config.model_copy(update={"monitoring": settings})
    wanted = Watchers(host, {9090: "exec-prometheus"}, (image,), LABEL)
    return Subject("dev", config, build_layout(config, "dev"), watchers=(wanted,))


def findings(
    facts: HostFacts | None = WELL,
    of: Subject | None = None,
    registry: RegistryAnswer | None = None,
    login: HostAnswer = LOGGED_IN,
) -> dict[str, Finding]:
    of = of or subject()
    said = HostAnswers(login, facts, registry=registry)
    found = judge(of, {}, {each.host: said for each in of.watchers})
    return {each.check: each for each in found if each.check.startswith("monitoring-")}


def test_a_host_on_which_all_is_well_passes() -> None:
    found = findings()
    assert {each.verdict for each in found.values()} == {"passed"}
    assert len(found) == 5


@pytest.mark.parametrize(
    ("check", "facts", "said"),
    [
        ("host", replace(WELL, access=DockerAccess.DENIED, docker={}), "genesys may not use the"),
        ("host", replace(WELL, access=DockerAccess.STOPPED, docker={}), "isn't running"),
        ("port", replace(WELL, listeners={9090: ("root",)}), "9090 is taken by a process of root"),
        (
            "port",
            replace(WELL, listeners={9090: ("root",)}, containers=(replace(OURS, labels={}),)),
            "9090 is taken by a process of root",
        ),
        ("disk", replace(WELL, facts={"disk": "80000 900"}), "900 MiB free"),
        ("image", replace(WELL, images=()), "not on the host, and the registry couldn't be asked"),
    ],
)
def test_what_is_not_well_is_a_warning_with_what_to_do(
    check: str, facts: HostFacts, said: str
) -> None:
    found = findings(facts)[f"monitoring-{check}"]
    assert said in found.found
    assert found.warns
    assert not found.stops
    assert found.fix


def test_a_host_that_isnt_reached_is_said_once() -> None:
    silent = HostAnswer(255, "", "", Ending.SILENT, limit_seconds=5)
    found = findings(None, login=silent)
    assert sorted(found) == ["monitoring-apart", "monitoring-host"]
    assert found["monitoring-host"].found == "ssh: no answer within 5 s"
    assert found["monitoring-host"].warns


def test_a_port_of_its_own_container_is_no_finding() -> None:
    facts = replace(WELL, listeners={9090: ("root",)}, containers=(OURS,))
    assert findings(facts)["monitoring-port"].is_ok


def test_an_image_that_is_in_the_registry_has_to_fit() -> None:
    facts = replace(WELL, images=(), facts={"disk": "80000 2000"})
    there = RegistryAnswer(Outcome("done"), {IMAGE: Manifest("sha256:1", 600 << 20)})
    found = findings(facts, registry=there)
    assert found["monitoring-image"].is_ok
    assert found["monitoring-disk"].needed == "2824 MiB for 1 image to pull"
    gone = RegistryAnswer(Outcome("done"), {IMAGE: Outcome("refused", "the registry has none")})
    assert findings(facts, registry=gone)["monitoring-image"].found == "the registry has none"


def test_another_registrys_images_are_not_asked_for() -> None:
    of = subject(image=OTHER)
    assert not watching.is_asked_for(of, OTHER)
    found = findings(of=of)["monitoring-image"]
    assert found.found == "not on the host; elsewhere.example.com isn't asked"
    assert (found.verdict, found.fix) == ("unknown", f"on the host: docker pull {OTHER}")


@pytest.mark.parametrize(("host", "keys"), [(EXCS, "excs"), (EXAS, "exas")])
def test_a_host_of_execs_own_is_named_unless_it_is_waived(host: str, keys: str) -> None:
    of = subject(host)
    found = findings(of=of)["monitoring-apart"]
    assert found.found == f"it is the host of {keys} too"
    assert found.warns
    preflight = of.config.preflight.model_copy(update={"waive": {"monitoring-apart": "small"}})
    of = replace(of, config=of.config.model_copy(update={"preflight": preflight}))
    assert findings(of=of)["monitoring-apart"].waived == "small"


def test_a_host_of_execs_own_that_ships_log_files_is_looked_at_for_that_alone() -> None:
    config = StackFile().put("preflight", {"waive": {}}).config()
    wanted = Watchers(EXAS, {12345: "exec-alloy"}, (IMAGE,), LABEL)
    of = Subject("dev", config, build_layout(config, "dev"), watchers=(wanted,))
    found = findings(replace(WELL, listeners={12345: ("root",)}), of)
    assert sorted(found) == ["monitoring-disk", "monitoring-image", "monitoring-port"]
    assert found["monitoring-port"].found == "12345 is taken by a process of root"
    assert found["monitoring-port"].host == EXAS


def test_nothing_is_said_where_nothing_is_placed() -> None:
    assert findings(of=replace(subject(), watchers=())) == {}


def test_the_host_is_asked_for_its_own_ports_and_images() -> None:
    of = subject()
    script = watchers_script(of, of.watchers[0])
    assert "want=' 2382 '" in script
    assert f"set -- {IMAGE}" in script
