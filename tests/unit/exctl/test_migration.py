"""An import writes a stack file that explains itself, or nothing at all. With the real CLI, and a
backend in files."""

from __future__ import annotations

import io
import signal
import threading
from pathlib import Path

import click
import pytest
import yaml

from exctl.errors import NothingTouched
from exctl.onboarding import migration
from exctl.onboarding.migration import EnvFile, asked_for, given_settings, import_env
from exctl.pulumi.workspace import create_stack, is_in_backend
from exctl.site import StackPlace
from tests.unit.exctl.test_env_file import VENDORS_OWN, config_of, imported

SOURCE = EnvFile("vendor.env", VENDORS_OWN.encode())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without stacks, an empty backend, and nobody to ask."""
    (tmp_path / "Pulumi.yaml").write_text("name: exec\nruntime: python\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "word")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return tmp_path


def test_an_imported_file_explains_itself(project: Path) -> None:
    said = list(import_env(SOURCE, "prod", {"ssh": {"port": 2222}}))
    text = (project / "Pulumi.prod.yaml").read_text()
    assert text.startswith("# Taken over from the vendor's vendor.env by exctl import-env.")
    assert "  # config sync\n  exec:excs:\n" in text
    assert " # inferred: a .env doesn't say it; look in Genesys Cloud\n" in text
    assert "    #stop_grace_seconds: " in text
    content = yaml.safe_load(text)["config"]
    assert content["exec:stopped"] == ["excs", "exas", "excp"]
    assert content["exec:ssh"] == {"port": 2222}
    assert said[0] == "Pulumi.prod.yaml: excs, exas, excp-1-1, excp-1-2; secrets, encrypted: none"
    assert "not set yet: exctl secret set redisPassword --stack prod" in said


def test_a_stack_that_is_there_is_not_overwritten(project: Path) -> None:
    (project / "Pulumi.prod.yaml").write_text("mine")
    with pytest.raises(NothingTouched, match="already exists and is never overwritten"):
        list(import_env(SOURCE, "prod", {}))
    assert (project / "Pulumi.prod.yaml").read_text() == "mine"


def test_a_stack_of_the_backend_without_a_file_is_not_taken(project: Path) -> None:
    place = StackPlace(project, "prod")
    create_stack(place)
    place.file.unlink()
    with pytest.raises(NothingTouched, match="the backend has a stack prod already"):
        list(import_env(SOURCE, "prod", {}))
    assert not (project / "Pulumi.prod.yaml").exists()


def test_an_import_that_is_interrupted_halfway_leaves_nothing_behind(project: Path) -> None:
    content = VENDORS_OWN.replace("REDIS_PASSWORD=", "REDIS_PASSWORD=x").encode()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)  # waits until it is made
        with pytest.raises(click.Abort):
            list(import_env(EnvFile("x", content), "prod", {}))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert not is_in_backend(StackPlace(project, "prod"))
    assert not list(project.glob("*prod*"))


def test_what_is_wrong_is_told_all_at_once_and_nothing_is_written(project: Path) -> None:
    content = VENDORS_OWN.replace("EXCS_TAG=100.0.100.11", "EXCS_TAG=latest")
    content = content.replace("EXAS_HOST=10.1.0.102\n", "") + "PROXY=x\n"
    with pytest.raises(NothingTouched) as error:
        list(import_env(EnvFile("x.env", content.encode()), "prod", {}))
    assert str(error.value) == (
        "x.env has 2 problems:\n"
        "  EXAS_HOST is missing (its place in a stack file: exas.host)\n"
        "  line 14, EXCS_TAG: 'latest' moves; name a version such as 100.0.100.11\n"
        "Besides:\n"
        "  line 44, PROXY: isn't a key of the vendor's page; it was left out; check whether it is"
        " needed"
    )
    assert not list(project.glob("*prod*"))


def test_secrets_are_asked_for_on_a_terminal_only() -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "" if "optional" in question else "word"

    assert asked_for(["redisPassword"], True, ask) == {"redisPassword": "word"}
    assert asked == [
        "redisPassword, the Redis server's password (needed if redis.secure) (empty: later): "
    ]
    assert asked_for(["redisPassword"], False, ask) == {}


def test_needed_secrets_follow_from_the_config() -> None:
    config = config_of(imported())
    assert migration.needed(config, ["configDbPassword"]) == [
        "redisPassword",
        "configServerPassword",
    ]


def test_settings_that_an_env_has_no_key_for_are_given_beside_it() -> None:
    assert given_settings(["ssh.port=22", "ssh.user=exec", "registry.username=a=b"]) == {
        "ssh": {"port": 22, "user": "exec"},
        "registry": {"username": "a=b"},
    }


@pytest.mark.parametrize("word", ["ssh", "port=22", "redisPassword=x"])
def test_a_setting_of_another_form_and_a_secret_are_refused(word: str) -> None:
    with pytest.raises(NothingTouched, match=r"^--set|is a secret"):
        given_settings([word])
