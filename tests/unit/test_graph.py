"""The resources that Pulumi is told of: types, names, parents, what waits for what, what is secret.

With Pulumi's mocks: proves the declaration, not what an engine makes of it.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest
from google.protobuf import json_format
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2

from components.connector import Connector
from health.gates.resources import (
    BakeGateProvider,
    GateProvider,
    HealthGateProvider,
    PairGuardProvider,
    SyncGateProvider,
)
from hosts.shell import DOCKER_SOCKET
from monitoring.placement import placement
from stack.layout import Layout, build_layout
from stack.loader import MONITORING_VARIABLE, Secrets
from tests.unit.stack_file import StackFile

IMAGE, CONTAINER = "docker:index/remoteImage:RemoteImage", "docker:index/container:Container"
SECRET = "not-to-be-seen"
SECRET_MARK = "1b47061264138c4ac30d75fd1eb44270"
LOGS = "/var/log/exec"
DIGEST = f"sha256:{'d' * 64}"


@dataclass
class Registered:
    """One registration as it went to the engine."""

    type: str
    name: str
    inputs: dict[str, Any]
    parent: str
    dependencies: set[str]
    request: resource_pb2.RegisterResourceRequest = field(repr=False)


class Recorder(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        outputs = {"imageId": f"sha256:{args.name}", "repoDigest": f"repo@{DIGEST}"}
        return f"id-{args.name}", {**args.inputs, **outputs}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], None]:
        return {}, None


class Monitor(mocks.MockMonitor):
    def __init__(self) -> None:
        super().__init__(Recorder())
        self.requests: list[resource_pb2.RegisterResourceRequest] = []

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> Any:
        self.requests.append(request)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]  # untyped SDK


def register(file: StackFile) -> tuple[dict[str, Registered], dict[str, Any]]:
    """Everything that the program registers for a stack file, by name, and the stack's outputs."""
    monitor = Monitor()
    mocks.set_mocks(Recorder(), monitor=monitor, project="exec", stack="dev", preview=False)
    outputs: dict[str, Any] = {}

    @mocks.test  # type: ignore[untyped-decorator]  # untyped SDK
    def program() -> pulumi.Output[None]:
        config = file.config()
        secrets: Secrets = {
            name: pulumi.Output.secret(f"{SECRET}-{name}") for name in file.secret_keys
        }
        layout = build_layout(config, "dev")
        connector = Connector(config, secrets, layout, placement(config, layout, "dev"))
        return pulumi.Output.from_input(connector.outputs).apply(outputs.update)

    program()
    return {r.name: _registered(r) for r in monitor.requests}, outputs


def _registered(request: resource_pb2.RegisterResourceRequest) -> Registered:
    return Registered(
        request.type,
        request.name,
        json_format.MessageToDict(request.object),
        request.parent.rsplit("::", 1)[-1],
        {urn.rsplit("::", 1)[-1] for urn in request.dependencies},
        request,
    )


def qualified_type(graph: dict[str, Registered], name: str) -> str:
    """The types of a resource's parents and its own, as its URN has them."""
    found = graph[name]
    above = graph.get(found.parent)
    is_top = above is None or above.type == "pulumi:pulumi:Stack"
    return found.type if is_top else f"{qualified_type(graph, found.parent)}${found.type}"


@pytest.fixture(scope="module")
def graph() -> dict[str, Registered]:
    return register(StackFile())[0]


@pytest.fixture
def layout() -> Layout:
    return build_layout(StackFile().config(), "dev")


def waits_for(graph: dict[str, Registered], name: str) -> set[str]:
    """All that must be done before `name` begins, however far back."""
    found: set[str] = set()
    todo = [name]
    while todo:
        for other in graph[todo.pop()].dependencies:
            if other in graph and other not in found:
                found.add(other)
                todo.append(other)
    return found


