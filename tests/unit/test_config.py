"""Every sentence that an operator can get for a mistake in a stack file, whole.

Proves the words and that all problems come at once; that Pulumi hands the settings over in this
form is proved in the lab.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stack.loader import orgs_of_other_stacks, parse
from stack.problems import message
from tests.unit.stack_file import GONE, StackFile

SENTENCES: dict[str, tuple[str, Any, str]] = {
    "recording": (
        "exrp",
        {"hosts": ["a", "b"]},
        "exrp: recording (EXRP, media deployment) can't be deployed yet: its image, its port and"
        " its .env keys aren't public; remove the section. It is public that it needs two or"
        " more hosts of its own, WebDAV, an HTTP load balancer, and EXCS, EXAS and EXCP running"
        " before it",
    ),
    "a proxy with a login": (
        "genesys.proxy",
        "http://user:word@proxy:3128",
        "genesys.proxy: the value holds a login, which would stand here in plaintext",
    ),
    "a proxy without a port": (
        "genesys.proxy",
        "http://proxy",
        "genesys.proxy: 'http://proxy' is not the address of a proxy, http://host:port",
    ),
    "a misspelt setting": ("redis.prot", 1, 'redis.prot: unknown setting. Did you mean "port"?'),
    "a misspelt secret": (
        "redisPasswort",
        "x",
        'redisPasswort: unknown setting. Did you mean "redisPassword"?',
    ),
    "a setting like no other": (
        "gate.colour",
        "red",
        "gate.colour: unknown setting; known here: via, successes, interval_seconds,"
        " deadline_seconds, bake",
    ),
    "a waiver of no check": (
        "preflight.waive",
        {"redis-logon": "later"},
        "preflight.waive.redis-logon: 'redis-logon' is not a check of the preflight. Did you mean"
        ' "redis-login"?',
    ),
    "a waiver for no host": (
        "preflight.waive",
        {"kernel@exec-9": "later"},
        "preflight.waive: 'kernel@exec-9': 'exec-9' is not a host of this stack",
    ),
    "a moving tag": (
        "exas.tag",
        "latest",
        "exas.tag: 'latest' moves; name a version such as 100.0.100.11",
    ),
    "a tag with a space": (
        "exas.tag",
        "a b",
        "exas.tag: 'a b' is not an image tag; name a version such as 100.0.100.11",
    ),
    "an organization's name for its id": (
        "tenant.org_id",
        "acme",
        "tenant.org_id: 'acme' is not an organization id: a UUID such as"
        " 6662cb10-0d4d-4710-b979-db69011e66fd, from Organization Settings / Organization Details /"
        " Advanced in Genesys Cloud",
    ),
    "a pair on one host": (
        "excp.pairs.1.hosts",
        ["10.77.0.103", "10.77.0.103"],
        "excp.pairs.1: both hosts are 10.77.0.103; a pair needs two hosts, or one failure ends"
        " both",
    ),
    "half a pair": (
        "excp.pairs.1.hosts",
        ["10.77.0.103"],
        "excp.pairs.1.hosts: must have at least 2 entries; found 1",
    ),
    "three of a pair": (
        "excp.pairs.1.hosts",
        ["a", "b", "c"],
        "excp.pairs.1.hosts: must have at most 2 entries; found 3",
    ),
    "a host with a scheme": (
        "excs.host",
        "http://x",
        "excs.host: 'http://x' is neither a host name nor an IP address",
    ),
    "a number in quotes": (
        "redis.port",
        "6379",
        "redis.port: must be a whole number; found '6379'",
    ),
    "a port out of range": (
        "redis.port",
        99999,
        "redis.port: must be at most 65535; found 99999",
    ),
    "a yes for a true": (
        "redis.secure",
        "yes",
        "redis.secure: must be true or false; found 'yes'",
    ),
    "a tenant without quotes": (
        "tenant.id",
        1,
        "tenant.id: must be a text (in quotes, if it looks like a number); found 1",
    ),
    "a text for a section": (
        "redis",
        "10.0.0.1",
        "redis: must be a section with settings of its own; found '10.0.0.1'",
    ),
    "a text for a list": (
        "stopped",
        "exas",
        "stopped: must be a list; found 'exas'",
    ),
    "a filter without folders": (
        "excs.sync.customer_folders",
        [],
        "excs.sync: customer_objects_only is true, but customer_folders is empty; name the folders",
    ),
    "a folder with a comma": (
        "excs.sync.customer_folders",
        ["Retail, North"],
        "excs.sync.customer_folders.1: 'Retail, North' can't be passed on: EXCS takes the folder"
        " names as one list with commas",
    ),
    "a SIP Server without its backup": (
        "excp.pairs.1.voice_servers.vq",
        ["sip:8000"],
        "excp.pairs.1.voice_servers.vq.1: 'sip:8000' is not of the form primary:port/backup:port"
        " (IPv6 in brackets)",
    ),
    "a word that isn't a choice": (
        "gate.via",
        "http",
        "gate.via: must be direct or ssh; found 'http'",
    ),
    "log files that nobody would find": (
        "excs.log.path",
        "/var/x",
        "excs.log.path: /var/x is not in /logs (logs.container_path), so its files would be lost"
        " with the container",
    ),
    "a relative path": (
        "logs.host_path",
        "logs",
        "logs.host_path: 'logs' is not an absolute path without colons and `..`",
    ),
    "an unknown instance in stopped": (
        "stopped",
        ["excp-3"],
        "stopped: 'excp-3' is not in this stack; use excs, exas, excp, excp-1, excp-1-1, excp-1-2",
    ),
    "Oracle without a port": (
        "excs.config_db.type",
        "oracle",
        "excs.config_db: port is missing; oracle has no default here, name it",
    ),
    "a missing setting": (
        "tenant.id",
        GONE,
        "tenant.id: is missing: unique id of the Engage tenant, its DBID for instance",
    ),
    "a missing section": ("excs", GONE, "excs: is missing: config sync"),
    "a secret among the variables": (
        "excs.environment",
        {"REDIS_PASSWORD": "x"},
        "excs.environment: REDIS_PASSWORD would stand here in plaintext; set it with: exctl"
        " secret set redisPassword",
    ),
    "a variable that isn't one": (
        "exas.environment",
        {"A-B": "x"},
        "exas.environment: 'A-B' is not the name of a variable",
    ),
    "a repository with a scheme": (
        "registry.repository",
        "https://x/y",
        "registry.repository: 'https://x/y' is not a place of images such as"
        " registry.example.com:5000/exec (no scheme, no user, lower case, no tag)",
    ),
    "a missing password": (
        "configDbPassword",
        GONE,
        "configDbPassword: is not set, but EXCS can't read the Config DB without it; set it with:"
        " exctl secret set configDbPassword",
    ),
    "a registry's user without a password": (
        "registryPassword",
        GONE,
        "registryPassword: is not set, but registry.username is set; set it with: exctl"
        " secret set registryPassword",
    ),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_a_mistake_is_named_with_its_path_and_what_is_allowed(case: str) -> None:
    path, value, sentence = SENTENCES[case]
    assert StackFile().put(path, value).problems() == [sentence]


def test_the_labs_stack_file_has_no_problem() -> None:
    assert StackFile().problems() == []


def test_two_services_on_one_port_of_a_host_are_refused() -> None:
    file = StackFile().put("exas.host", "10.77.0.101").put("exas.port", 3640)
    assert file.problems() == [
        "exas: port 3640 on 10.77.0.101 is taken by excs; give one of them another port or host"
    ]


def test_two_services_may_share_a_host_on_different_ports() -> None:
    assert StackFile().put("exas.host", "10.77.0.101").problems() == []


def test_an_organization_of_another_stack_is_refused() -> None:
    org = "6662cb10-0d4d-4710-b979-db69011e66fd"
    assert StackFile().problems({org: "Pulumi.other.yaml"}) == [
        f"tenant.org_id: {org} also stands in Pulumi.other.yaml; an EX organization can't be shared"
        " by two tenants"
    ]


def test_a_secret_in_clear_is_refused_and_its_value_is_not_shown() -> None:
    file = StackFile()
    file.values["redisPassword"] = "opensesame"
    file.secret_keys.discard("redisPassword")
    assert file.problems() == [
        "redisPassword: is in the stack file in plaintext; replace it with: exctl secret set"
        " redisPassword"
    ]


def test_a_setting_that_is_secret_is_refused() -> None:
    file = StackFile()
    file.secret_keys.add("gate")
    assert file.problems() == ["gate: is a secret, but a setting; set it without --secret"]


def test_redis_without_a_password_needs_none() -> None:
    file = StackFile().put("redis.secure", False).put("redisPassword", GONE)
    assert file.problems() == []


def test_all_problems_come_at_once() -> None:
    file = StackFile().put("redis.prot", 1).put("exas.tag", "latest").put("stopped", ["x"])
    _, problems = parse(file.values, file.secret_keys, {})
    lines = message("Pulumi.prod.yaml", problems).splitlines()
    assert lines[0] == "Pulumi.prod.yaml has 3 problems:"
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "exas.tag",
        "redis.prot",
        "stopped",
    ]


def test_organizations_are_read_from_the_stack_files_beside_this_one(tmp_path: Path) -> None:
    content = "config:\n  exec:tenant: {id: '2', org_id: ABC}\n"
    for stack in ("mine", "other", "example"):
        (tmp_path / f"Pulumi.{stack}.yaml").write_text(content)
    (tmp_path / "Pulumi.broken.yaml").write_text("config: [")
    assert orgs_of_other_stacks(tmp_path, "mine") == {"abc": "Pulumi.other.yaml"}
