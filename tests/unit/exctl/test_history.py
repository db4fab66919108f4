"""The history of a stack: what is recorded of a run, and that nobody changes it unseen."""

from __future__ import annotations

import json
import resource
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import click
import pytest

from exctl.errors import ExctlError, Interrupted, NothingTouched, RolledBack
from exctl.history import chain, store
from exctl.history.chain import heads, sealed
from exctl.history.recorder import recording
from exctl.history.run import Run, as_json, runs_of
from exctl.history.views import in_full, listed
from exctl.site import StackPlace
from exctl.terminal import messages
from health.gates.events import Event
from tests.unit.stack_file import CLONE

SECRET = "a-secret-that-nobody-may-read"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackPlace:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE_FILE", raising=False)
    monkeypatch.setattr("sys.argv", ["exctl", "up", "-m", "new pair"])
    found = StackPlace(tmp_path, "prod")
    found.file.write_text("config: {}\n")
    return found


def ran(place: StackPlace, error: BaseException | None = None, as_events: bool = False) -> Run:
    """A run that ends so, and what is recorded of it."""
    messages_before = len(store.read(place).runs)
    if error is None:
        with recording(place, as_events, "new pair"):
            messages.say("a line")
    else:
        with pytest.raises(type(error)), recording(place, as_events, "new pair"):
            raise error
    runs = store.read(place).runs
    assert len(runs) == messages_before + 1
    return runs[-1]


@pytest.mark.parametrize(
    ("error", "result", "code", "touched"),
    [
        (None, "succeeded", 0, None),
        (ExctlError("no way", touched=False), "failed", 1, False),
        (NothingTouched("no such pair."), "refused", 2, False),
        (RolledBack("release 1 runs again"), "rolled back", 3, None),
        (Interrupted("interrupted", touched=True), "interrupted", 130, True),
        (KeyboardInterrupt(), "interrupted", 130, None),
        (click.exceptions.Abort(), "declined", 130, False),
        (ZeroDivisionError("x"), "failed", 1, None),
    ],
)
def test_a_run_is_recorded_whatever_ends_it(
    place: StackPlace, error: BaseException | None, result: str, code: int, touched: bool | None
) -> None:
    run = ran(place, error)
    assert run.ended is not None
    assert (run.result, run.ended["exit_code"], run.ended["touched"]) == (result, code, touched)
    assert run.command == "exctl up -m 'new pair'"
    assert str(error or "") in store.transcript(place, run)
    assert f"{result}, exit code {code}" in store.transcript(place, run)


def test_signals_are_as_they_were_after_a_run(place: StackPlace) -> None:
    before = signal.getsignal(signal.SIGINT)
    ran(place)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_run_without_an_end_was_killed_or_is_under_way(place: StackPlace) -> None:
    with recording(place, False, ""):
        (run,) = store.read(place).runs
        assert run.result == "under way"
    dead = Run(1, {**run.begun, "who": {**run.begun["who"], "pid": 2**22 + 1}})
    elsewhere = Run(1, {**run.begun, "who": {"host": "another", "pid": 1}})
    assert (dead.result, elsewhere.result) == ("killed", "no end recorded")
    assert dead.has_failed


def test_what_is_said_and_answered_is_in_the_transcript_and_secrets_are_not(
    place: StackPlace,
) -> None:
    with recording(place, False, ""):
        messages.hide(SECRET)
        messages.say(f"Docker says: no login with {SECRET}")
        messages.show("one\ntwo")
        messages.note("redis://:hunter22@10.0.0.1 and REDIS_PASSWORD=hunter22")
        messages.report("healthy", instance="excs", seconds=4.0, note=SECRET)
    (run,) = store.read(place).runs
    text = store.transcript(place, run)
    for words in ("$ exctl up", "no login with [redacted]", "  one\n", "  two\n"):
        assert words in text
    everything = text + store.path_of(place).read_text()
    assert SECRET not in everything
    assert "hunter22" not in everything