def test_every_instance_has_an_image_a_container_and_a_health_gate(
    graph: dict[str, Registered], layout: Layout
) -> None:
    for instance in layout.instances:
        assert graph[f"image-{instance.key}"].type == IMAGE
        assert graph[f"container-{instance.key}"].type == CONTAINER
        assert graph[f"health-{instance.key}"].type == "pulumi-python:dynamic/exec:HealthGate"


def test_names_hold_no_position_in_a_list(graph: dict[str, Registered]) -> None:
    assert {name for name in graph if name.startswith("guard-")} == {
        "guard-excp-1-1",
        "guard-excp-1-2",
    }
    assert {name for name in graph if name.startswith("host-")} == {
        f"host-10.77.0.{last}" for last in (101, 102, 103, 104)
    }


def test_every_resource_has_its_component_as_its_parent(graph: dict[str, Registered]) -> None:
    assert graph["connector"].parent == "exec-dev"
    assert graph["provider-10.77.0.101"].parent == "host-10.77.0.101"
    assert graph["image-excp-1-2"].parent == "host-10.77.0.104"
    assert graph["container-excp-1-2"].parent == "excp-1-2"
    assert graph["excp-1-2"].parent == "pair-1"
    assert graph["pair-1"].parent == "conversation-provider"
    assert graph["sync-excs"].parent == "config-sync"
    assert graph["config-sync"].parent == "connector"


def test_urns_are_those_that_stacks_are_deployed_with(graph: dict[str, Registered]) -> None:
    """Each part of these is in the state of every stack: see decision 0012 before changing one."""
    connector, service = "exec:components:Connector", "exec:components:Service"
    excs, exas = f"{connector}$exec:components:Excs", f"{connector}$exec:components:Exas"
    excp = f"{connector}$exec:components:Excp"
    pair = f"{excp}$exec:components:ExcpPair"
    assert {name: qualified_type(graph, name) for name in graph} == {
        "exec-dev": "pulumi:pulumi:Stack",
        "connector": connector,
        **_of_host("10.77.0.101", "excs"),
        **_of_host("10.77.0.102", "exas"),
        **_of_host("10.77.0.103", "excp-1-1"),
        **_of_host("10.77.0.104", "excp-1-2"),
        "config-sync": excs,
        **_of_instance("excs", f"{excs}${service}"),
        "sync-excs": f"{excs}$pulumi-python:dynamic/exec:SyncGate",
        "agent-state-sync": exas,
        **_of_instance("exas", f"{exas}${service}"),
        "conversation-provider": excp,
        "pair-1": pair,
        **_of_instance("excp-1-1", f"{pair}${service}", is_guarded=True),
        **_of_instance("excp-1-2", f"{pair}${service}", is_guarded=True),
    }


def _of_host(address: str, key: str) -> dict[str, str]:
    host = "exec:components:Connector$exec:components:Host"
    return {
        f"host-{address}": host,
        f"provider-{address}": f"{host}$pulumi:providers:docker",
        f"image-{key}": f"{host}${IMAGE}",
    }


def _of_instance(key: str, component: str, *, is_guarded: bool = False) -> dict[str, str]:
    guard = {f"guard-{key}": f"{component}$pulumi-python:dynamic/exec:PairGuard"}
    return {
        key: component,
        f"container-{key}": f"{component}${CONTAINER}",
        f"health-{key}": f"{component}$pulumi-python:dynamic/exec:HealthGate",
        **(guard if is_guarded else {}),
    }


@pytest.mark.parametrize("stopped", [[], ["excs"], ["excp-1-1"]])
def test_no_container_is_touched_before_every_image_is_pulled(
    layout: Layout, stopped: list[str]
) -> None:
    graph, _ = register(StackFile().put("stopped", stopped))
    images = {f"image-{instance.key}" for instance in layout.instances}
    containers = [name for name in graph if name.startswith("container-")]
    assert len(containers) == len(layout.instances) - len(stopped)
    for name in containers:
        assert images <= waits_for(graph, name)


