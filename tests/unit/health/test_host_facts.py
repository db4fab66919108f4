"""The script of the preflight: what it asks a host, and that no answer can break it."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.preflight.host_facts import STORE, DockerAccess, HostFacts, parse, script
from health.preflight.subject import ServerAddress
from tests.unit.health.site import EXAS, EXCS, Site


def facts(site: Site, host: str) -> HostFacts:
    found = parse(site.text(host))
    assert found is not None
    return found


def test_the_script_runs_in_any_posix_shell() -> None:
    text = script(Site().subject(), EXCS)
    checked = subprocess.run(["sh", "-n"], input=text, text=True, capture_output=True, check=False)
    assert checked.stderr == ""


def test_the_script_tries_what_the_hosts_instances_connect_to_and_no_more() -> None:
    text = script(Site().subject(), EXCS)
    tried = [line for line in text.splitlines() if line.endswith("&")]
    assert tried == [
        "reach 10.77.0.10 5000 &",
        "reach 10.77.0.10 6379 &",
        "reach api.mypurecloud.com 443 &",
        "reach login.mypurecloud.com 443 &",
        "reach 10.77.0.10 5432 &",
    ]
    assert "reach 10.77.0.21 2060 &" in script(Site().subject(), EXAS)


def test_a_stopped_host_is_asked_for_its_registry_alone() -> None:
    site = Site()
    site.file.put("stopped", ["excs"])
    tried = [line for line in script(site.subject(), EXCS).splitlines() if line.endswith("&")]
    assert tried == ["reach 10.77.0.10 5000 &"]


def test_no_answer_at_all_is_told_from_one_that_lacks_much() -> None:
    assert parse("") is None
    assert parse("Last login: yesterday\n") is None
    bare = parse("begin\t1\n")
    assert bare is not None
    assert bare.docker == {}
    assert bare.number("cpus") is None
    assert bare.reached == {}


@pytest.mark.parametrize(
    ("said", "access"),
    [
        ("access\tdenied\n", DockerAccess.DENIED),
        ("access\tfrozen\n", DockerAccess.FROZEN),
        ("access\tno client\n", DockerAccess.NO_CLIENT),
        ('access\tallowed\ninfo\t{"ServerVersion": "20.10"}\n', DockerAccess.ALLOWED),
        ("access\tallowed\ninfo\t{broken\n", DockerAccess.STOPPED),
        ("access\twhatever\n", DockerAccess.STOPPED),
    ],
)
def test_how_docker_may_be_used_is_told_as_a_kind(said: str, access: DockerAccess) -> None:
    found = parse(f"begin\t1\n{said}")
    assert found is not None
    assert found.access is access
    assert bool(found.docker) is (access is DockerAccess.ALLOWED)


STORES = {
    "": "/var/lib/docker",
    '"DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]],"Containerd":{"Address":'
    '"/run/containerd/containerd.sock"}': "/var/lib/containerd",
    '"DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]],"Containerd":{"Address":'
    '"/run/docker/containerd/containerd.sock"}': "/var/lib/docker/containerd",
}


@pytest.mark.parametrize("more", STORES)
def test_the_disk_is_that_of_the_store_that_images_really_go_to(more: str) -> None:
    info = f'{{"DockerRootDir":"/var/lib/docker",{more or chr(34) + "a" + chr(34) + ":1"}}}'
    # Every directory is there for this shell, so that the path isn't shortened to one that is.
    lines = STORE.replace('[ ! -e "$store" ]', "false").partition("\nif ")[0]
    text = f"info='{info}'; say() {{ echo \"$1=$2\"; }}\n{lines}"
    said = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True)
    assert f"store={STORES[more]}" in said.stdout.splitlines()


def test_a_reason_is_bashs_own_without_its_name() -> None:
    site = Site().reaches("10.77.0.10:6379", "Connection refused", EXCS)
    assert facts(site, EXCS).reached[ServerAddress("10.77.0.10", 6379)] == "connection refused"


def test_who_listens_is_told_by_port() -> None:
    site = Site().listens(EXCS, 3640).listens(EXCS, 3640, "tomcat")
    assert facts(site, EXCS).listeners == {3640: ("root", "tomcat")}


KINDS = ("access", "info", "container", "image", "listen", "reach", "logs_stat", "logs_df")
LINES = st.tuples(st.sampled_from(KINDS), st.lists(st.text(), max_size=8)).map(
    lambda line: "\t".join([line[0], *line[1]])
)


@given(st.lists(LINES))
def test_no_answer_breaks_its_reading(lines: list[str]) -> None:
    assert parse("\n".join(["begin\t1", *lines])) is not None