def test_what_a_service_logged_is_in_the_transcript_alone(place: StackPlace) -> None:
    run = ran(place, ExctlError("it crashes:\n  its last log line:\n  | a caller's number\nSo."))
    assert run.error == "it crashes:\n  its last log line:\nSo."
    assert "a caller's number" in store.transcript(place, run)


def test_a_command_that_carries_a_secret_is_recorded_without_it(
    place: StackPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["exctl", "up", "-m", "password=hunter22"])
    monkeypatch.setenv("BUILD_URL", "https://ci:hunter22@ci.example.com/1")
    assert "hunter22" not in json.dumps(ran(place).begun)


def test_the_record_says_who_did_it_and_what_came_of_it(
    place: StackPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "anna")
    monkeypatch.setenv("SSH_CONNECTION", "10.1.2.3 50000 10.1.2.4 22")
    touch = {"instance": "excs", "host": "10.77.0.101", "verb": "replace"}
    with recording(place, False, "why not"):
        messages.report("plan", touches=[touch], pending=[], left_out={})
        messages.report("step", instance="excs", what="container", op="create", state="begun")
        messages.report("syncing", instance="excs", found="x", waited_seconds=1.0)
        messages.report("healthy", instance="excs", seconds=4.0)
        messages.report("release", number=7, images={"excs": {"tag": "1"}})
        place.file.write_text("config: {a: b}\n")
    (run,) = store.read(place).runs
    assert run.ended is not None
    assert run.outcome == "succeeded, release 7"
    assert run.ended["touched"] is True
    assert run.who.endswith("(anna)")
    text = "\n".join(in_full(run, store.transcript(place, run)))
    for words in (
        "from 10.1.2.3",
        "why      why not",
        "excs on 10.77.0.101: replace",
        "excs: healthy after 4.0 s",
        "the stack file was changed",
        "release 7",
    ):
        assert words in text
    assert run.ended["gates"] == [{"kind": "healthy", "instance": "excs", "seconds": 4.0}]
    assert as_json(run)["images"] == {"excs": {"tag": "1"}}


