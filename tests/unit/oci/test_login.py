"""A registry's login from a command or from Docker's config; no message ever holds it."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import pytest

from config_schema import Registry
from oci.errors import LoginError
from oci.login import Login, from_docker_config, login_of, password_from

SECRET = "s3cret-of-tests"
LONG = "x" * 3000


def python(code: str) -> str:
    return f'{sys.executable} -c "{code}"'


def never() -> str:
    raise AssertionError("the secret was asked for")


@pytest.mark.parametrize("password", [SECRET, LONG, " with blanks ", "пароль"])
def test_a_commands_output_is_the_password(tmp_path: Path, password: str) -> None:
    (tmp_path / "password").write_text(f"{password}\n", encoding="utf-8")
    registry = Registry(
        repository="r.example.com/exec",
        username="AWS",
        password_command=f"cat '{tmp_path}/password'",
    )
    assert login_of(registry, never, tmp_path) == Login("AWS", password)


def test_a_command_runs_in_the_projects_directory(tmp_path: Path) -> None:
    (tmp_path / "get").write_text(f"#!/bin/sh\necho {SECRET}\n")
    (tmp_path / "get").chmod(0o755)
    assert password_from("./get", tmp_path) == SECRET


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (f"print('{SECRET}'); raise SystemExit(3)", "ended with 3"),
        (f"import sys; print('no credentials', file=sys.stderr); print('{SECRET}'); sys.exit(1)",
         "ended with 1: no credentials"),
        (f"import sys; print('not {SECRET}', file=sys.stderr); print('{SECRET}'); sys.exit(1)",
         "ended with 1"),
        ("pass", "printed nothing"),
        (f"print('{SECRET}'); print('more')", "aren't one line"),
        (f"print('{SECRET}' * 9999)", "aren't one line"),
        ("import time; time.sleep(60)", "didn't end within 1 seconds"),
    ],
)  # fmt: skip
def test_a_command_that_gives_none_is_told_without_what_it_printed(code: str, words: str) -> None:
    with pytest.raises(LoginError) as refused:
        password_from(python(code), Path.cwd(), 1)
    assert words in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_command_that_is_not_there_is_told() -> None:
    with pytest.raises(LoginError, match=r"\(/no/such\) can't be started: No such file"):
        password_from("/no/such thing", Path.cwd())


def docker_config(
    monkeypatch: pytest.MonkeyPatch, directory: Path, content: dict[str, object]
) -> None:
    (directory / "config.json").write_text(json.dumps(content))
    monkeypatch.setenv("DOCKER_CONFIG", str(directory))


def helper(monkeypatch: pytest.MonkeyPatch, directory: Path, script: str) -> None:
    path = directory / "docker-credential-tests"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")


def answering(username: str) -> str:
    answer = json.dumps({"ServerURL": "r", "Username": username, "Secret": SECRET})
    return f"read -r server; echo '{answer}'"


def test_what_docker_login_left_in_the_file_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    auth = base64.b64encode(f"exec:{SECRET}".encode()).decode()
    docker_config(monkeypatch, tmp_path, {"auths": {"r.example.com:5000": {"auth": auth}}})
    registry = Registry(repository="r.example.com:5000/exec", docker_config=True)
    assert login_of(registry, never, tmp_path) == Login("exec", SECRET)


@pytest.mark.parametrize(
    "content", [{"credsStore": "tests"}, {"credHelpers": {"r.example.com": "tests"}}]
)
def test_a_credential_helper_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: dict[str, object]
) -> None:
    docker_config(monkeypatch, tmp_path, content)
    helper(monkeypatch, tmp_path, answering("AWS"))
    assert from_docker_config("r.example.com") == Login("AWS", SECRET)
    helper(monkeypatch, tmp_path, answering("<token>"))
    assert from_docker_config("r.example.com").is_identity_token


def test_a_helper_that_fails_or_has_none_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    docker_config(monkeypatch, tmp_path, {"credsStore": "tests"})
    helper(monkeypatch, tmp_path, "echo no keychain; exit 1")
    with pytest.raises(LoginError, match="credential helper of Docker's config fails"):
        from_docker_config("r.example.com")
    docker_config(monkeypatch, tmp_path, {})
    with pytest.raises(LoginError, match=r"has no login for r\.example\.com; docker login"):
        from_docker_config("r.example.com")
