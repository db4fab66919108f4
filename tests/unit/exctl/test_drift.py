"""What differs between the stack file, the state and the hosts. Pure; no host is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from exctl.observe.deployed import Deployed, deployed_containers, deployed_watchers
from exctl.observe.drift import compare, compare_watchers, not_yet_rotated, renewed_secrets
from hosts.container import ContainerState
from hosts.docker import Container
from monitoring.program import Placement, Program
from stack.layout import Layout, build_layout
from tests.unit.stack_file import StackFile

RUNNING = ContainerState("running")
WELL = Container("id", "exas", "image", RUNNING, restart="unless-stopped")


def layout(file: StackFile | None = None) -> Layout:
    return build_layout((file or StackFile()).config(), "dev")


def deployed(found: Layout) -> dict[str, Deployed]:
    return {
        i.key: Deployed(f"id of {i.key}", i.host, i.key, i.spec_hash, "unless-stopped")
        for i in found.instances
    }


def on_hosts(found: Layout) -> dict[str, list[Container] | str]:
    return {i.host: [replace(WELL, id=f"id of {i.key}", name=i.key)] for i in found.instances}


def told(found: Layout, hosts: dict[str, list[Container] | str]) -> list[tuple[str, str, str]]:
    return [(d.kind, d.instance, d.what) for d in compare(found, deployed(found), hosts)]


def test_a_site_as_it_was_left_has_no_drift() -> None:
    assert told(layout(), on_hosts(layout())) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": ContainerState("exited")}, "exited; start it again with: exctl up"),
        ({"state": ContainerState("paused")}, "docker unpause exas"),
        ({"name": "old-exas"}, "docker rename old-exas exas"),
        ({"restart": "no"}, "its restart policy is no, not unless-stopped"),
        ({"memory_bytes": 300 << 20}, "its memory limit is 300 MiB, not none"),
        ({"nano_cpus": 1_500_000_000}, "its CPU limit is 1.5 CPUs, not none"),
        ({"id": "another"}, "somebody replaced the container exas"),
        ({"id": "another", "name": "other"}, "its container is gone"),
    ],
)
def test_each_change_of_a_container_is_told(change: dict[str, Any], words: str) -> None:
    found = layout()
    hosts = on_hosts(found)
    hosts["10.77.0.102"] = [replace(replace(WELL, id="id of exas"), **change)]
    kinds = {(kind, instance) for kind, instance, what in told(found, hosts) if words in what}
    assert kinds == {("host changed", "exas")}


def test_a_stray_container_is_named_with_what_to_do() -> None:
    found = layout()
    hosts = on_hosts(found)
    hosts["10.77.0.101"] = [*hosts["10.77.0.101"], Container("x", "stray", "image", RUNNING)]
    ((kind, instance, what),) = told(found, hosts)
    assert (kind, instance) == ("host changed", "stray")
    assert "exctl adopt" in what


def test_a_silent_host_is_not_known() -> None:
    found = layout()
    hosts = on_hosts(found) | {"10.77.0.102": "Connection timed out"}
    assert told(found, hosts) == [("unknown", "exas", "the host doesn't say: Connection timed out")]


def test_what_the_stack_file_wants_beyond_is_not_yet_deployed() -> None:
    before = layout()
    after = layout(StackFile().put("stopped", ["exas"]).put("excp.pairs.1.tag", "100.0.100.12"))
    kinds = {(d.kind, d.instance) for d in compare(after, deployed(before), on_hosts(before))}
    assert kinds == {("not yet deployed", key) for key in ("exas", "excp-1-1", "excp-1-2")}


def test_an_instance_that_the_file_has_no_longer_is_not_yet_removed() -> None:
    found = layout()
    was = deployed(found) | {"excp-9-1": Deployed("z", "10.77.0.101", "excp-9-1", "")}
    hosts = on_hosts(found)
    hosts["10.77.0.101"] = [
        *hosts["10.77.0.101"], Container("z", "excp-9-1", "image", RUNNING)
    ]  # fmt: skip
    (only,) = compare(found, was, hosts)
    assert (only.kind, only.instance) == ("not yet deployed", "excp-9-1")
    assert "exctl up" in only.what


def test_a_secret_set_again_concerns_those_who_use_it() -> None:
    before = "config:\n  exec:redisPassword: {secure: 'v1:a'}\n  exec:x: 1\n"
    now = before.replace("v1:a", "v1:b")
    assert renewed_secrets(before, before) == set()
    assert renewed_secrets(before, now) == {"redisPassword"}
    found = layout()
    names = [d.instance for d in not_yet_rotated(found, deployed(found), {"configDbPassword"})]
    assert names == ["excs"]


def test_limits_are_read_from_what_was_asked_for() -> None:
    row = {
        "type": "docker:index/container:Container",
        "urn": "urn:pulumi:dev::exec::a$docker:index/container:Container::container-exas",
        "id": "i",
        "provider": "urn:pulumi:dev::exec::pulumi:providers:docker::provider-10.0.0.2::u",
        "inputs": {"restart": "unless-stopped", "memory": 512, "cpus": "1.5"},
        "outputs": {"name": "exas", "labels": [{"label": "exec.spec", "value": "s"}]},
    }
    assert deployed_containers({"resources": [row]}) == {
        "exas": Deployed("i", "10.0.0.2", "exas", "s", "unless-stopped", 512 << 20, 1_500_000_000)
    }


PLACED = Placement(
    "dev", "", (Program("watch", "prometheus", "Prometheus", "i/prometheus:2", 9090, "/"),)
)
ELSEWHERE = replace(PLACED, programs=(replace(PLACED.programs[0], host="other"),))
WATCHER = Container("id of it", "exec-prometheus", "i", RUNNING, restart="unless-stopped")


def watcher(image: str = "i/prometheus:2") -> dict[str, Deployed]:
    """As the state has it."""
    provider = "urn:pulumi:dev::exec::p$pulumi:providers:docker::monitoring-on-watch::u"
    kinds = {
        "docker:index/container:Container": ("monitoring-prometheus", "exec-prometheus"),
        "docker:index/remoteImage:RemoteImage": ("monitoring-prometheus-image", image),
    }
    rows = [
        {
            "type": kind,
            "urn": f"urn:pulumi:dev::exec::exec:components:Monitoring${kind}::{name}",
            "id": "id of it",
            "provider": provider,
            "inputs": {"restart": "unless-stopped"},
            "outputs": {"name": found},
        }
        for kind, (name, found) in kinds.items()
    ]
    assert deployed_containers({"resources": rows}) == {}
    return deployed_watchers({"resources": rows})


@pytest.mark.parametrize(
    ("wanted", "deployed", "there", "said"),
    [
        (PLACED, watcher(), [WATCHER], []),
        (PLACED, {}, [], ["not yet deployed: it isn't placed yet; place it with: exctl up"]),
        (PLACED, watcher("i/prometheus:1"), [WATCHER],
         ["not yet deployed: the stack file has i/prometheus:2; deploy that with: exctl up"]),
        (ELSEWHERE, watcher(), [WATCHER],
         ["not yet deployed: the stack file moves it to other; move it with: exctl up"]),
        (None, watcher(), [WATCHER],
         ["not yet deployed: the stack file no longer has it; remove it with: exctl up"]),
        (PLACED, watcher(), [replace(WATCHER, state=ContainerState("exited"))],
         ["host changed: its container is exited; start it again with: exctl up"]),
        (PLACED, watcher(), [replace(WATCHER, memory_bytes=300 << 20)],
         ["host changed: its memory limit is 300 MiB, not none; fix it with docker update"]),
        (PLACED, watcher(), "no route", ["unknown: the host doesn't say: no route"]),
    ],
)  # fmt: skip
def test_what_watches_the_stack_is_compared_too(
    wanted: Placement | None,
    deployed: dict[str, Deployed],
    there: list[Container] | str,
    said: list[str],
) -> None:
    found = compare_watchers(wanted, deployed, {"watch": there})
    assert [f"{each.kind}: {each.what}" for each in found] == said
    assert {each.instance for each in found} <= {"monitoring-prometheus"}