def test_with_json_stdout_has_nothing_but_events(
    place: StackPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    with recording(place, True, ""):
        messages.hide(SECRET)
        messages.say("for a person")
        messages.show("a result")
        messages.report("healthy", instance="excs", seconds=4.0, found=SECRET)
    said = capsys.readouterr()
    events = [json.loads(line) for line in said.out.splitlines()]
    assert [event["kind"] for event in events] == ["begun", "healthy", "ended"]
    assert all(event["at"] for event in events)
    assert SECRET not in said.out
    assert said.err == "for a person\na result\n"


def test_transcripts_are_not_for_everybody(place: StackPlace) -> None:
    run = ran(place)
    path = store.transcript_of(place, run.id)
    assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0
    assert stat.S_IMODE(path.parent.stat().st_mode) & 0o007 == 0


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Files grow no further: as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_without_room_for_its_record_nothing_is_begun(place: StackPlace) -> None:
    ran(place)
    before = store.path_of(place).read_bytes()
    with (
        at_most(len(before) + 10),
        pytest.raises(NothingTouched, match="Every run is recorded there first"),
        recording(place, False, ""),
    ):
        raise AssertionError("must not begin")
    assert store.path_of(place).read_bytes() == before
    assert len(list(store.transcript_of(place, "any").parent.iterdir())) == 1


def test_room_that_ends_in_a_run_ends_no_run(
    place: StackPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    with recording(place, False, ""):
        size = store.path_of(place).stat().st_size
        with at_most(size):
            messages.say("x" * 100_000)
    (run,) = store.read(place).runs
    assert run.ended is not None
    assert run.ended["transcript_is_whole"] is False
    with recording(place, False, ""):
        limit = at_most(store.path_of(place).stat().st_size)
        limit.__enter__()
    limit.__exit__(None, None, None)
    assert "the end of this run isn't recorded" in capsys.readouterr().err


def records(count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number in range(count):
        content = {"kind": "begun", "run": str(number), "at": "2026-11-26T02:41:07Z"}
        found.append(sealed(content, found))
    return found


def lines(found: list[dict[str, Any]]) -> list[str]:
    return [json.dumps(record) for record in found]


def edited(found: list[str]) -> list[str]:
    return [found[0], found[1].replace('"run": "1"', '"run": "9"'), *found[2:]]


def swapped(found: list[str]) -> list[str]:
    return [found[0], found[2], found[1], found[3]]


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        (lambda found: found, []),
        (edited, ["line 2 was changed"]),
        (lambda found: [found[0], *found[2:]], ["line 2 follows a record that isn't before it"]),
        (lambda found: found[1:], ["line 1 follows a record that isn't before it"]),
        (swapped, ["line 2 follows a record that isn't before it"]),
        (lambda found: [*found, found[0][:50]], ["line 5 isn't a record"]),
    ],
)
def test_a_record_that_was_changed_removed_or_moved_is_found(
    change: Callable[[list[str]], list[str]], problems: list[str]
) -> None:
    _, found = chain.read(change(lines(records(4))))
    assert [str(problem)[: len(said)] for problem, said in zip(found, problems, strict=True)] == (
        problems
    )


def test_two_clones_records_are_merged_and_joined_by_the_next_one() -> None:
    common = records(2)
    here = [*common, sealed({"kind": "begun", "run": "here", "at": "1"}, common)]
    there = [*common, sealed({"kind": "begun", "run": "there", "at": "2"}, common)]
    merged = [*here, there[-1]]
    assert chain.read(lines(merged))[1] == []
    assert heads(merged) == [here[-1]["hash"], there[-1]["hash"]]
    joined = [*merged, sealed({"kind": "begun", "run": "next", "at": "3"}, merged)]
    assert chain.read(lines(joined))[1] == []
    assert heads(joined) == [joined[-1]["hash"]]
    without = [record for record in joined if record["run"] != "there"]
    assert [problem.kind for problem in chain.read(lines(without))[1]] == ["unconnected"]


def test_a_line_that_was_cut_stays_and_the_next_run_is_recorded_after_it(place: StackPlace) -> None:
    ran(place)
    with store.path_of(place).open("a") as file:
        file.write('{"kind": "begun", "ru')
    ran(place)
    found = store.read(place)
    assert len(found.runs) == 2
    assert [str(problem) for problem in found.problems] == [
        "line 3 isn't a record; it is truncated or was edited by hand"
    ]


def test_runs_are_listed_oldest_first_with_how_they_ended(place: StackPlace) -> None:
    ran(place)
    ran(place, ExctlError("no way", touched=False))
    head, first, second = listed(store.read(place).runs)
    assert head.startswith("RUN  BEGAN (UTC)")
    assert "succeeded" in first
    assert "failed, nothing touched" in second
    assert [run.number for run in runs_of([])] == []


def test_a_transcript_that_was_removed_is_said_to_be_so(place: StackPlace) -> None:
    run = ran(place)
    store.transcript_of(place, run.id).unlink()
    assert "can't be read: No such file" in store.transcript(place, run)


@pytest.mark.parametrize("event", get_args(Event), ids=lambda event: event.kind)
def test_docs_name_every_kind_of_event_with_its_facts(event: Any) -> None:
    rows = (CLONE / "docs/events.md").read_text("utf-8").splitlines()
    (row,) = [row for row in rows if f"`{event.kind}`" in row.split("|")[:2][-1]]
    if not event.kind.startswith("guard_"):  # their facts are described in words
        names = {field.name for field in fields(event)} - {"kind"}
        assert {name for name in names if f"`{name}`" not in row} == set()
