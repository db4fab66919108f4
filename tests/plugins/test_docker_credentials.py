"""Who the docker plugin says it is to a registry."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plugins.docker.credentials import credentials_for, registry_of
from plugins.docker.errors import Refused


def within(question: Callable[[], Any]) -> Any:
    return question()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The operator's Docker configuration."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_REGISTRY_USER", raising=False)
    monkeypatch.delenv("DOCKER_REGISTRY_PASS", raising=False)
    return tmp_path / "config.json"


def _helper(folder: Path, name: str, script: str) -> None:
    path = folder / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("busybox", "docker.io"),
        ("acme/exec:1", "docker.io"),
        ("index.docker.io/acme/exec", "docker.io"),
        ("localhost/x", "localhost"),
        ("10.0.0.1:5000/x:1", "10.0.0.1:5000"),
        ("r.example/a/b@sha256:ab", "r.example"),
    ],
)
def test_the_registry_of_an_image(image: str, registry: str) -> None:
    assert registry_of(image) == registry


def test_a_password_of_the_providers_settings_wins(config: Path) -> None:
    config.write_text("{broken")
    entries = [{"address": "https://r.example/", "username": "u", "password": "p"}]
    found = credentials_for("r.example/x:1", entries, within)
    assert found == {"username": "u", "password": "p", "serveraddress": "r.example"}


def test_without_any_a_pull_is_anonymous(config: Path) -> None:
    assert credentials_for("r.example/x:1", [], within) is None


def test_what_docker_login_left_is_used(config: Path) -> None:
    secret = base64.b64encode(b"u:p:q").decode()
    config.write_text(json.dumps({"auths": {"https://r.example": {"auth": secret}}}))
    found = credentials_for("r.example/x:1", [], within)
    assert found is not None
    assert (found["username"], found["password"]) == ("u", "p:q")


@pytest.mark.parametrize("key", ["credsStore", "credHelpers"])
def test_a_credential_helper_is_asked(
    key: str, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _helper(config.parent, "vault", 'echo \'{"Username": "u", "Secret": "p"}\'')
    monkeypatch.setenv("PATH", f"{config.parent}:/usr/bin:/bin")
    config.write_text(json.dumps({key: "vault" if key == "credsStore" else {"r.example": "vault"}}))
    found = credentials_for("r.example/x:1", [], within)
    assert found is not None
    assert (found["Username"], found["Password"]) == ("u", "p")


def test_a_credential_helper_that_fails_is_named_with_its_words(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _helper(config.parent, "vault", "echo the vault is sealed; exit 1")
    monkeypatch.setenv("PATH", f"{config.parent}:/usr/bin:/bin")
    config.write_text('{"credsStore": "vault"}')
    with pytest.raises(Refused, match=r"docker-credential-vault .*the vault is sealed"):
        credentials_for("r.example/x:1", [], within)


@pytest.mark.filterwarnings("ignore:docker-credential-nowhere")
def test_a_credential_helper_that_is_not_there_is_named(config: Path) -> None:
    config.write_text('{"credsStore": "nowhere"}')
    with pytest.raises(Refused, match="docker-credential-nowhere"):
        credentials_for("r.example/x:1", [], within)


def test_a_broken_configuration_is_named_and_not_quoted(config: Path) -> None:
    config.write_text('{"auths": "hush')
    with pytest.raises(Refused) as refused:
        credentials_for("r.example/x:1", [], within)
    assert str(config) in str(refused.value)
    assert "hush" not in str(refused.value)


def test_amazons_passwords_are_taken_in_each_of_their_forms(config: Path) -> None:
    registry = "1.dkr.ecr.eu-central-1.amazonaws.com"
    for password in ("eyJ0", "AWS:eyJ0", base64.b64encode(b"AWS:eyJ0").decode()):
        entries = [{"address": registry, "username": "AWS", "password": password}]
        found = credentials_for(f"{registry}/x:1", entries, within)
        assert found is not None
        assert found["password"] == "eyJ0"
