"""`exctl init`: questions on a terminal, a file without a person, and nothing left of a failure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from exctl.cli.vendor_spelling import translated
from exctl.site import read_stack_file
from tests.unit.exctl.terminal import Terminal
from tests.unit.stack_file import CLONE

EXCTL = [sys.executable, "-m", "exctl"]
PASSPHRASE = "a passphrase of the test"
SECRETS = {
    "redisPassword": "redis-word-of-the-test",
    "configDbPassword": "db word with spaces & 'quotes'",
    "registryPassword": "registry-word-of-the-test",
}
VARIABLES = {
    "redisPassword": "EXCTL_REDIS_PASSWORD",
    "configDbPassword": "EXCTL_CONFIG_DB_PASSWORD",
    "registryPassword": "EXCTL_REGISTRY_PASSWORD",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text((CLONE / "Pulumi.yaml").read_text())
    return tmp_path


def environment(project: Path, **others: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PULUMI_", "EXCTL_"))}
    return kept | {
        "PULUMI_HOME": str(project / "home"),
        "PYTHONPATH": str(CLONE),
        "TERM": "dumb",
        **others,
    }


def settings() -> dict[str, Any]:
    content = yaml.safe_load((CLONE / "Pulumi.dev.yaml").read_text())["config"]
    return {k: v for k, v in content.items() if "secure" not in v}


def left(project: Path) -> list[str]:
    """What there is of the stack: its file, partly written ones, its state. (Pulumi itself keeps a
    .bak of a state that was removed.)"""
    files = [*project.glob("*Pulumi.new*"), *project.glob("state/**/new.json")]
    return [str(path.relative_to(project)) for path in files]


def run(
    project: Path, *arguments: str, text: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*EXCTL, "init", "--stack", "new", *arguments],
        cwd=project,
        env=environment(project, **variables),
        input=text or "",
        capture_output=True,
        text=True,
        timeout=60,
    )


def source(project: Path, content: dict[str, Any]) -> str:
    path = project / "settings.yaml"
    path.write_text(yaml.safe_dump(content))
    return str(path)


def decrypted(project: Path) -> dict[str, str]:
    """The secrets of the stack file, as Pulumi reads them."""
    pulumi = str(CLONE / ".venv/bin/pulumi")
    found = subprocess.run(
        [pulumi, "config", "--show-secrets", "--json", "--stack", "new"],
        cwd=project,
        env=environment(project, PULUMI_CONFIG_PASSPHRASE=PASSPHRASE),
        capture_output=True,
        encoding="utf-8",
    )
    assert found.returncode == 0, found.stderr
    values = json.loads(found.stdout).items()
    return {k.removeprefix("exec:"): v["value"] for k, v in values if v["secret"]}


BEGINNING = """
tenant.id=1
tenant.org_id=not-an-id ! 'not-an-id' is not an organization id
tenant.org_id=6662cb10-0d4d-4710-b979-db69011e66fd
tenant.region [mypurecloud.com]=
tenant.oauth_client_id [none]=
ssh.user [genesys]=
ssh.port [none]=70000 ! must be at most 65535; found 70000
ssh.port [none]=
ssh.key_path [none]=
gate.via [direct]=http ! must be direct or ssh; found 'http'
gate.via [direct]=ssh
logs.host_path [/var/log/exec]=
registry.repository=https://r.example.com/exec ! 'https://r.example.com/exec' is not a place of
registry.repository=registry.example.com/exec
registry.username [none]=exec
registryPassword
redis.host=redis.example.com
redis.port [6379]=
redis.secure [yes]=
redis.tls [no]=perhaps ! must be true or false; found 'perhaps'
redis.tls [no]=
redisPassword
excs.host=exec-1
excs.port [3640]=
excs.tag=latest ! 'latest' moves
excs.tag=100.0.100.11
excs.config_db.host=db.example.com
excs.config_db.type [postgresql]=
excs.config_db.port [5432]=
excs.config_db.name= ! this one has no default; it needs an answer
excs.config_db.name=engage
excs.config_db.user=exec_ro
excs.config_db.ssl [no]=
configDbPassword
excs.sync.customer_objects_only [no]=yes
excs.sync.customer_folders=, ! customer_objects_only is true, but customer_folders is empty
excs.sync.customer_folders=Retail, Claims
excs.log files [yes]=
exas.host=exec-1
exas.port [3630]=3640 ! port 3640 on exec-1 is taken by excs
exas.port [3630]=
exas.tag [100.0.100.11]=
exas.stat_server.primary.host=stat-1
exas.stat_server.primary.port [2060]=
exas.stat_server.backup.host=stat-2
exas.stat_server.backup.port [2060]=2061
exas.log files [yes]=no
"""
PAIR = """
excp.pairs.{n}.port [3650]=
excp.pairs.{n}.hosts=exec-3 ! must have at least 2 entries; found 1
excp.pairs.{n}.hosts={hosts}
excp.pairs.{n}.tag [100.0.100.11]=
excp.pairs.{n}.voice_servers.vq=sip-1:8000 ! 'sip-1:8000' is not of the form
excp.pairs.{n}.voice_servers.vq=sip-1:8000/sip-2:8000
excp.pairs.{n}.voice_servers.agent [sip-1:8000/sip-2:8000]=
excp.pairs.{n}.voice_servers.call [sip-1:8000/sip-2:8000]=
excp.pairs.{n}.log files [yes]=
"""


def answer_all(terminal: Terminal) -> None:
    """A stack of two pairs, with a mistake in each kind of answer that is then corrected."""
    answer_lines(terminal, BEGINNING)
    answer_lines(terminal, PAIR.format(n=1, hosts="exec-3, exec-4"))
    answer_lines(terminal, "another pair? [no]=yes")
    answer_lines(terminal, PAIR.format(n=2, hosts="exec-5,exec-6"))
    answer_lines(terminal, "another pair? [no]=\nconfigServerPassword=\noauthClientSecret=")


def answer_lines(terminal: Terminal, lines: str) -> None:
    """`question=answer`, the error that is to be shown after ` ! `; a secret's name alone."""
    for line in lines.strip().splitlines():
        question, equals, rest = line.partition("=")
        if not equals:
            secret(terminal, question)
            continue
        text, mark, error = rest.partition(" ! ")
        terminal.answer(f"\n  {question}", text)
        if mark:
            terminal.expect(f"! {error}")