def test_exas_and_excp_wait_for_the_sync(graph: dict[str, Registered]) -> None:
    for key in ("exas", "excp-1-1", "excp-1-2"):
        assert {"sync-excs", "health-excs", "container-excs"} <= waits_for(
            graph, f"container-{key}"
        )
    assert "sync-excs" not in waits_for(graph, "container-excs")


def test_the_second_of_a_pair_waits_for_the_first_ones_health(
    graph: dict[str, Registered],
) -> None:
    assert "health-excp-1-1" in waits_for(graph, "guard-excp-1-2")
    assert "guard-excp-1-2" in graph["container-excp-1-2"].dependencies
    assert not {name for name in waits_for(graph, "container-excp-1-1") if "1-2" in name} - {
        "image-excp-1-2"
    }


def test_the_one_named_first_goes_before_its_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXEC_PAIR_FIRST", "excp-1-2")
    graph, _ = register(StackFile())
    assert "health-excp-1-2" in waits_for(graph, "guard-excp-1-1")
    assert "container-excp-1-1" not in waits_for(graph, "container-excp-1-2")
    assert graph["health-excp-1-2"].inputs["rule"]["waiting"] == ["excp-1-1"]


def test_a_guard_knows_its_pairs_containers(graph: dict[str, Registered]) -> None:
    rule = graph["guard-excp-1-2"].inputs["rule"]
    assert (rule["stack"], rule["container_name"]) == ("dev", "excp-1-2")
    assert rule["peer_container_name"] == "excp-1-1"


def test_exas_and_the_pairs_do_not_wait_for_each_other(graph: dict[str, Registered]) -> None:
    assert not {n for n in waits_for(graph, "container-excp-1-1") if n.endswith("-exas")} - {
        "image-exas"
    }
    assert not {n for n in waits_for(graph, "container-exas") if "health-excp" in n}


def test_a_gates_trigger_is_its_containers_id(graph: dict[str, Registered]) -> None:
    assert graph["health-exas"].inputs["trigger"] == "id-container-exas"
    assert graph["sync-excs"].inputs["trigger"] == "id-container-excs"


def test_nothing_is_secret_in_clear(graph: dict[str, Registered]) -> None:
    marker = SECRET_MARK
    secret_env = [e for e in graph["container-excs"].inputs["envs"] if isinstance(e, dict)]
    assert len(secret_env) == 3
    assert all(marker in e.values() for e in secret_env)
    plain = [e for e in graph["container-excs"].inputs["envs"] if isinstance(e, str)]
    assert not [e for e in plain if SECRET in e]
    assert marker in str(graph["guard-excp-1-1"].inputs["trigger"])
    assert "trigger" in graph["guard-excp-1-1"].request.additionalSecretOutputs


def test_a_container_is_what_the_vendors_page_asks_for(graph: dict[str, Registered]) -> None:
    inputs = graph["container-exas"].inputs
    assert inputs["networkMode"] == "host"
    assert inputs["restart"] == "unless-stopped"
    assert inputs["volumes"] == [{"containerPath": "/logs", "hostPath": "/var/log/exec"}]
    assert inputs["logOpts"] == {"max-size": "50m", "max-file": "5"}
    assert inputs["image"] == "sha256:image-exas"
    assert graph["image-exas"].inputs["keepLocally"] is True


def test_memory_and_swap_are_limited_together() -> None:
    found, _ = register(StackFile().put("exas.resources", {"memory_mib": 512, "cpus": 1.5}))
    inputs = found["container-exas"].inputs
    assert (inputs["memory"], inputs["memorySwap"], inputs["cpus"]) == (512, 512, "1.5")
    assert "memory" not in found["container-excs"].inputs


def test_what_is_stopped_has_its_image_and_no_container() -> None:
    found, outputs = register(StackFile().put("stopped", ["excp-1-1", "exas"]))
    assert "image-excp-1-1" in found
    assert not {"container-excp-1-1", "container-exas", "guard-excp-1-1"} & found.keys()
    assert "sync-excs" in waits_for(found, "container-excp-1-2")
    assert "exas" not in outputs["health"]


