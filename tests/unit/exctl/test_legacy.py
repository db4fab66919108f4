"""Which container on a host is the legacy one of an instance, and what adopting it changes.

That it is really replaced, and comes back after a failure, is told in tests/lab/test_migrating.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from exctl.adoption import legacy_hosts
from exctl.adoption.legacy import Candidate, LegacyHost, candidates, difference, situation
from exctl.errors import ExctlError
from hosts.answer import HostAnswer
from hosts.docker import ASIDE, container_of, image_of
from stack.layout import Instance, build_layout
from tests.unit.stack_file import StackFile

ORG = "6662cb10-0d4d-4710-b979-db69011e66fd"
IMAGE_ID = "sha256:" + "a" * 64


def instance(key: str = "excp-1-1", stopped: bool = True) -> Instance:
    stack = StackFile().put("stopped", ["excs", "exas", "excp"] if stopped else [])
    layout = build_layout(stack.config(), "prod")
    return next(i for i in layout.instances if i.key == key)


def inspected(name: str = "exec-excp-1", **changes: Any) -> dict[str, Any]:
    """What `docker inspect` says of a container that compose started for EXCP."""
    environment = {**instance().environment, "ORG_ID": ORG, "REDIS_PASSWORD": "hidden-word"}
    environment |= changes.pop("environment", {})
    labels = {"com.docker.compose.project": "exec", "com.docker.compose.service": "excp"}
    host = {
        "NetworkMode": "host",
        "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0},
        "LogConfig": {"Type": "json-file", "Config": {}},
        "PortBindings": {},
    }
    return {
        "Id": changes.pop("id", name),
        "Name": f"/{name}",
        "Image": changes.pop("image_id", IMAGE_ID),
        "State": {"Status": changes.pop("state", "running")},
        "Mounts": [{"Type": "bind", "Source": "/var/log/exec", "Destination": "/logs", "RW": True}],
        "Config": {
            "Image": changes.pop("image", "10.77.0.10:5000/exec/excp:100.0.100.11"),
            "Env": ["PATH=/bin", *(f"{k}={v}" for k, v in environment.items())],
            "Labels": changes.pop("labels", labels),
            "Entrypoint": ["/entry"],
            **changes.pop("config", {}),
        },
        "HostConfig": host | changes.pop("host", {}),
    }


def container(name: str = "exec-excp-1", **changes: Any) -> Candidate:
    image = {"Config": {"Env": ["PATH=/bin"], "Entrypoint": ["/entry"]}}
    by_id = {IMAGE_ID: image_of(image)}
    (found,) = candidates([container_of(inspected(name, **changes))], by_id)
    return found


def ours(name: str = "excp-1-1") -> Candidate:
    return container(name, labels=dict(instance().labels))


def view(*containers: Candidate, taken: bool = True, image_id: str = IMAGE_ID) -> LegacyHost:
    ports = frozenset({3650}) if taken else frozenset[int]()
    return LegacyHost(containers, ports, {instance().image: image_id}, ())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": "excp-1-1", "labels": {}, "image": "other"},
        {"labels": {}, "image": "vendor.example.com/x/excp@sha256:" + "a" * 64},
        {"image": "x:1", "host": {"PortBindings": {"1/tcp": [{"HostPort": "3650"}]}}},
    ],
)
def test_a_legacy_container_is_known_by_name_image_compose_or_port(changes: Any) -> None:
    found = situation(instance(), view(container(**changes)), "prod")
    assert found.kind == "legacy"
    assert found.container is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": {}, "image": "redis:6"},
        {"environment": {"PORT": "3651"}},
        {"host": {"PortBindings": {"1/tcp": [{"HostPort": "3651"}]}}},
    ],
)
def test_a_container_of_something_else_is_left_alone(changes: Any) -> None:
    assert situation(instance(), view(container(**changes), taken=False), "prod").kind == "nothing"


def test_ours_is_ours_and_says_what_still_stands_aside() -> None:
    aside = container(f"exec-excp-1{ASIDE}", state="exited")
    found = situation(instance(stopped=False), view(ours(), aside), "prod")
    assert (found.kind, found.container) == ("ours", aside)
    assert situation(instance(stopped=False), view(ours()), "prod").kind == "ours"


def test_what_was_set_aside_without_ours_in_its_place_is_a_run_that_was_cut() -> None:
    aside = container(f"exec-excp-1{ASIDE}", state="exited")
    found = situation(instance(), view(aside, taken=False), "prod")
    assert (found.kind, found.container) == ("cut", aside)


SHOWN = "(10.77.0.10:5000/exec/excp:100.0.100.11, running)"
NO_CONTAINER = (
    "something listens on port 3650 that isn't a container known here; see what:"
    " sudo ss -ltnp sport = :3650"
)
ENDED = container(f"exec-excp-1{ASIDE}", state="exited")


@pytest.mark.parametrize(
    ("containers", "words"),
    [
        (
            [container("a"), container("b")],
            f"the container a {SHOWN} and the container b {SHOWN} could both be this instance;"
            f" remove or rename the wrong one",
        ),
        ([], NO_CONTAINER),
        ([container(state="exited")], NO_CONTAINER),
        (
            [container("excp-1-1", labels={"exec.stack": "other"})],
            f"the container excp-1-1 {SHOWN} is the stack other's",
        ),
        (
            [container(environment={"ORG_ID": "b"})],
            f"the container exec-excp-1 {SHOWN} serves another EX organization, b",
        ),
        (
            [container(), ours()],
            f"excp-1-1 is ours, but the container exec-excp-1 {SHOWN} is there as well; stop it",
        ),
        (
            [container(), ENDED],
            "exec-excp-1.before-exec was set aside before, and now there is the container"
            f" exec-excp-1 {SHOWN}: did the vendor's script run again? Remove one of them",
        ),
    ],
)
def test_what_isnt_understood_is_refused(containers: list[Candidate], words: str) -> None:
    found = situation(instance(), view(*containers), "prod")
    assert (found.kind, found.why) == ("refused", words)


SECRETS = {"redisPassword": "hidden-word"}
ALWAYS = [
    "variable REDIS_PASSWORD (secret): same",
    "restart: always -> unless-stopped",
    "log: json-file -> json-file (max-file=5, max-size=50m)",
    "compose: project exec, its files: compose no longer knows it",
]


def told(found: Candidate, secrets: dict[str, str] = SECRETS, **views: str) -> list[str]:
    """The difference without what every container of compose has."""
    lines = difference(found, instance(), view(found, **views), secrets)  # type: ignore[arg-type]
    return [line for line in lines if line not in ALWAYS]


def test_all_that_stays_is_counted_and_what_changes_is_told() -> None:
    same = ["image: the same, 10.77.0.10:5000/exec/excp:100.0.100.11 (aaaaaaaaaaaa)"]
    count = f"variables: {len(instance().environment)} the same"
    assert told(container()) == [*same, count]


def test_another_image_is_told_by_name_and_id() -> None:
    assert told(container(), image_id="sha256:" + "b" * 64)[0] == (
        "image: 10.77.0.10:5000/exec/excp:100.0.100.11 (aaaaaaaaaaaa) ->"
        " 10.77.0.10:5000/exec/excp:100.0.100.11 (bbbbbbbbbbbb)"
    )


def test_a_secret_is_only_said_to_be_the_same_or_not() -> None:
    lines = told(container(), {"redisPassword": "another-word"})
    assert "variable REDIS_PASSWORD (secret): DIFFERS" in lines
    assert not [line for line in lines if "word" in line.replace("PASSWORD", "")]


def test_variables_are_told_and_the_values_of_unknown_ones_are_not() -> None:
    lines = told(container(environment={"LOG_LEVEL": "debug", "PROXY_TOKEN": "x-y-z"}))
    assert "variable LOG_LEVEL: 'debug' -> 'info'" in lines
    assert (
        "variable PROXY_TOKEN: not kept; to keep it, write it into excp.pairs.1.environment"
        in lines
    )
    assert not [line for line in lines if "x-y-z" in line]


def test_what_compose_sets_and_we_dont_is_told() -> None:
    host = {"ExtraHosts": ["a:1"], "NetworkMode": "exec_default"}
    lines = told(container(host=host, config={"Healthcheck": {"Test": ["x"]}}))
    assert lines[2:] == [
        "network: exec_default -> host",
        "not kept: Healthcheck of its own",
        "not kept: ExtraHosts",
    ]


def test_a_port_is_free_only_if_the_host_says_so() -> None:
    said = {":3650": HostAnswer(0, "LISTEN 0 128 *:3650 *:*\n", ""), ":3651": HostAnswer(0, "", "")}
    found = legacy_hosts.listening("exec-1", lambda words: said[words[-1][-5:]], [3650, 3651])
    assert found == {3650}
    missing = HostAnswer(127, "", "sh: 1: ss: not found")
    with pytest.raises(ExctlError, match="exec-1: sh: 1: ss: not found"):
        legacy_hosts.listening("exec-1", lambda _: missing, [3650])
