"""The script of the preflight: what it asks a host, and that no answer can break it."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.preflight.host_facts import HostFacts, parse, script
from health.preflight.subject import Address
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


def test_docker_may_warn_before_and_after_its_answer() -> None:
    text = 'begin\t1\ndocker\tWARNING: x\n{"ServerVersion":"20.10"}\nWARNING: y\ndisk\t1 2\n'
    found = parse(text)
    assert found is not None
    assert found.docker == {"ServerVersion": "20.10"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("sh: 1: docker: not found", "sh: 1: docker: not found"),
        ('{"ServerErrors":["permission denied"]}', "permission denied"),
        ("", "no answer"),
        ('{"broken', '{"broken'),
    ],
)
def test_docker_that_may_not_be_used_says_why(said: str, told: str) -> None:
    found = parse(f"begin\t1\ndocker\t{said}\ndisk\t1 2\n")
    assert found is not None
    assert (found.docker, found.docker_said) == ({}, told)


def test_a_reason_is_bashs_own_without_its_name() -> None:
    site = Site().reaches("10.77.0.10:6379", "Connection refused", EXCS)
    assert facts(site, EXCS).reached[Address("10.77.0.10", 6379)] == "connection refused"


def test_who_listens_is_told_by_port() -> None:
    site = Site().listens(EXCS, 3640).listens(EXCS, 3640, "tomcat")
    assert facts(site, EXCS).listeners == {3640: ("root", "tomcat")}


KINDS = ("docker", "container", "image", "listen", "reach", "logs_stat", "logs_df", "certificates")
LINES = st.tuples(st.sampled_from(KINDS), st.lists(st.text(), max_size=8)).map(
    lambda line: "\t".join([line[0], *line[1]])
)


@given(st.lists(LINES))
def test_no_answer_breaks_its_reading(lines: list[str]) -> None:
    assert parse("\n".join(["begin\t1", *lines])) is not None
