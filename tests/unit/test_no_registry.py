"""A stack without a registry: what its images are called, what is checked, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.host import _login
from config_schema import Registry
from exctl.images.access import image_named
from exctl.images.keeping import kept, places, prunable
from exctl.images.listing import Listing, rows, table
from exctl.images.on_hosts import HostImage
from exctl.releases.pins import InRegistry, is_pin_needed, out_of_reach
from exctl.releases.rollback import _on_host
from stack.layout import build_layout
from tests.unit.health.site import EXCP_1, EXCS, SERVICES, Site
from tests.unit.stack_file import StackFile
from tests.unit.test_graph import DIGEST, register

SPECIAL, SECRET_VALUE = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
"""Source: Pulumi's property values."""
PLACE = "no-registry.invalid/exec"
ID, OTHER_ID = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


def stack_file() -> StackFile:
    return StackFile().put("registry", {"repository": "none"})


def test_its_images_have_a_name_that_no_registry_can_have() -> None:
    layout = build_layout(stack_file().config(), "dev")
    assert {i.image for i in layout.of("excs")} == {f"{PLACE}/excs:100.0.100.11"}


def test_a_pin_is_the_images_id_and_costs_no_container() -> None:
    layout = build_layout(stack_file().config(), "dev")
    pinned = build_layout(stack_file().put("excs.digest", ID).config(), "dev")
    (excs,) = pinned.of("excs")
    assert excs.image == ID
    assert excs.spec_hash == layout.of("excs")[0].spec_hash


def test_a_release_records_the_images_id() -> None:
    assert register(stack_file())[1]["release"]["excs"]["digest"] == "sha256:image-excs"
    assert register(StackFile())[1]["release"]["excs"]["digest"] == DIGEST


@pytest.mark.parametrize(
    ("registry", "words"),
    [
        ({"repository": "none", "username": "exec"}, "there is nothing to log in to"),
        ({"repository": "registry/exec"}, "is on Docker Hub to Docker"),
        ({"repository": "r:5/exec", "docker_config": True, "username": "x"}, "remove username"),
        ({"repository": "r:5/exec", "password_command": "echo x"}, "username isn't"),
        ({"repository": "r:5/exec", "username": "x", "password_command": "echo 'x"},
         "is not a command"),
    ],
)  # fmt: skip
def test_a_registry_that_contradicts_itself_is_refused(
    registry: dict[str, object], words: str
) -> None:
    assert words in " ".join(StackFile().put("registry", registry).problems())


def test_the_password_comes_from_one_place() -> None:
    file = StackFile().put("registry.password_command", "pass show registry")
    assert "registry.password_command gives the password" in " ".join(file.problems())


def test_what_a_command_prints_reaches_the_hosts_docker_as_a_secret() -> None:
    file = StackFile().put("registry.password_command", "echo printed-by-a-command")
    del file.values["registryPassword"]
    file.secret_keys.discard("registryPassword")
    graph, _ = register(file)
    (provider,) = [r for name, r in graph.items() if name == f"provider-{EXCS}"]
    given = json.loads(str(provider.inputs["registryAuth"]["value"]))
    assert given[0]["password"] == "printed-by-a-command"
    assert provider.inputs["registryAuth"][SPECIAL] == SECRET_VALUE


def test_a_command_that_gives_no_password_stops_the_program() -> None:
    registry = Registry(repository="r:5/exec", username="x", password_command="false")
    with pytest.raises(pulumi.RunError, match=r"\(false\) ended with 1\. Nothing was touched"):
        _login(registry)


def test_each_host_is_asked_for_its_image_and_for_no_registry() -> None:
    site = Site()
    site.file = stack_file().put("preflight", {})
    for host in SERVICES:
        site.registry[host] = None
        if host != EXCP_1:
            found = {"Id": ID, "RepoTags": [f"{PLACE}/{SERVICES[host]}:100.0.100.11"]}
            site.lines[host].append(f"image\t{json.dumps(found)}")
    told = [f for f in site.findings() if f.check in ("image", "registry-reach", "registry-login")]
    assert [(f.host, f.verdict) for f in told if not f.is_ok] == [(EXCP_1, "failed")]
    (missing,) = [f for f in told if not f.is_ok]
    assert missing.found == "not on the host, and the stack has no registry"
    assert missing.fix == f"exctl images push ARCHIVE --host {EXCP_1}"
    assert {f.check for f in told} == {"image"}
    assert site.subject().registry is None


def test_an_image_that_is_pinned_by_its_id_is_found_on_the_host() -> None:
    site = Site()
    site.file = stack_file().put("preflight", {}).put("excs.digest", ID)
    site.registry[EXCS] = None
    site.lines[EXCS].append(f"image\t{json.dumps({'Id': ID})}")
    (found,) = [f for f in site.findings() if f.check == "image" and f.host == EXCS]
    assert found.is_ok


def host_image(identity: str, tag: str | None, **more: Any) -> HostImage:
    tags = (f"{PLACE}/excs:{tag}",) if tag else ()
    return HostImage(identity, tags, host="h1", **more)


def test_a_rollback_pins_the_id_where_the_tag_leads_to_another_image() -> None:
    (excs,) = build_layout(stack_file().config(), "dev").of("excs")
    none = InRegistry(False)
    moved = _on_host(excs, ID, [host_image(OTHER_ID, excs.tag), host_image(ID, None)])
    assert is_pin_needed(ID, [moved], none)
    assert out_of_reach([moved], none) == []
    same = _on_host(excs, ID, [host_image(ID, excs.tag)])
    assert not is_pin_needed(ID, [same], none)
    gone = _on_host(excs, ID, [host_image(OTHER_ID, excs.tag)])
    assert out_of_reach([gone], none) == [excs.host]


def test_what_a_pin_or_a_release_needs_is_not_pruned() -> None:
    config = stack_file().put("excs.digest", ID).config()
    keep = kept([build_layout(config, "dev")], [])
    images = [host_image(ID, "1"), host_image(OTHER_ID, "2")]
    assert prunable(images, places(config), keep) == [images[1]]


def test_the_list_shows_ids_and_speaks_of_no_registry() -> None:
    images = {"excs": image_named(stack_file().config(), "excs")}
    here = [host_image(ID, "1", running=("excs",)), replace(host_image(ID, "1"), host="h2")]
    found = rows({"excs": "excs"}, images, {}, here, {ID: [1]}, has_registry=False)
    assert table(Listing(found, {}, has_registry=False)) == [
        "excs  1  sha256:111111111111  on 2 hosts; runs as excs; release 1"
    ]
