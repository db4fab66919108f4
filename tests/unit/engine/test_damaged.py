"""Damaged files never give a traceback: a sound state, stack file, history or lock is broken at
random (Hypothesis), and every command that reads it ends with a sentence or does its work."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import crypto
from engine.cli import run

ROUNDS = 10
STACK = "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev"
PROVIDER = "urn:pulumi:dev::p::pulumi:providers:docker::default_5_1_0"
MARKER = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
quickly = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a stack, and cheap keys."""
    monkeypatch.setattr(crypto, "ROUNDS", ROUNDS)
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}/state")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "word")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PULUMI_STACK", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "state").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    assert run(["stack", "init", "dev"]) == 0
    assert run(["config", "set", "--secret", "--path", "a.b[0]", "word"]) == 0
    (tmp_path / "sound.json").write_text(json.dumps(sound_state(tmp_path)))
    return tmp_path


def sound(place: Path) -> dict[str, Any]:
    """The state of the fixture, whatever lies in its place by now."""
    found: dict[str, Any] = json.loads((place / "sound.json").read_text())
    return found


def state_path(place: Path) -> Path:
    return place / "state/.pulumi/stacks/p/dev.json"


def sound_state(place: Path) -> dict[str, Any]:
    """A state with a row of every kind of entry."""
    found: dict[str, Any] = json.loads(state_path(place).read_text())
    salt = found["checkpoint"]["latest"]["secrets_providers"]["state"]["salt"]
    sealed = crypto.Passphrase("word", salt).encrypt('"inner"')
    thing = {
        "urn": "urn:pulumi:dev::p::docker:index/volume:Volume::a",
        "custom": True,
        "id": "1",
        "type": "docker:index/volume:Volume",
        "inputs": {"name": "a", "secret": {MARKER: SECRET, "ciphertext": sealed}},
        "outputs": {
            "ref": {MARKER: "5cf8f73096256a8f31e491e813e4eb8e", "urn": STACK},
            "bytes": {MARKER: "803fd3297a5875dc03ca845dda5d2a98", "value": "AAE="},
            "odd": {MARKER: "8ad145fe-0d11-4827-bfd7-1abcbf086f5c", "value": "7ff0000000000000"},
            "archive": {
                MARKER: "0def7320c3a5731c473e5ecbe6d01bc7",
                "assets": {"x": {MARKER: "c44067f5952c0a294b673a41bacd8c17", "text": "t"}},
            },
        },
        "parent": STACK,
        "dependencies": [STACK],
        "provider": f"{PROVIDER}::7",
        "propertyDependencies": {"name": [STACK]},
        "customTimeouts": {"create": 60},
        "created": "2026-11-23T21:39:59.923326486Z",
        "stackTrace": [{"sourcePosition": "x"}],
    }
    provider = {"urn": PROVIDER, "custom": True, "id": "7", "type": "pulumi:providers:docker"}
    root = {"urn": STACK, "custom": False, "type": "pulumi:pulumi:Stack", "outputs": {"x": 1}}
    latest = found["checkpoint"]["latest"]
    latest["resources"] = [root, provider, thing]
    latest["pending_operations"] = [{"type": "creating", "resource": thing}]
    return found


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something lies in JSON data."""
    inner = data.items() if isinstance(data, dict) else enumerate(data)
    found = [path] if path else []
    if isinstance(data, dict | list):
        for key, item in inner:
            found += places(item, (*path, key)) if isinstance(item, dict | list) else [(*path, key)]
    return found


OTHER = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.lists(st.none() | st.integers() | st.text(max_size=2), max_size=2)
    | st.dictionaries(st.sampled_from([MARKER, "urn", "x"]), st.sampled_from([SECRET, 1]))
)


def broken(draw: st.DataObject, data: Any) -> Any:
    """The data with one to three places changed for something else, or gone."""
    found = copy.deepcopy(data)
    for _ in range(draw.draw(st.integers(1, 3))):
        left = places(found)
        if not left:
            break
        *path, last = draw.draw(st.sampled_from(left))
        target = found
        for key in path:
            target = target[key]
        if draw.draw(st.booleans()):
            target[last] = draw.draw(OTHER)
        else:
            del target[last]
    return found


def ends_well(capsys: pytest.CaptureFixture[str], *commands: str) -> None:
    """Each command gives an answer, or an error that is a sentence of ours: `run` lets only
    unforeseen exceptions through."""
    for command in commands:
        code = run(command.split())
        said = capsys.readouterr()
        assert code in (0, 1, 6), command
        assert "Traceback" not in said.err
        assert "word" not in said.err  # what is sealed
        if code:
            assert said.err.startswith("error: "), command


READERS = (
    "stack",
    "stack ls --json",
    "stack output --json",
    "stack export",
    "stack export --show-secrets",
    f"state unprotect --yes {STACK}",
)


@quickly
@given(draw=st.data())
def test_a_state_broken_anywhere_gives_no_traceback(
    place: Path, capsys: pytest.CaptureFixture[str], draw: st.DataObject
) -> None:
    state_path(place).write_text(json.dumps(broken(draw, sound(place))))
    ends_well(capsys, *READERS)


@quickly
@given(draw=st.data())
def test_a_deployment_broken_anywhere_is_refused_or_imported_with_no_traceback(
    place: Path, capsys: pytest.CaptureFixture[str], draw: st.DataObject
) -> None:
    state_path(place).write_text(json.dumps(sound(place)))
    exported = {"version": 3, "deployment": sound(place)["checkpoint"]["latest"]}
    (place / "new.json").write_text(json.dumps(broken(draw, exported)))
    ends_well(capsys, "stack import --file new.json", "stack export")


@quickly
@given(content=st.binary(max_size=30) | st.text(max_size=30).map(str.encode))
def test_a_file_of_anything_gives_no_traceback(
    place: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    kept = state_path(place).read_bytes()
    stack_file = place / "Pulumi.dev.yaml"
    kept_file = stack_file.read_bytes()
    locks = place / "state/.pulumi/locks/organization/p/dev"
    history = place / "state/.pulumi/history/p/dev"
    for folder in (locks, history, place / "home/workspaces"):
        folder.mkdir(parents=True, exist_ok=True)
    (history / "dev-1.history.json").write_bytes(content)
    ends_well(capsys, "stack history", "stack history --json --show-secrets")
    (locks / "1.json").write_bytes(content)
    ends_well(capsys, f"state unprotect --yes {STACK}")
    (locks / "1.json").unlink()
    stack_file.write_bytes(content)
    ends_well(capsys, "config", "config --json --show-secrets", "config set x 1")
    stack_file.write_bytes(kept_file)
    state_path(place).write_bytes(content)
    ends_well(capsys, "stack", "stack output")
    state_path(place).write_bytes(kept)


CONFIG = {
    "encryptionsalt": "v1:AAAAAAAAAAA=:v1:AAAA:AAAA",
    "secretsprovider": "passphrase",
    "config": {"p:a": {"b": [{"secure": "v1:AAAA:AAAA"}, 1.5]}, "p:v": "1"},
}


@quickly
@given(draw=st.data())
def test_a_stack_file_broken_anywhere_gives_no_traceback(
    place: Path, capsys: pytest.CaptureFixture[str], draw: st.DataObject
) -> None:
    stack_file = place / "Pulumi.dev.yaml"
    stack_file.write_text(json.dumps(broken(draw, CONFIG)))  # JSON is YAML
    commands = ("config", "config --json --show-secrets", "config get v", "config rm p:v")
    ends_well(capsys, *commands, "config set --path a.b[0].c 1")


ENTRY = {
    "kind": "update",
    "startTime": 1795578143,
    "message": "m",
    "environment": {"exec.kind": "cli"},
    "config": {"p:v": {"secure": "v1:AAAA:AAAA"}, "p:w": "1"},
    "version": 0,
    "result": "succeeded",
    "endTime": 1795578143,
    "resourceChanges": {"same": 1},
}


@quickly
@given(draw=st.data())
def test_a_history_broken_anywhere_gives_no_traceback(
    place: Path, capsys: pytest.CaptureFixture[str], draw: st.DataObject
) -> None:
    folder = place / "state/.pulumi/history/p/dev"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dev-1.history.json").write_text(json.dumps(broken(draw, ENTRY)))
    ends_well(
        capsys, "stack history", "stack history --json", "stack history --json --show-secrets"
    )


@quickly
@given(draw=st.data())
def test_a_lock_broken_anywhere_still_keeps_others_out(
    place: Path, capsys: pytest.CaptureFixture[str], draw: st.DataObject
) -> None:
    lock = {"pid": 1, "username": "u", "hostname": "h", "timestamp": "2026-11-23T21:39:59Z"}
    folder = place / "state/.pulumi/locks/organization/p/dev"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "1.json").write_text(json.dumps(broken(draw, lock)))
    assert run(["state", "unprotect", "--all", "--yes"]) == 1
    assert "locked by 1" in capsys.readouterr().err


def test_a_damaged_state_is_named_with_the_way_back_and_an_import_puts_it_right(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported = {"version": 3, "deployment": sound(place)["checkpoint"]["latest"]}
    (place / "good.json").write_text(json.dumps(exported))
    state_path(place).write_text(state_path(place).read_text()[:-40])
    assert run(["stack", "output"]) == 1
    said = capsys.readouterr().err
    assert str(state_path(place)) in said
    assert "pulumi stack import" in said
    assert run(["stack", "import", "--file", "good.json"]) == 0
    capsys.readouterr()
    assert run(["stack", "output", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"x": 1}
