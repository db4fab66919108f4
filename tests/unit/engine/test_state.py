"""Proves the state codec and the snapshot manager on their own; that the CLI reads what they write
is proved by the golden cases (tests/conformance)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.codec import Codec, compact, decode, encode, hide, row_to_json, show
from engine.rows import Row, Secrets, Snapshot, StateError, integrity_problems
from engine.state import (
    Deployment,
    SnapshotManager,
    check_format,
    checkpoint_text,
    decode_deployment,
    deployment_json,
    write_atomically,
)
from engine.values import MARKER, SECRET, UNKNOWN, Archive, Asset, Bytes, ResourceRef, Secret

STACK = "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev"
THING = "urn:pulumi:dev::p::pkg:index:Thing::a"


class Counted:
    """Seals by numbering, so that a test sees when something is sealed anew."""

    def __init__(self) -> None:
        self.sealed: list[str] = []

    def encrypt(self, text: str) -> str:
        self.sealed.append(text)
        return f"sealed-{len(self.sealed)}"

    def decrypt(self, ciphertext: str) -> str:
        return self.sealed[int(ciphertext.rpartition("-")[2]) - 1]


def root(**more: Any) -> Row:
    return Row(urn=STACK, type="pulumi:pulumi:Stack", custom=False, **more)


def thing(**more: Any) -> Row:
    return Row(urn=THING, type="pkg:index:Thing", custom=True, id="1", parent=STACK, **more)


VALUES: list[Any] = [
    None,
    True,
    3,
    2.5,
    "text",
    ["a", {"b": [1]}],
    Secret({"user": "me", "pass": Secret("inner")}),
    Asset(text="t", hash="h"),
    Archive(assets={"x": Asset(path="p", hash="h")}, hash="k"),
    Archive(path="/a.tar", hash="k"),
    ResourceRef(THING, "1", "1.0"),
    ResourceRef(THING),
    Bytes(b"\x00\xff"),
    float("inf"),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_every_kind_of_value_comes_back_as_it_was(value: Any) -> None:
    counted = Counted()
    codec = Codec(counted.encrypt, counted.decrypt)
    row = codec.row(json.loads(codec.text(thing(inputs={"v": value}))))
    assert row.inputs == {"v": value}


def test_a_value_that_is_not_known_never_reaches_a_file() -> None:
    with pytest.raises(StateError, match="isn't known"):
        row_to_json(thing(inputs={"v": [UNKNOWN]}), hide)


def test_secrets_are_hidden_shown_or_sealed_as_asked() -> None:
    value = {"v": Secret("s3cr3t")}
    assert encode(value, hide) == {"v": "[secret]"}
    assert encode(value, show) == {"v": {MARKER: SECRET, "plaintext": '"s3cr3t"'}}
    assert decode(encode(value, show), lambda c, _: c) == value


def test_an_unchanged_secret_keeps_its_ciphertext_and_a_changed_one_gets_another() -> None:
    counted = Counted()
    counted.encrypt('"old"')
    stored = row_to_json(thing(inputs={"v": "x"}), hide)
    stored["inputs"] = {"v": {MARKER: SECRET, "ciphertext": "sealed-1"}}
    codec = Codec(counted.encrypt, counted.decrypt)
    row = codec.row(stored)
    assert "sealed-1" in codec.text(replace(row, id="2"))
    assert "sealed-2" in codec.text(replace(row, inputs={"v": Secret("new")}))


def test_a_row_with_an_unknown_entry_is_refused_by_name() -> None:
    codec = Codec(str, str)
    data = {"urn": THING, "custom": True, "type": "t", "viewOf": STACK}
    with pytest.raises(StateError, match="viewOf"):
        codec.row(data)


def test_a_file_with_a_feature_that_is_not_known_is_refused_by_name() -> None:
    check_format(4, ["taint"], "f")
    with pytest.raises(StateError, match="hooks"):
        check_format(4, ["hooks"], "f")
    with pytest.raises(StateError, match="version 5"):
        check_format(5, [], "f")


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([thing(), root()], "comes after"),
        ([thing()], "missing"),
        ([root(), thing(), thing()], "twice"),
        ([root(id="x")], "component"),
        ([root(), thing(provider=f"{STACK}::other")], "another id"),
    ],
)
def test_a_state_that_breaks_a_rule_is_told_which(rows: list[Row], problem: str) -> None:
    assert any(problem in found for found in integrity_problems(rows))


def test_a_replaced_row_may_stand_beside_its_successor() -> None:
    assert integrity_problems([root(), thing(), thing(delete=True)]) == []


def make_manager(path: Path, rows: list[Row]) -> SnapshotManager:
    snapshot = Snapshot(list(rows), secrets=Secrets({"type": "passphrase"}, str, str))
    return SnapshotManager(path, "organization/p/dev", snapshot, Codec(str, str))


def with_root_done(path: Path) -> tuple[SnapshotManager, Row]:
    """A run whose program has registered the stack itself, without a write."""
    old, new = root(), root()
    manager = make_manager(path, [old])
    manager.end(drop=[old], add=new, save=False)
    return manager, new


def latest(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())["checkpoint"]["latest"]
    return found


def test_a_call_to_a_provider_is_on_disk_before_it_is_made_and_gone_afterwards(
    tmp_path: Path,
) -> None:
    path = tmp_path / "dev.json"
    manager, _ = with_root_done(path)
    pending = manager.begin("creating", thing())
    assert latest(path)["pending_operations"][0]["type"] == "creating"
    manager.end(pending, add=thing())
    assert "pending_operations" not in latest(path)
    assert json.loads((tmp_path / "dev.json.bak").read_text())["checkpoint"]["latest"][
        "pending_operations"
    ]


def test_finished_rows_come_first_and_untouched_ones_stay_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "dev.json"
    stack, old = root(), thing()
    manager = make_manager(path, [stack, old])
    manager.end(drop=[stack], add=root())
    new = thing(inputs={"v": 2})
    manager.end(mark=(old, replace(old, delete=True)), add=new)
    rows = latest(path)["resources"]
    assert [(r["urn"], r.get("delete", False)) for r in rows] == [
        (STACK, False),
        (THING, False),
        (THING, True),
    ]


def test_a_row_that_stays_the_same_waits_for_the_next_write(tmp_path: Path) -> None:
    path = tmp_path / "dev.json"
    manager, _ = with_root_done(path)
    manager.end(add=thing(), save=False)
    assert not path.exists()
    manager.finish()
    assert len(latest(path)["resources"]) == 2


def test_an_unsound_state_is_not_written_over_a_sound_one(tmp_path: Path) -> None:
    path = tmp_path / "dev.json"
    manager, stack = with_root_done(path)
    manager.end(add=thing(), save=False)
    manager.finish()
    before = path.read_text()
    with pytest.raises(StateError, match="unsound"):
        manager.end(drop=[stack])
    assert path.read_text() == before


def test_of_what_a_killed_run_left_only_creates_are_kept(tmp_path: Path) -> None:
    from engine.rows import PendingOperation

    snapshot = Snapshot(
        [root()], [PendingOperation(thing(), "creating"), PendingOperation(thing(), "updating")]
    )
    manager = SnapshotManager(tmp_path / "dev.json", "s", snapshot, Codec(str, str))
    assert [p.type for p in manager.snapshot().pending] == ["creating"]
    assert manager.clear_pending_creates() == 1


def test_a_state_is_read_back_as_it_was_written() -> None:
    snapshot = Snapshot([root(outputs={"x": 1}), thing(replace_with=[STACK])])
    codec = Codec(str, str)
    data = json.loads(checkpoint_text("organization/p/dev", snapshot, codec))
    assert data["version"] == 4
    assert data["features"] == ["replaceWith"]
    read, _ = decode_deployment(Deployment(4, data["checkpoint"]["latest"]), Secrets({}, str, str))
    assert deployment_json(read, None)["resources"] == deployment_json(snapshot, None)["resources"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new \udc80", keep_old=True)
    assert path.read_text() == "old"


def test_compact_json_has_no_blanks_and_sorted_keys() -> None:
    assert compact({"b": "ü<", "a": [1]}) == '{"a":[1],"b":"ü<"}'
