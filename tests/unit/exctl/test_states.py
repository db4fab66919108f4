"""When a state is another stack's, and which containers a state doesn't know.

That Pulumi takes a copied state, and what then happens, is told in tests/lab/test_states.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from exctl.adoption.legacy import lost, situation
from exctl.observe.deployed import deployed_containers
from exctl.pulumi.ownership import reasons
from exctl.pulumi.state import State, detached, without_host
from exctl.runs.unknown import others, unknown
from hosts.docker import Container
from tests.unit.exctl.sites import make_site
from tests.unit.exctl.test_legacy import IMAGE_ID, container, instance, view

SITE = make_site()
EXAS = next(i for i in SITE.layout.instances if i.key == "exas")


def urn(name: str, stack: str = "dev", project: str = "exec") -> str:
    return f"urn:pulumi:{stack}::{project}::docker:index/container:Container::{name}"


def state(
    stack: str = "dev",
    project: str = "exec",
    host: str = EXAS.host,
    pending: str = "",
    **labels: str,
) -> State:
    """One with EXAS alone, whose container has the id `a`."""
    of = dict(EXAS.labels) | {key.replace("_", "."): value for key, value in labels.items()}
    row: dict[str, Any] = {
        "urn": urn("container-exas", stack, project),
        "id": "a",
        "provider": f"{urn(f'provider-{host}', stack, project)}::1",
        "inputs": {"labels": [{"label": k, "value": v} for k, v in of.items()]},
    }
    operations = [{"resource": {"urn": urn(pending)}, "type": "creating"}] if pending else []
    return State(3, {"resources": [row], "pending_operations": operations})


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (state(), ""),
        (State(3, {}), ""),
        (state(stack="two"), "named after the stack two of the project exec"),
        (state(project="exec2"), "named after the stack dev of the project exec2"),
        (state(exec_stack="two"), f"the container exas on {EXAS.host} is the stack two's"),
        (state(exec_org="another"), ""),
        (state(exec_org="another", exec_tenant="9"), "is of the tenant 9, EX organization another"),
        (state(exec_org="another", host="10.9.9.9"), "EX organization another"),
    ],
)
def test_a_state_that_names_another_stack_project_or_tenant_isnt_ours(
    found: State, said: str
) -> None:
    told = reasons(found, SITE, "exec")
    assert bool(told) == bool(said)
    assert said in "".join(told)


def on_host(identifier: str, **labels: str) -> Container:
    of = dict(EXAS.labels) | {key.replace("_", "."): value for key, value in labels.items()}
    return Container(identifier, "exas", "image", labels=of)


def test_a_container_of_the_state_with_another_stacks_label_is_named() -> None:
    listed = {EXAS.host: [on_host("a", exec_stack="two"), on_host("b", exec_stack="two")]}
    assert others(state(), listed, "dev") == [
        f"the container exas on {EXAS.host} is the stack two's"
    ]


@pytest.mark.parametrize(
    ("found", "there", "is_unknown"),
    [
        (state(), on_host("a"), False),
        (state(), on_host("b"), True),
        (State(3, {}), on_host("a"), True),
        (State(3, {}), on_host("a", exec_stack="two"), False),
        (State(3, {}), on_host("a", exec_org="another"), False),
        (state(pending="container-exas"), on_host("b"), False),
    ],
)
def test_what_the_state_doesnt_have_is_unknown_but_for_what_a_killed_run_was_making(
    found: State, there: Container, is_unknown: bool
) -> None:
    seen = unknown(found, {EXAS.host: [there]}, "dev", SITE.config.tenant.org_id)
    assert [each.instance for each in seen] == (["exas"] if is_unknown else [])


def as_wanted(**changes: Any) -> Any:
    one = instance(stopped=False)
    given: dict[str, Any] = {
        "name": one.container_name,
        "labels": dict(one.labels),
        "image": IMAGE_ID,
        "environment": {**one.environment, "REDIS_PASSWORD": "hidden-word"},
    }
    log = {"max-size": f"{one.log_max_size_mib}m", "max-file": str(one.log_max_files)}
    host = {
        "RestartPolicy": {"Name": "unless-stopped"},
        "LogConfig": {"Type": "json-file", "Config": log},
        "Memory": (one.resources.memory_mib or 0) * 1024 * 1024,
        "NanoCpus": round((one.resources.cpus or 0) * 1_000_000_000),
    }
    return container(**{**given, "host": host | changes.pop("host", {}), **changes})


SECRETS = {"redisPassword": "hidden-word"}


@pytest.mark.parametrize(
    ("changes", "secrets", "kind"),
    [
        ({}, SECRETS, "lost"),
        ({"image": "sha256:" + "b" * 64}, SECRETS, "legacy"),
        ({"host": {"Memory": 1}}, SECRETS, "legacy"),
        ({"host": {"NetworkMode": "bridge"}}, SECRETS, "legacy"),
        ({}, {"redisPassword": "another"}, "legacy"),
        ({}, {}, "legacy"),
    ],
)
def test_a_lost_container_is_taken_back_only_as_the_very_same(
    changes: dict[str, Any], secrets: dict[str, str], kind: str
) -> None:
    one, there = instance(stopped=False), as_wanted(**changes)
    seen = view(there)
    assert lost(situation(one, seen, "prod"), there, seen, secrets).kind == kind


MONITORING = "exec:components:Monitoring"
WATCHER = "10.9.9.50"


def watched_state() -> State:
    """EXAS, and a Prometheus on a host of its own that a plain `pulumi up` has put behind it."""
    provider = (
        f"urn:pulumi:dev::exec::{MONITORING}$pulumi:providers:docker::monitoring-on-{WATCHER}"
    )
    kind = "docker:index/container:Container"
    prometheus = {
        "urn": f"urn:pulumi:dev::exec::{MONITORING}${kind}::monitoring-prometheus",
        "type": kind,
        "id": "p",
        "provider": f"{provider}::1",
        "dependencies": [urn("container-exas"), provider],
    }
    rows = [*state().rows, {"urn": provider, "type": "pulumi:providers:docker"}, prometheus]
    return State(3, {"resources": rows})


def test_what_watches_is_no_instance_and_its_host_none_of_execs() -> None:
    known = watched_state()
    assert known.hosts == {EXAS.host: ["exas"]}
    assert known.containers == {"exas": "a"}
    assert known.monitoring == {WATCHER: ["prometheus"]}
    assert known.held == {EXAS.host: ["exas"], WATCHER: ["prometheus"]}


def test_a_host_that_watches_can_be_forgotten() -> None:
    left = without_host(watched_state(), WATCHER)
    assert left.held == {EXAS.host: ["exas"]}
    assert left.names == {"container-exas"}


def test_what_watches_holds_no_instance_in_the_state() -> None:
    known = detached(watched_state())
    (provider,) = known.rows[-1]["dependencies"]
    assert provider.endswith(f"::monitoring-on-{WATCHER}")
    assert detached(known) is known


def test_what_watches_is_not_drift() -> None:
    rows = [dict(row, outputs={}, inputs={}) for row in watched_state().rows]
    rows[0]["type"] = "docker:index/container:Container"
    assert deployed_containers({"resources": rows}).keys() == {"exas"}
