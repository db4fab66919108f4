"""Releases: their files, what differs between two, and what of one comes back."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from exctl.cli.vendor_spelling import translated
from exctl.commands.rollback import words
from exctl.errors import NothingTouched
from exctl.releases import store
from exctl.releases.rollback import chosen, restored
from exctl.releases.store import Release, parsed, written
from exctl.releases.views import difference, difference_as_json, in_full, listed, path_at
from exctl.runs import downtime
from exctl.site import Site, StackPlace, site_of
from exctl.stackfile.stack_file import (
    edited,
    key_of,
    secrets_that_differ,
    value_in,
    with_secrets_of,
)
from health.gates.events import Healthy, WasDown
from tests.unit.stack_file import CLONE

TEXT = (CLONE / "Pulumi.dev.yaml").read_text()
DIGEST = f"sha256:{'a' * 64}"
TAG = ("excp", "pairs", "1", "tag")


def release(number: int, text: str = TEXT, tag: str = "1") -> Release:
    images = {"excp-1": {"tag": tag, "digest": DIGEST}}
    return Release(number, "2026-11-25T04:21:12Z", "root@vm", "why", "abc", images, ("ok",), text)


def test_a_release_is_read_as_it_was_written() -> None:
    events = (Healthy("excs", 4.0), WasDown("excs", 9.5))
    whole = replace(release(3), gates=(), events=events)
    assert parsed(3, written(whole)) == whole
    assert "  seconds: 4.0\n" in written(whole)
    assert downtime.of(parsed(3, written(whole)).events)["excs"].seconds == 9.5


def test_a_release_of_before_events_is_read_with_what_its_gates_said() -> None:
    text = written(release(3)).replace("events: []\n", "")
    assert "events" not in text
    assert parsed(3, text) == release(3)
    assert parsed(3, text).reported == ["ok"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty or truncated"),
        ("number: 3\nat: x\n", "it lacks images, stack_file"),
        (written(release(4)), "it is the file of release 4"),
        (written(release(3)).replace("100.0.100.11", "100.0.100.12"), "changed after it was"),
        (written(release(3)) + "odd: 1\n", "isn't a valid release"),
    ],
)
def test_a_file_that_was_cut_or_edited_is_no_release(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parsed(3, text)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.7, 0.9, 0.99])
def test_a_release_that_was_cut_anywhere_is_found_out(share: float) -> None:
    text = written(release(3))
    with pytest.raises((ValueError, yaml.YAMLError)):
        parsed(3, text[: int(len(text) * share)])


def test_a_damaged_release_is_named_and_the_others_stay(tmp_path: Path) -> None:
    place = StackPlace(tmp_path, "dev")
    directory = store.directory_of(place)
    directory.mkdir(parents=True)
    (directory / "0001.yaml").write_text(written(release(1)))
    (directory / "0002.yaml").write_text("number: [")
    (directory / ".0003.yaml.partial").write_text("numb")
    (directory / "notes.yaml").write_text("mine")
    assert store.numbers(place) == [1, 2]
    assert store.readable(place) == [release(1)]
    with pytest.raises(NothingTouched, match=r"0002\.yaml can't be used as release 2: it isn't"):
        store.last(place)


def test_the_difference_has_its_place_and_keeps_comments_and_secrets() -> None:
    commented = TEXT.replace("    host: 10.77.0.10\n", "    host: 10.77.0.11  # the new one\n", 1)
    other = edited(commented, TAG, "100.0.100.12")
    old_secret = value_in(TEXT, ("redisPassword",))["secure"]
    other = other.replace(old_secret, "v1:AAAA:BBBB")
    lines = difference(release(1), release(2, other, tag="2"))
    assert lines[0] == f"excp-1: 1 {DIGEST[:19]} -> 2 {DIGEST[:19]}"
    assert "+    host: 10.77.0.11  # the new one" in lines
    assert "@@ exec:excp.pairs.1.tag" in lines
    assert "-        tag: 100.0.100.11" in lines
    assert "+        tag: 100.0.100.12" in lines
    assert "-    secure: [secret]" in lines
    assert "+    secure: [secret, changed]" in lines
    assert lines.count("+    secure: [secret, changed]") == 1
    assert "v1:" not in "\n".join(lines)


def test_two_releases_with_nothing_between_them_say_so() -> None:
    assert difference(release(1), release(2)) == ["releases 1 and 2 are the same"]


def test_a_release_in_full_has_its_gates_and_no_ciphertext() -> None:
    text = "\n".join(in_full(release(1)))
    assert "gates\n  ok\n" in text
    assert "v1:" not in text


def test_the_list_marks_what_the_stack_file_is() -> None:
    lines = listed([release(1, "other"), release(2)], TEXT)
    assert [line[:5] for line in lines] == ["   1 ", "   2*"]


def test_the_path_of_a_line_is_its_sections() -> None:
    lines = ["config:", "  exec:excp:", "    pairs:", '      "1":', "        tag: 1"]
    assert path_at(lines, 5) == "exec:excp.pairs.1.tag"


def test_one_services_rollback_leaves_the_others_settings_alone() -> None:
    now = edited(edited(TEXT, TAG, "100.0.100.12"), ("excs", "tag"), "100.0.100.12")
    text = restored(now, release(1), "excp", "1")
    assert value_in(text, TAG) == "100.0.100.11"
    assert value_in(text, ("excs", "tag")) == "100.0.100.12"
    assert edited(text, ("excs", "tag"), "100.0.100.11") == TEXT


def test_a_pair_that_came_later_is_left_out_of_it() -> None:
    pair = value_in(TEXT, ("excp", "pairs", "1"))
    now = edited(edited(TEXT, TAG, "100.0.100.12"), ("excp", "pairs", "2"), pair)
    text = restored(now, release(1), "excp", None)
    assert value_in(text, TAG) == "100.0.100.11"
    assert value_in(text, ("excp", "pairs", "2")) == pair
    with pytest.raises(NothingTouched, match=r"pair 2 of excp isn't both"):
        restored(now, release(1), "excp", "2")


def kept(tmp_path: Path, *texts: str) -> Site:
    """A site whose releases have these stack files; the last is as the stack file is now."""
    shutil.copy(CLONE / "Pulumi.yaml", tmp_path)
    (tmp_path / "Pulumi.dev.yaml").write_text(texts[-1])
    place = StackPlace(tmp_path, "dev")
    directory = store.directory_of(place)
    directory.mkdir(parents=True)
    for number, text in enumerate(texts, 1):
        (directory / f"{number:04}.yaml").write_text(written(release(number, text)))
    return site_of(place, "Pulumi.dev.yaml", texts[-1])


def test_without_a_number_what_was_stopped_in_between_is_no_version_to_go_back_to(
    tmp_path: Path,
) -> None:
    stopped = edited(TEXT, ("stopped",), ["excp-1-2"])
    newer = edited(TEXT, TAG, "2")
    site = kept(tmp_path, TEXT, newer, edited(newer, ("stopped",), ["excp-1-2"]), newer)
    found, text = chosen(site, None, None, None)
    assert (found.number, text) == (1, TEXT)
    assert chosen(site, "3", None, None)[0].number == 3
    site.file.write_text(edited(newer, ("stopped",), ["excp-1-2"]))
    found, text = chosen(site, None, None, None)
    assert found.number == 1
    assert yaml.safe_load(text) == yaml.safe_load(stopped)


def test_what_is_stopped_stays_so_where_the_secrets_do(tmp_path: Path) -> None:
    newer = edited(TEXT, TAG, "2")
    site = kept(tmp_path, TEXT, edited(newer, ("stopped",), ["excp-1-2"]), newer)
    found, text = chosen(site, None, None, None, keep_secrets=True)
    assert found.number == 1
    assert value_in(text, ("stopped",)) is None


def test_where_nothing_but_what_is_stopped_differs_there_is_no_release_to_go_back_to(
    tmp_path: Path,
) -> None:
    site = kept(tmp_path, edited(TEXT, ("stopped",), ["exas"]), TEXT)
    with pytest.raises(NothingTouched, match="everything is the same in every release"):
        chosen(site, None, None, None)


@pytest.mark.parametrize(
    ("what", "to", "found"),
    [
        ((), None, (None, None)),
        (("3",), None, (None, "3")),
        (("excp",), None, ("excp", None)),
        (("excp", "3"), None, ("excp", "3")),
        (("3", "excs"), None, ("excs", "3")),
        (("excp",), "3", ("excp", "3")),
        (("#3",), None, (None, "#3")),
    ],
)
def test_a_rollback_takes_a_service_a_release_or_both(
    what: tuple[str, ...], to: str | None, found: tuple[str | None, str | None]
) -> None:
    assert words(what, to) == found


@pytest.mark.parametrize("what", [("exop",), ("excs", "exas"), ("3", "4")])
def test_a_rollback_takes_nothing_else(what: tuple[str, ...]) -> None:
    with pytest.raises(NothingTouched, match="isn't understood"):
        words(what, None)


@pytest.mark.parametrize(
    ("vendors", "ours"),
    [
        ("--action rollback --service excp --pair 1", "rollback excp --pair 1"),
        ("--action=rollback --service=excs", "rollback excs"),
        ("--action rollback", "rollback"),
        ("--action update --service excp --pair 1 --tag 2", "update excp --pair 1 --tag 2"),
        ("--action init", "init"),
    ],
)
def test_the_vendors_words_roll_back_what_they_name(vendors: str, ours: str) -> None:
    assert translated(vendors.split()) == ours.split()


def test_a_release_can_come_back_with_the_secrets_of_now() -> None:
    now = edited(TEXT, ("redisPassword", "secure"), "v1:new")
    now = edited(now, ("registryPassword",), None).replace(
        "encryptionsalt: v1:", "encryptionsalt: v2:"
    )
    now = edited(now, TAG, "9")
    assert secrets_that_differ(TEXT, now) == ["redisPassword", "registryPassword"]
    found = restored(now, release(1), None, None)
    assert found == with_secrets_of(TEXT, now)
    assert value_in(found, TAG) == value_in(TEXT, TAG)
    assert secrets_that_differ(found, now) == []
    assert key_of(found) == key_of(now) != key_of(TEXT)
    assert with_secrets_of(TEXT, TEXT) == TEXT


def test_what_differs_is_there_for_programs_without_a_secret() -> None:
    secret = next(line for line in TEXT.splitlines() if "secure: v1:" in line)
    text = edited(
        edited(TEXT, TAG, "100.0.100.12"), ("excs", "environment"), {"API_KEY": "hunter2"}
    )
    text = text.replace(secret, f"{secret[:-9]}AAAAAAAA=", 1)
    old, new = release(3), release(4, text, "2")
    found = difference_as_json(old, new)
    assert (found["from"], found["to"]) == (3, 4)
    assert found["images"] == [
        {
            "name": "excp-1",
            "before": {"tag": "1", "digest": DIGEST},
            "after": {"tag": "2", "digest": DIGEST},
        }
    ]
    settings = {row["path"]: (row["before"], row["after"]) for row in found["settings"]}
    assert settings["exec:excp.pairs.1.tag"] == ("100.0.100.11", "100.0.100.12")
    assert settings["exec:excs.environment.API_KEY"] == (None, "[redacted]")
    (changed,) = [both for path, both in settings.items() if both[0] == "[secret]"]
    assert changed == ("[secret]", "[secret, changed]")
    assert len(settings) == 3
    assert "v1:" not in json.dumps(found)
    assert difference_as_json(old, old)["settings"] == []