def secret(terminal: Terminal, name: str) -> None:
    terminal.answer(f"\n  {name}", SECRETS[name])
    terminal.answer("the same again", SECRETS[name])


def test_the_answers_become_a_stack_file_with_its_secrets_encrypted(project: Path) -> None:
    with Terminal([*EXCTL, "init", "--stack", "new"], project, environment(project)) as terminal:
        answer_all(terminal)
        terminal.answer("\n  passphrase of the stack new", PASSPHRASE)
        terminal.answer("the same again", "something else")
        terminal.expect("! the two differ; try again")
        terminal.answer("passphrase of the stack new", PASSPHRASE)
        terminal.answer("the same again", PASSPHRASE)
        assert terminal.end() == 0, terminal.shown
    shown = terminal.shown
    assert "Pulumi.new.yaml is written: EXCS, EXAS, 2 pairs" in shown
    for command in ("doctor", "preview", "up"):
        assert f"exctl {command} --stack new" in shown
    text = (project / "Pulumi.new.yaml").read_text()
    assert not [word for word in (*SECRETS.values(), PASSPHRASE) if word in shown + text]
    values, secret_keys = read_stack_file(project / "Pulumi.new.yaml")
    assert secret_keys == set(SECRETS)
    assert decrypted(project) == SECRETS
    written = yaml.safe_load(text)["config"]
    assert written["exec:excp"]["pairs"]["2"]["hosts"] == ["exec-5", "exec-6"]
    assert written["exec:excs"]["sync"]["customer_folders"] == ["Retail", "Claims"]
    assert written["exec:gate"] == {"via": "ssh"}
    assert "    #region: mypurecloud.com" in text
    assert (values["redis"]) == '{"host": "redis.example.com"}'


def test_ctrl_c_leaves_nothing(project: Path) -> None:
    with Terminal([*EXCTL, "init", "--stack", "new"], project, environment(project)) as terminal:
        terminal.answer("\n  tenant.id", "1")
        terminal.expect("tenant.org_id: ")
        assert terminal.interrupt() == 130
    assert "Nothing was touched." in terminal.shown
    assert "Traceback" not in terminal.shown
    assert left(project) == []


