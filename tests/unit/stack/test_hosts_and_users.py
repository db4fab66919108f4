"""Names that sites have: underscores, IPv6, domain users; and what only looks like one."""

from __future__ import annotations

from typing import Any

import pytest

from config_schema import LOG_REFERENCE, canonical_host, endpoints_of
from stack.environment import expand_log_pattern
from stack.layout import build_layout
from stack.ssh import ssh_target
from tests.unit.stack_file import StackFile

ORG_ID = "6662cb10-0d4d-4710-b979-db69011e66fd"
V6 = "2001:db8::103"


@pytest.mark.parametrize("host", ["exec_1", "exec_1.corp.example", V6, "::1", "10.0.0.3", "a"])
def test_a_host_that_resolvers_take_is_taken(host: str) -> None:
    assert StackFile().put("excs.host", host).problems() == []


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("10.0.3", "write four numbers"),
        ("10.0.0.03", "write four numbers"),
        ("0x0a000003", "write four numbers"),
        ("exec-1.", "leave out the final dot"),
        ("[::1]", "without brackets"),
        ("fe80::1%eth0", "is neither a host name nor an IP address"),
        ("redis://:S3cr3t@h", "the value is neither a host name nor an IP address"),
    ],
)
def test_a_host_that_has_two_readings_is_refused(host: str, words: str) -> None:
    (problem,) = StackFile().put("excs.host", host).problems()
    assert words in problem
    assert "S3cr3t" not in problem


@pytest.mark.parametrize(("one", "other"), [("Exec-1", "exec-1"), ("2001:DB8::1", "2001:db8:0::1")])
def test_two_spellings_of_one_host_are_found(one: str, other: str) -> None:
    assert canonical_host(one) == canonical_host(other)
    pair = StackFile().put("excp.pairs.1.hosts", [one, other]).problems()
    assert any(f"both hosts are one, spelled {one} and {other}" in text for text in pair)
    apart = StackFile().put("excs.host", one).put("exas.host", other).problems()
    assert f"exas: {other} and {one} are the same host; use one spelling" in apart


@pytest.mark.parametrize(
    "org", [f"{{{ORG_ID}}}", f"urn:uuid:{ORG_ID}", ORG_ID.replace("-", ""), f" {ORG_ID}"]
)
def test_an_organization_id_is_a_canonical_uuid_alone(org: str) -> None:
    (problem,) = StackFile().put("tenant.org_id", org).problems()
    assert "is not an organization id: a UUID such as" in problem


def test_an_ipv6_address_stands_in_brackets_in_urls_and_bare_elsewhere() -> None:
    voice = f"[{V6}]:8000/[::1]:8000"
    file = StackFile().put("excs.host", V6).put("excp.pairs.1.voice_servers.vq", [voice])
    layout = build_layout(file.config(), "dev")
    excs, exas = layout.of("excs")[0], layout.of("exas")[0]
    assert excs.health_url == f"http://[{V6}]:3640/health"
    assert exas.environment["EXCS_URL"] == f"http://[{V6}]:3640"
    assert (V6, 8000) in {(c.to_host, c.to_port) for c in layout.connections}
    assert endpoints_of(voice) == [(V6, 8000), ("::1", 8000)]
    assert ssh_target(file.config().ssh, V6).command[-1] == V6


@pytest.mark.parametrize("user", ["svc@corp.example", "CORP\\svc", "genesys", "svc$"])
def test_a_user_of_a_domain_is_taken_and_given_to_ssh_as_it_is(user: str) -> None:
    config = StackFile().put("ssh.user", user).config()
    command = ssh_target(config.ssh, "exec-1").command
    assert command[command.index("-l") + 1] == user


@pytest.mark.parametrize("user", ["-oProxyCommand=x", "a b", ""])
def test_what_is_no_user_is_refused(user: str) -> None:
    assert StackFile().put("ssh.user", user).problems() != []


def test_a_host_may_have_a_user_a_port_and_a_key_of_its_own() -> None:
    host = StackFile().config().excs.host
    file = StackFile().put("ssh.hosts", {host: {"user": "other", "port": 2222}})
    ssh = file.config().ssh
    assert (ssh_target(ssh, host).user, ssh_target(ssh, host).port) == ("other", 2222)
    assert ssh_target(ssh, "exec-9").user == ssh.user
    wrong = StackFile().put("ssh.hosts", {"exec-9": {}}).problems()
    assert wrong == ["ssh.hosts.exec-9: is not a host of this stack"]


@pytest.mark.parametrize(
    ("pattern", "expanded"),
    [
        ("a-${TENANT_ID}-<HOSTNAME>.log", "a-7-h.log"),
        ("a-$TENANT_ID.log", "a-7.log"),
        ("a-${HOSTNAME:-h}.%Y.log", "a-h.%Y.log"),
    ],
)
def test_each_way_to_write_a_reference_in_a_log_name_is_filled_in(
    pattern: str, expanded: str
) -> None:
    assert expand_log_pattern(pattern, "7", "h") == expanded
    assert StackFile().put("excs.log.filename", pattern).problems() == []


@pytest.mark.parametrize(
    "pattern", ["$TENANT_IDS", "${TENANT}", "a$", "$$TENANT_IDX", "${HOSTNAME"]
)
def test_a_reference_that_nothing_fills_in_is_refused(pattern: str) -> None:
    assert "$" in LOG_REFERENCE.sub("", pattern)
    (problem,) = StackFile().put("excs.log.filename", pattern).problems()
    assert "has a $ that nothing would fill in" in problem


@pytest.mark.parametrize("path", ["/", "//", "/a/../b", "a", "/a:b"])
def test_a_directory_that_docker_would_not_mount_as_meant_is_refused(path: str) -> None:
    assert StackFile().put("logs.container_path", path).problems() != []


@pytest.mark.parametrize(
    ("path", "value"),
    [("redis.port", 1.5), ("gate.interval_seconds", 0), ("excs.resources.cpus", -1),
     ("excs.config_db.user", ""), ("excp.pairs", {}), ("excp.pairs.01", {}),
     ("logs.max_files", "x"),
     ("ssh.user", 5), ("releases.keep", 1000), ("tenant.id", "a b"),
     ("excs", []), ("excs.tag", None)],
)  # fmt: skip
def test_no_phrase_of_pydantic_and_no_expression_reaches_an_operator(path: str, value: Any) -> None:
    for problem in StackFile().put(path, value).problems():
        assert not any(
            word in problem for word in ("should", "valid ", "Input", "^", "String", "\\")
        )
