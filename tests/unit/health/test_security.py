"""What an auditor would object to: the rules, and the script as this machine's shell runs it."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from health.preflight.finding import Finding
from health.security.ask import methods_of
from health.security.facts import SecurityFacts, parse, script
from health.security.rules import HostSecurity, OperatorSecurity, findings
from stack.layout import build_layout
from tests.unit.stack_file import StackFile

GOOD = SecurityFacts(1000, ("genesys",), 0o660, 0o750, "no", frozenset())
KEYS = frozenset({"publickey"})
OPERATOR = OperatorSecurity("prod", 16, 0o700, ".exec/state")


def judged(
    facts: SecurityFacts | None = GOOD,
    methods: frozenset[str] = KEYS,
    operator: OperatorSecurity = OPERATOR,
    file: StackFile | None = None,
) -> list[Finding]:
    closed = StackFile().put("redis.tls", True).put("registry.insecure", False)
    chosen = file or closed.put("excs.hardening.no_new_privileges", True)
    config = chosen.config()
    layout = build_layout(config, "prod")
    said = HostSecurity(facts, "" if facts else "ssh: no route to host", methods)
    return findings(config, layout, {config.excs.host: said}, operator)


def not_passed(found: list[Finding]) -> dict[str, str]:
    assert all(each.needed for each in found)
    assert all(each.fix for each in found if not each.is_ok)
    return {each.check: each.verdict for each in found if not each.is_ok}


def test_there_is_nothing_to_object_to_where_all_is_closed() -> None:
    assert not_passed(judged()) == {}


@pytest.mark.parametrize(
    ("facts", "methods", "expected"),
    [
        (GOOD, KEYS | {"password"}, {"ssh-passwords": "warning"}),
        (GOOD, frozenset(), {"ssh-passwords": "unknown"}),
        (replace(GOOD, root_login="yes"), KEYS, {"ssh-root": "warning"}),
        (replace(GOOD, root_login=""), KEYS, {}),
        (replace(GOOD, root_login=None), KEYS, {"ssh-root": "unknown"}),
        (replace(GOOD, uid=0), KEYS, {"ssh-user": "warning"}),
        (replace(GOOD, docker_group=("genesys", "ann")), KEYS, {"docker-group": "warning"}),
        (replace(GOOD, socket_mode=0o666), KEYS, {"docker-socket": "warning"}),
        (replace(GOOD, open_ports=frozenset({2375})), KEYS, {"docker-port": "warning"}),
        (replace(GOOD, logs_mode=0o777), KEYS, {"log-directory": "warning"}),
        (replace(GOOD, logs_mode=None), KEYS, {"log-directory": "unknown"}),
        (replace(GOOD, open_ports=frozenset({3640})), KEYS, {"service-port": "unknown"}),
        (None, frozenset(), {"host": "unknown"}),
    ],
)
def test_each_fault_of_a_host_is_one_point(
    facts: SecurityFacts | None, methods: frozenset[str], expected: dict[str, str]
) -> None:
    assert not_passed(judged(facts, methods)) == expected


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (replace(OPERATOR, passphrase_length=15), {"passphrase": "warning"}),
        (replace(OPERATOR, passphrase_length=None), {}),
        (replace(OPERATOR, state_mode=0o755), {"state-directory": "warning"}),
        (replace(OPERATOR, state_mode=None), {}),
    ],
)
def test_this_side_is_looked_at_too(operator: OperatorSecurity, expected: dict[str, str]) -> None:
    assert not_passed(judged(operator=operator)) == expected


def test_what_goes_over_the_network_in_clear_is_a_point() -> None:
    file = StackFile().put("redis.secure", False).put("registry.insecure", True)
    assert not_passed(judged(file=file)) == {
        "redis-password": "warning",
        "redis-tls": "warning",
        "registry-tls": "warning",
        "container-privileges": "warning",
    }


def test_log_files_that_are_shipped_in_clear_are_a_point() -> None:
    file = StackFile().put("registry.infra_repository", "registry.example.com/infra")
    for scheme, is_point in (("http", True), ("https", False)):
        file.put("logging", {"shipping": {"url": f"{scheme}://loki.example.com/loki/api/v1/push"}})
        assert ("shipping-tls" in not_passed(judged(file=file))) is is_point


def test_a_placed_portainer_is_a_point() -> None:
    file = StackFile().put("monitoring.portainer", {"enabled": True})
    assert "portainer" not in not_passed(judged(file=file))
    file.put("registry.infra_repository", "registry.example.com/infra")
    file.put("monitoring.host", "10.77.0.50").put("monitoring.exporter", "10.77.0.1:9640")
    file.values["portainerPassword"] = "hidden"
    file.secret_keys.add("portainerPassword")
    assert not_passed(judged(file=file))["portainer"] == "warning"


def test_the_script_says_what_this_machine_has(tmp_path: Path) -> None:
    logs = tmp_path / "a b"
    logs.mkdir(mode=0o750)
    with (
        socket.create_server(("0.0.0.0", 0)) as outside,
        socket.create_server(("127.0.0.1", 0)) as inside,
    ):
        said = subprocess.run(
            ["sh", "-c", script(str(logs))], capture_output=True, text=True, check=True
        )
        facts = parse(said.stdout)
        assert facts is not None
        assert outside.getsockname()[1] in facts.open_ports
        assert inside.getsockname()[1] not in facts.open_ports
    assert facts.uid == os.getuid()
    assert facts.logs_mode == stat.S_IMODE(logs.stat().st_mode)


def test_nothing_is_taken_from_a_script_that_didnt_run() -> None:
    assert parse("uid\t0\n") is None


def test_what_sshd_takes_is_read_from_its_refusal(tmp_path: Path) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text(
        "#!/bin/sh\n"
        'echo "genesys@h: Permission denied (publickey,keyboard-interactive)." >&2; exit 255\n'
    )
    ssh.chmod(0o755)
    assert methods_of((str(ssh), "h")) == {"publickey", "keyboard-interactive"}
    ssh.write_text("#!/bin/sh\necho no route >&2; exit 255\n")
    assert methods_of((str(ssh), "h")) == frozenset()
    assert methods_of((str(tmp_path / "none"), "h")) == frozenset()