def test_ctrl_c_while_secrets_are_encrypted_leaves_nothing(project: Path) -> None:
    given = {VARIABLES[name]: value for name, value in SECRETS.items()}
    command = [*EXCTL, "init", "--stack", "new", "--from", source(project, settings())]
    variables = environment(project, PULUMI_CONFIG_PASSPHRASE="x", **given)
    with Terminal(command, project, variables) as terminal:
        while not left(project):
            assert terminal.process.poll() is None, terminal.shown
        assert terminal.interrupt() == 130, terminal.shown
    assert left(project) == []


@contextmanager
def command_lines() -> Iterator[set[str]]:
    """The command lines of all processes that run meanwhile, as any user can list them."""
    found: set[str] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    found.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def test_a_file_and_the_environment_are_enough_and_no_secret_is_on_a_command_line(
    project: Path,
) -> None:
    kept_in_a_file = project / "word"
    kept_in_a_file.write_text(SECRETS["configDbPassword"] + "\n")
    with command_lines() as listed:
        found = run(
            project,
            "--from",
            source(project, {"config": settings()}),
            "--secrets-stdin",
            text=f"registryPassword={SECRETS['registryPassword']}\n",
            PULUMI_CONFIG_PASSPHRASE=PASSPHRASE,
            EXCTL_REDIS_PASSWORD=SECRETS["redisPassword"],
            EXCTL_CONFIG_DB_PASSWORD_FILE=str(kept_in_a_file),
        )
    assert found.returncode == 0, found.stderr
    assert decrypted(project) == SECRETS
    written = yaml.safe_load((project / "Pulumi.new.yaml").read_text())["config"]
    assert {k: v for k, v in written.items() if "secure" not in v} == settings()
    assert any("config set --secret exec:redisPassword" in line for line in listed)
    assert not [line for line in listed for word in SECRETS.values() if word in line]


def test_secrets_that_a_file_lacks_are_asked_for_on_a_terminal(project: Path) -> None:
    command = [*EXCTL, "init", "--stack", "new", "--from", source(project, settings())]
    variables = environment(project, EXCTL_CONFIG_DB_PASSWORD="given")
    with Terminal(command, project, variables) as terminal:
        terminal.answer("\n  redisPassword", "one")
        terminal.answer("the same again", "another")
        terminal.expect("! the two differ")
        secret(terminal, "redisPassword")
        terminal.expect("\n  registryPassword")
        assert terminal.interrupt() == 130
    assert "configDbPassword" not in terminal.shown
    assert left(project) == []


def test_all_problems_are_said_at_once_and_nothing_is_written(project: Path) -> None:
    content = settings()
    content["exec:tenant"]["org_id"] = "x"
    content["exec:exas"]["tag"] = "latest"
    content["exec:registryPassword"] = "in-clear-by-mistake"
    found = run(project, "--from", source(project, content), "--secrets-stdin", text="nonsense\n")
    assert found.returncode == 2
    for path in ("tenant.org_id", "exas.tag", "registryPassword", "redisPassword", "stdin, line 1"):
        assert f"  {path}: " in found.stderr, found.stderr
    assert "EXCTL_REDIS_PASSWORD" in found.stderr
    assert "in-clear-by-mistake" not in found.stderr
    assert "nonsense" not in found.stderr
    assert left(project) == []


def test_without_a_passphrase_nothing_is_written(project: Path) -> None:
    given = {VARIABLES[name]: value for name, value in SECRETS.items()}
    found = run(project, "--from", source(project, settings()), **given)
    assert found.returncode == 2
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" in found.stderr
    assert left(project) == []


def test_a_stack_file_is_never_overwritten(project: Path) -> None:
    path = project / "Pulumi.new.yaml"
    path.write_text("config: {}\n")
    found = run(project, "--from", source(project, settings()))
    assert found.returncode == 2
    assert "never overwritten" in found.stderr
    assert path.read_text() == "config: {}\n"


def test_without_a_terminal_and_a_file_it_says_what_to_do(project: Path) -> None:
    found = run(project)
    assert found.returncode == 2
    assert "--from FILE" in found.stderr


def test_the_vendors_init_is_this_one() -> None:
    assert translated(["--action", "init", "--stack", "prod"]) == ["init", "--stack", "prod"]