def test_without_excs_nothing_waits_for_its_sync() -> None:
    found, outputs = register(StackFile().put("stopped", ["excs"]))
    assert "sync-excs" not in found
    assert "container-exas" in found
    assert outputs["excs_status"] is None


def test_the_outputs_are_those_of_the_contract() -> None:
    _, outputs = register(StackFile())
    assert list(outputs) == [
        "endpoints",
        "health",
        "excs_status",
        "prometheus_targets",
        "release",
        "hosts",
    ]
    assert outputs["release"]["excp-1"] == {"tag": "100.0.100.11", "digest": DIGEST}
    assert outputs["health"]["exas"] == "http://10.77.0.102:3630/health"


@pytest.mark.parametrize(
    "provider",
    [HealthGateProvider, SyncGateProvider, BakeGateProvider, PairGuardProvider],
)
def test_the_state_has_a_gates_name_and_not_its_logic(provider: type[GateProvider]) -> None:
    """Else each changed line of a gate would be an update of every stack that is deployed."""
    pickled = base64.b64decode(serialize_provider(provider()))
    assert b"health.gates.resources" in pickled
    assert provider.__name__.encode() in pickled
    assert len(pickled) < 100


def test_without_bake_there_is_no_gate_of_it(graph: dict[str, Registered]) -> None:
    assert not [name for name in graph if name.startswith("bake-")]


def test_bake_watches_each_instance_once_the_gates_of_its_service_or_pair_are_open() -> None:
    graph, _ = register(StackFile().put("gate.bake", {"seconds": 60}))
    baked = {name for name in graph if name.startswith("bake-")}
    assert baked == {f"bake-{key}" for key in ("excs", "exas", "excp-1-1", "excp-1-2")}
    assert "sync-excs" in graph["bake-excs"].dependencies
    assert "health-exas" in graph["bake-exas"].dependencies
    for key in ("excp-1-1", "excp-1-2"):
        assert {"health-excp-1-1", "health-excp-1-2"} <= waits_for(graph, f"bake-{key}")
    # Nothing waits for it: neither the peer nor another service.
    for name in set(graph) - baked:
        assert not waits_for(graph, name) & baked


def test_between_pairs_the_next_pair_waits_until_the_one_before_has_stayed_healthy() -> None:
    file = StackFile().put("gate.bake", {"seconds": 60, "between_pairs": True})
    first = json.loads(file.values["excp"])["pairs"]["1"]
    file.put("excp.pairs.2", first | {"hosts": ["10.77.0.105", "10.77.0.106"]})
    graph, _ = register(file)
    baked = {"bake-excp-1-1", "bake-excp-1-2"}
    assert baked <= waits_for(graph, "container-excp-2-1")
    assert not baked & waits_for(graph, "container-exas")


def watched() -> StackFile:
    file = StackFile().put("monitoring", {"host": "10.77.0.50", "exporter": "10.77.0.1:9640"})
    return file.put("registry.infra_repository", "registry.example.com/infra")


def test_what_watches_comes_after_every_gate() -> None:
    graph, outputs = register(watched())
    gates = {name for name in graph if name.startswith(("health-", "sync-"))}
    for name in ("prometheus", "alertmanager", "blackbox-exporter"):
        assert gates <= waits_for(graph, f"monitoring-{name}")
        assert qualified_type(graph, f"monitoring-{name}").startswith("exec:components:Monitoring$")
    assert outputs["monitoring"]["prometheus"] == "http://10.77.0.50:9090"


def test_a_run_of_exctl_is_without_what_watches_or_about_it_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(MONITORING_VARIABLE, "without")
    graph, outputs = register(watched())
    assert not [name for name in graph if name.startswith("monitoring")]
    assert "monitoring" in outputs
    monkeypatch.setenv(MONITORING_VARIABLE, "alone")
    graph, _ = register(watched())
    assert not {n for n in waits_for(graph, "monitoring-prometheus") if "monitoring" not in n}


