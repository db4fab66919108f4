"""The docker plugin's rules, without Docker: check, diff, what the state holds, names of images."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from plugins.docker import state
from plugins.docker.check import checked
from plugins.docker.container_fields import CONTAINER
from plugins.docker.container_seen import go_duration, is_of, was_started
from plugins.docker.diff import compared
from plugins.docker.images import repository_and_tag
from plugins.docker.other_fields import IMAGE, NETWORK
from plugins.docker.provider import SECRET, SIGNATURE, Provider, settings_refused
from plugins.docker.values import UNKNOWN, props_of, struct_of
from tests.plugins.cli import CLONE

URN = "urn:pulumi:dev::p::docker:index/container:Container::c"


def container(**more: Any) -> dict[str, Any]:
    return {"image": "x:1", "name": "c", **more}


def outputs(**more: Any) -> dict[str, Any]:
    return state.made(CONTAINER, checked(CONTAINER, container(**more)).inputs)


def failures(**more: Any) -> dict[str, str]:
    found = Provider().check(URN, None, container(**more)).failures
    return {failure.property: failure.reason for failure in found}


@pytest.mark.parametrize(
    ("given", "property_", "words"),
    [
        ({"gpus": "all"}, "gpus", "not supported"),
        ({"attach": True}, "attach", "not supported"),
        ({"nonsense": 1}, "nonsense", "is not a property"),
        ({"exitCode": 1}, "exitCode", "is not a property"),
        ({"restart": "sometimes"}, "restart", "is 'sometimes'; allowed: no, on-failure"),
        ({"memory": -5}, "memory", "is -5; allowed: 0 or more"),
        ({"memory": "much"}, "memory", "must be a whole number"),
        ({"mounts": [{"type": "nfs", "target": "/x"}]}, "mounts[0].type", "bind, volume or tmpfs"),
        ({"labels": [{"label": "a"}]}, "labels[0].value", "is required"),
        ({"volumes": [{"nonsense": 1}]}, "volumes[0].nonsense", "is not a property"),
        ({"healthcheck": {"interval": "often"}}, "healthcheck.interval", "a duration like"),
        ({"image": None}, "image", "is required"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(
    given: dict[str, Any], property_: str, words: str
) -> None:
    assert words in failures(**given)[property_]


def test_what_says_nothing_is_not_refused() -> None:
    assert failures(gpus="", attach=False, logs=None) == {}


def test_an_image_is_not_built() -> None:
    urn = "urn:pulumi:dev::p::docker:index/remoteImage:RemoteImage::i"
    found = Provider().check(urn, None, {"name": "x:1", "build": {"context": "."}}).failures
    assert [(f.property, "not supported" in f.reason) for f in found] == [("build", True)]


def test_settings_of_a_provider_are_refused_by_name() -> None:
    found = settings_refused({"host": "ssh://h", "caMaterial": "x", "__internal": {}})
    assert [failure.property for failure in found] == ["caMaterial"]


def test_a_name_that_nobody_gave_stays() -> None:
    first = Provider().check(URN, None, {"image": "x:1"}).inputs
    again = Provider().check(URN, first, {"image": "x:2"}).inputs
    assert first["name"].startswith("c-")
    assert again["name"] == first["name"]
    assert "name" in again["__defaults"]


def test_values_take_the_type_of_their_property() -> None:
    found = checked(CONTAINER, container(memory="64", envs=["A=1"], cpus=2, sysctls={"a": 1}))
    assert not found.failures
    assert found.inputs["memory"] == 64
    assert found.inputs["cpus"] == "2"
    assert found.inputs["sysctls"] == {"a": "1"}


def changed(old: dict[str, Any], new: dict[str, Any]) -> tuple[list[str], list[str]]:
    news = checked(CONTAINER, container(**new)).inputs
    found = compared(CONTAINER, outputs(**old), news)
    return sorted(found.changes), sorted(found.replaces)


@pytest.mark.parametrize(
    ("old", "new", "changes", "replaces"),
    [
        ({}, {}, [], []),
        ({"memory": 64}, {"memory": 128}, ["memory"], []),
        ({"memory": 64}, {}, ["memory"], []),
        ({"envs": ["A=1", "B=2"]}, {"envs": ["B=2", "A=1"]}, [], []),
        ({"envs": ["A=1"]}, {"envs": ["A=2"]}, ["envs"], ["envs"]),
        ({"command": ["a", "b"]}, {"command": ["b", "a"]}, ["command"], ["command"]),
        ({"command": ["a"]}, {}, [], []),
        ({"image": "x:1"}, {"image": UNKNOWN}, ["image"], ["image"]),
        ({"healthcheck": {"interval": "1m30s"}}, {"healthcheck": {"interval": "90s"}}, [], []),
        ({"mustRun": False}, {"mustRun": True}, ["mustRun"], []),
        ({"labels": [{"label": "a", "value": "1"}]}, {"labels": []}, [], []),
    ],
)
def test_a_change_is_in_place_or_a_replacement(
    old: dict[str, Any], new: dict[str, Any], changes: list[str], replaces: list[str]
) -> None:
    assert changed(old, new) == (changes, replaces)


def test_a_port_that_docker_chose_is_no_change_and_ports_have_no_order() -> None:
    old = outputs(ports=[{"internal": 80, "external": 8080}, {"internal": 81, "external": 32768}])
    news = checked(
        CONTAINER, container(ports=[{"internal": 81}, {"internal": 80, "external": 8080}])
    ).inputs
    assert not compared(CONTAINER, old, news).changes
    news["ports"][1]["external"] = 8081
    assert compared(CONTAINER, old, news).replaces == ("ports",)


def test_ignored_changes_are_none() -> None:
    news = checked(CONTAINER, container(memory=128)).inputs
    assert not compared(CONTAINER, outputs(memory=64), news, ["memory"]).changes


def test_outputs_with_unknowns_have_no_delta() -> None:
    planned = state.planned(NETWORK, {"name": "n"})
    assert planned["scope"] is UNKNOWN
    assert state.DELTA not in state.sealed(NETWORK, planned, "", "")


def test_a_delta_names_lists_maps_objects_and_other_names() -> None:
    made = state.made(IMAGE, {"name": "x", "triggers": {"a": "b"}, "pullTriggers": ["c"]})
    sealed = state.sealed(IMAGE, made, "id", "")
    assert sealed[state.DELTA] == {
        "obj": {
            "ps": {
                "build": {"plu": {"i": {}}},
                "pullTriggers": {"arr": {}},
                "triggers": {"map": {}},
            }
        }
    }


def test_values_survive_the_wire() -> None:
    value = {"a": [1, 2.5, True, None, "x", {"b": UNKNOWN}], "c": {}}
    assert props_of(struct_of(value)) == value


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("x", ("x", "latest")),
        ("x:1", ("x", "1")),
        ("h:5000/x", ("h:5000/x", "latest")),
        ("h:5000/x:1", ("h:5000/x", "1")),
        ("x@sha256:ab", ("x", "sha256:ab")),
        ("h:5000/x:1@sha256:ab", ("h:5000/x", "sha256:ab")),
    ],
)
def test_the_parts_of_an_images_name(name: str, parts: tuple[str, str]) -> None:
    assert repository_and_tag(name) == parts


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (5 * 10**8, "500ms"),
        (15 * 10**8, "1.5s"),
        (90 * 10**9, "1m30s"),
        (3600 * 10**9, "1h0m0s"),
    ],
)
def test_durations_are_written_as_go_writes_them(nanoseconds: int, text: str) -> None:
    assert go_duration(nanoseconds) == text


def test_a_container_is_known_by_everything_that_was_asked_for() -> None:
    body = {
        "Image": "x:1",
        "Cmd": ["a"],
        "Env": ["A=1"],
        "Labels": {"l": "1"},
        "HostConfig": {"Memory": 64, "Binds": [], "LogConfig": {"Type": "", "Config": {}}},
    }
    seen = {
        "Config": {"Image": "x:1", "Cmd": ["a"], "Env": ["PATH=/", "A=1"], "Labels": {"l": "1"}},
        "HostConfig": {"Memory": 64, "LogConfig": {"Type": "json-file", "Config": {}}},
        "State": {"StartedAt": "0001-01-01T00:00:00Z"},
    }
    assert is_of(seen, body)
    assert not was_started(seen)
    assert not is_of({**seen, "HostConfig": {"Memory": 65}}, body)
    assert not is_of(seen, {**body, "Labels": {"l": "2"}})
    assert not is_of(seen, {**body, "Env": ["A=2"]})


def test_nothing_of_docker_is_imported_before_it_is_asked() -> None:
    words = "import sys, plugins.docker.service; print('docker' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", words], cwd=CLONE, capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_a_secret_in_a_nested_setting_is_read() -> None:
    secret = {SIGNATURE: SECRET, "value": "hush"}
    entries = json.dumps([{"address": "r.example", "username": "u", "password": secret}])
    provider = Provider()
    provider.configure({"host": "ssh://nowhere", "registryAuth": entries})
    found = provider._credentials_for("r.example/x:1")
    assert found is not None
    assert found["password"] == "hush"