def test_old_log_files_are_a_resource_of_each_host_that_comes_last() -> None:
    graph, _ = register(StackFile().put("logs.retention_days", 14))
    found = {name for name in graph if name.startswith("retention-")}
    assert found == {f"retention-10.77.0.{last}" for last in (101, 102, 103, 104)}
    assert all("health-excp-1-2" in waits_for(graph, name) for name in found)


def test_what_was_collected_outlives_its_container_and_files_are_secret() -> None:
    graph, _ = register(watched())
    assert graph["monitoring-prometheus-data"].request.retainOnDelete
    container = graph["monitoring-alertmanager"]
    assert container.request.ignoreChanges == ["uploads"]
    assert SECRET_MARK in graph["monitoring-alertmanager-settings"].inputs["files"].values()
    assert SECRET_MARK in container.inputs["uploads"].values()


def test_what_is_told_to_read_its_files_again_is_started_again_all_the_same() -> None:
    file = watched().put("monitoring.portainer", {"enabled": True})
    file.values["portainerPassword"] = "hidden"
    file.secret_keys.add("portainerPassword")
    graph, _ = register(file)
    for name in ("prometheus", "alertmanager", "blackbox-exporter"):
        inputs = graph[f"monitoring-{name}"].inputs
        assert (inputs["restart"], inputs["stopSignal"]) == ("always", "SIGTERM")
    assert graph["monitoring-portainer"].inputs["restart"] == "unless-stopped"


def test_what_ships_log_files_comes_last_and_may_read_them_and_no_more() -> None:
    file = StackFile().put("logging", {"shipping": {"url": "http://loki:3100/p", "user": "exec"}})
    file.put("registry.infra_repository", "registry.example.com/infra")
    file.values["shippingPassword"] = "hidden"
    file.secret_keys.add("shippingPassword")
    graph, outputs = register(file)
    found = {f"monitoring-alloy-10.77.0.{last}" for last in (101, 102, 103, 104)}
    assert found <= graph.keys()
    assert "monitoring" not in outputs
    name = "monitoring-alloy-10.77.0.103"
    assert "health-excp-1-2" in waits_for(graph, name)
    assert graph[f"{name}-data"].request.retainOnDelete
    container = graph[name]
    assert not container.request.ignoreChanges
    logs, data = container.inputs["volumes"]
    assert logs == {"hostPath": LOGS, "containerPath": LOGS, "readOnly": True}
    assert data["containerPath"] == "/var/lib/exec"
    assert container.inputs["capabilities"] == {"drops": ["ALL"], "adds": ["DAC_READ_SEARCH"]}
    assert container.inputs["memory"] == 512
    elsewhere = {name: value for name, value in container.inputs.items() if name != "uploads"}
    assert SECRET not in json.dumps(elsewhere)
    assert SECRET in json.dumps(container.inputs["uploads"])
    assert SECRET_MARK in container.inputs["uploads"].values()
    assert not graph[f"{name}-settings"].inputs["files"]


def test_portainers_password_is_a_secret_file_and_it_has_the_socket() -> None:
    file = watched().put("monitoring.portainer", {"enabled": True})
    file.values["portainerPassword"] = "hidden"
    file.secret_keys.add("portainerPassword")
    graph, outputs = register(file)
    container = graph["monitoring-portainer"]
    assert SECRET_MARK in container.inputs["uploads"].values()
    (upload,) = container.inputs["uploads"]["value"]
    assert upload["content"] == f"{SECRET}-portainerPassword"
    elsewhere = {name: value for name, value in container.inputs.items() if name != "uploads"}
    assert SECRET not in json.dumps(elsewhere)
    settings = graph["monitoring-portainer-settings"].inputs
    assert SECRET_MARK in settings["files"].values()
    assert SECRET_MARK in settings["digest"].values()
    socket, data = container.inputs["volumes"]
    assert socket == {"hostPath": DOCKER_SOCKET, "containerPath": DOCKER_SOCKET}
    assert data["containerPath"] == "/data"
    assert outputs["monitoring"]["portainer"].startswith("https://")
