"""The proof of records: what was done to them shows; and which of them are asked for."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from exctl.__main__ import main
from exctl.errors import ExctlError, NothingTouched
from exctl.history import anchor, chain, proof, store, syslog
from exctl.history.chain import HASH, digest_of, hash_of, sealed
from exctl.history.choice import Choice, chosen, instances, moment
from exctl.history.proof import Named
from exctl.history.recorder import ROLLOUT_VARIABLE, recording
from exctl.history.run import Run
from exctl.releases.store import Release, written
from exctl.site import StackPlace
from exctl.terminal import messages
from tests.unit.limits import files_of_at_most
from tests.unit.stack_file import CLONE

AT = "2026-11-26T02:41:07Z"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackPlace:
    monkeypatch.setattr("sys.argv", ["exctl", "update", "excp", "--tag", "2"])
    return stack_in(tmp_path / "clone")


def stack_in(directory: Path) -> StackPlace:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "Pulumi.yaml").write_text("name: exec\nruntime: python\n")
    found = StackPlace(directory, "prod")
    found.file.write_text("config: {}\n")
    return found


def ran(place: StackPlace, release: int | None = None) -> None:
    with recording(place, False, "why"):
        if release is not None:
            made = Release(
                release, AT, "a@b", "", "abc", {}, stack_file="x", audit=messages.record_hash()
            )
            (store.path_of(place).parent / f"{release:04}.yaml").write_text(written(made))
            messages.report("release", number=release, images={})


def lines_of(place: StackPlace) -> list[str]:
    return store.path_of(place).read_text().splitlines()


def put(place: StackPlace, lines: list[str]) -> None:
    store.path_of(place).write_text("".join(f"{line}\n" for line in lines))


def kinds(place: StackPlace) -> set[str]:
    return {finding.kind for finding in proof.look(place, with_pulumi=False).findings}


def forged(lines: list[str], place: int) -> list[str]:
    """A record slipped in at that place, made as well as anybody can who may write the file."""
    record = json.loads(lines[place - 1])
    content = {k: v for k, v in record.items() if k not in (HASH, "previous")} | {"run": "forged"}
    made = {**content, "previous": [record[HASH]]}
    return [*lines[:place], json.dumps(made | {HASH: hash_of(made)}), *lines[place:]]


def sealed_anew(lines: list[str], place: int) -> list[str]:
    """A record with another content and a hash that fits it."""
    record = json.loads(lines[place]) | {"command": "exctl status"}
    return [*lines[:place], json.dumps(record | {HASH: hash_of(record)}), *lines[place + 1 :]]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda lines: lines, set()),
        (lambda lines: [*lines[:2], lines[2].replace("why", "not"), *lines[3:]], {"changed"}),
        (lambda lines: sealed_anew(lines, 2), {"unconnected", "missing"}),
        (lambda lines: sealed_anew(lines, 5), {"missing"}),
        (lambda lines: [*lines[:2], *lines[3:]], {"unconnected", "missing", "inserted"}),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], {"unconnected"}),
        (lambda lines: forged(lines, 3), {"inserted"}),
        (lambda lines: [*lines[:3], lines[1], *lines[3:]], {"inserted"}),
        (lambda lines: lines[:-1], {"missing"}),
        (lambda lines: lines[:-2], {"missing"}),
        (lambda _lines: [], {"missing"}),
    ],
)
def test_whatever_is_done_to_the_records_is_found(
    place: StackPlace, change: Callable[[list[str]], list[str]], found: set[str]
) -> None:
    ran(place, release=1)
    ran(place, release=2)
    ran(place)
    put(place, change(lines_of(place)))
    assert found <= kinds(place)
    assert bool(kinds(place)) == bool(found)


@given(st.data())
def test_no_change_to_one_clones_records_goes_unnoticed(data: st.DataObject) -> None:
    """Each record removed, repeated, moved or replaced: the clone that wrote them finds it."""
    before: list[dict[str, Any]] = []
    for number in range(data.draw(st.integers(2, 7))):
        before.append(sealed({"kind": "begun", "run": str(number), "at": AT}, before, "here", ""))
    lines = [json.dumps(record) for record in before]
    last = [Named("this clone", before[-1][HASH])]
    change = data.draw(st.sampled_from(["remove", "repeat", "move", "forge"]))
    here = data.draw(st.integers(0, len(lines) - 1))
    there = data.draw(st.integers(0, len(lines) - 1).filter(lambda n: n != here))
    line = lines[here]
    match change:
        case "remove":
            lines.pop(here)
        case "repeat":
            lines.insert(there, line)
        case "move":
            lines.insert(there, lines.pop(here))
        case "forge" if here < len(lines) - 1:
            lines = forged(lines, here + 1)
        case _:
            return
    records, problems = chain.read(lines)
    assert problems or proof.missing(records, last)


def test_a_cut_end_is_told_of_by_the_next_record_for_good(place: StackPlace) -> None:
    ran(place)
    ran(place)
    put(place, lines_of(place)[:-1])
    ran(place)
    assert kinds(place) == {"lost"}
    assert "the end was cut off" in proof.lines(proof.look(place, with_pulumi=False))[0]


def test_a_run_killed_while_it_wrote_its_record_leaves_the_proof_whole(place: StackPlace) -> None:
    ran(place)
    before = lines_of(place)
    program = (
        "import signal, sys; from pathlib import Path\n"
        "from exctl.history import store; from exctl.site import StackPlace\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
        f"place = StackPlace(Path(sys.argv[1]), {place.stack!r})\n"
        f"store.append(place, {{'kind': 'begun', 'run': 'x', 'at': {AT!r}}})\n"
    )
    # The kernel kills it at the first byte that it adds to its records.
    with files_of_at_most(store.path_of(place).stat().st_size):
        killed = subprocess.run([sys.executable, "-c", program, str(place.project)], check=False)
    assert killed.returncode == -signal.SIGXFSZ
    assert lines_of(place) == before
    assert kinds(place) == set()
    ran(place)
    assert kinds(place) == set()


def git(directory: Path, *arguments: str) -> None:
    name = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(
        ["git", *name, *arguments], cwd=directory, check=True, capture_output=True, text=True
    )


def committed(place: StackPlace) -> None:
    git(place.project, "add", "-A")
    git(place.project, "commit", "-q", "-m", "runs")


@pytest.fixture
def two_clones(place: StackPlace, tmp_path: Path) -> tuple[StackPlace, StackPlace]:
    """Two clones with a run in common and one of their own each, the second merged into the
    first."""
    here = place
    shutil.copy(CLONE / ".gitattributes", here.project)
    (here.project / ".gitignore").write_text("/.exec/\nruns/\n")
    git(here.project, "init", "-q", "-b", "main")
    ran(here)
    committed(here)
    git(tmp_path, "clone", "-q", str(here.project), "other")
    there = StackPlace(tmp_path / "other", "prod")
    for each in (here, there):
        ran(each)
        ran(each)
        committed(each)
    git(here.project, "pull", "-q", "--no-rebase", "--no-edit", str(there.project), "main")
    return here, there


def test_two_clones_runs_merge_and_their_proof_stays_whole(
    two_clones: tuple[StackPlace, StackPlace],
) -> None:
    here, there = two_clones
    merged = proof.look(here, with_pulumi=False)
    assert merged.is_whole
    assert (merged.records, len(merged.heads), len(merged.clones)) == (10, 2, 2)
    assert "the records of 2 clones stand side by side" in proof.lines(merged)[1]
    ran(here)
    committed(here)
    assert len(proof.look(here, with_pulumi=False).heads) == 1
    git(there.project, "pull", "-q", "--ff-only", str(here.project), "main")
    assert proof.look(there, with_pulumi=False).is_whole


def test_after_a_merge_no_record_of_either_clone_can_go(
    two_clones: tuple[StackPlace, StackPlace],
) -> None:
    here, _ = two_clones
    ran(here)
    whole = lines_of(here)
    for number in range(len(whole)):
        put(here, [line for place, line in enumerate(whole) if place != number])
        assert kinds(here), number
    put(here, whole)
    assert not kinds(here)


def test_the_order_in_which_git_puts_two_clones_lines_says_nothing(
    two_clones: tuple[StackPlace, StackPlace],
) -> None:
    here, _ = two_clones
    whole = lines_of(here)
    put(here, [*whole[:2], *whole[6:], *whole[2:6]])
    assert not kinds(here)


def test_a_branch_of_git_that_is_put_aside_and_comes_back_breaks_nothing(
    place: StackPlace,
) -> None:
    shutil.copy(CLONE / ".gitattributes", place.project)
    (place.project / ".gitignore").write_text("/.exec/\nruns/\n")
    git(place.project, "init", "-q", "-b", "main")
    ran(place)
    committed(place)
    git(place.project, "checkout", "-q", "-b", "side")
    ran(place)
    committed(place)
    git(place.project, "checkout", "-q", "main")
    assert kinds(place) == {"missing"}
    ran(place)
    assert kinds(place) == {"lost"}
    committed(place)
    git(place.project, "merge", "-q", "--no-edit", "side")
    assert kinds(place) == set()


def test_a_copy_of_a_clone_is_another_clone(place: StackPlace, tmp_path: Path) -> None:
    ran(place)
    shutil.copytree(place.project, tmp_path / "copy")
    assert anchor.read(StackPlace(tmp_path / "copy", "prod")).clone != anchor.read(place).clone


def test_a_release_of_another_run_and_a_changed_transcript_are_found(place: StackPlace) -> None:
    ran(place, release=1)
    path = store.path_of(place).parent / "0001.yaml"
    first = lines_of(place)[0]
    ran(place)
    second = json.loads(lines_of(place)[2])[HASH]
    path.write_text(path.read_text().replace(json.loads(first)[HASH], second))
    assert kinds(place) == {"inserted"}
    path.unlink()
    assert kinds(place) == set()
    with next(iter((store.path_of(place).parent / "runs").iterdir())).open("a") as file:
        file.write("more\n")
    assert kinds(place) == {"transcript"}


def test_a_message_of_pulumis_names_the_record_and_reads_as_before() -> None:
    name = "a" * 64
    assert anchor.mark_of(anchor.marked("new pair", name)) == name
    assert anchor.unmarked(anchor.marked("new pair", name)) == "new pair"
    assert anchor.unmarked(anchor.marked("", name)) == ""
    assert (anchor.marked("as it is", ""), anchor.mark_of("as it is")) == ("as it is", "")


def test_a_record_holds_the_plans_hash_the_digests_and_the_rollout(
    place: StackPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ROLLOUT_VARIABLE, "20261126T024107Z-ab12")
    plan = {"touches": [{"instance": "excs"}], "pending": [], "left_out": {}}
    with recording(place, False, ""):
        messages.report("plan", **plan)
        messages.report("running", images={"excs": {"tag": "1", "digest": "sha256:1"}})
    begun, ended = map(json.loads, lines_of(place))
    assert begun["rollout"] == "20261126T024107Z-ab12"
    assert ended["plan_sha256"] == digest_of(plan)
    assert ended["images"]["excs"]["digest"] == "sha256:1"


def test_a_disk_that_is_almost_full_stops_a_run_before_its_record(place: StackPlace) -> None:
    ran(place)
    before = lines_of(place)
    with (
        files_of_at_most(1 << 20),
        pytest.raises(NothingTouched, match="can't be written: File too large"),
        recording(place, False, ""),
    ):
        raise AssertionError("must not begin")
    assert lines_of(place) == before


def test_each_record_goes_to_syslog_where_the_stack_file_says_so(place: StackPlace) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        port = server.getsockname()[1]
        place.file.write_text(f"config:\n  exec:audit:\n    syslog: 127.0.0.1:{port}\n")
        ran(place)
        said = [server.recv(65536).decode() for _ in range(2)]
    for text, line in zip(said, lines_of(place), strict=True):
        assert text.startswith("<86>exctl: {")
        assert json.loads(line)[HASH] in text


def test_a_syslog_that_is_away_ends_no_run(
    place: StackPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    place.file.write_text("config:\n  exec:audit:\n    syslog: /nowhere/log\n")
    assert syslog.target_of(place) == "/nowhere/log"
    ran(place)
    assert "no copy went to syslog at /nowhere/log" in capsys.readouterr().err
    assert len(lines_of(place)) == 2


def run_of(**facts: Any) -> Run:
    begun = {
        "run": "1", "at": AT, "command": "exctl update excp --tag 2",
        "who": {"user": "anna", "host": "bastion", "ci_job": "job-7"},
    }  # fmt: skip
    ended = {"result": "succeeded", "plan": {"touches": [{"instance": "excp-1-1"}]}}
    return Run(1, begun | facts, ended)


@pytest.mark.parametrize(
    ("wanted", "is_there"),
    [
        (Choice(), True),
        (Choice(who="ANNA"), True),
        (Choice(who="job-7"), True),
        (Choice(who="bert"), False),
        (Choice(command="update"), True),
        (Choice(command="update excp"), True),
        (Choice(command="up"), False),
        (Choice(result="succeeded"), True),
        (Choice(result="failed"), False),
        (Choice(instance="excp-1-1"), True),
        (Choice(instance="excp-1"), False),
        (Choice(rollout="x"), False),
        (Choice(since=datetime(2026, 11, 26, tzinfo=UTC)), True),
        (Choice(since=datetime(2026, 11, 27, tzinfo=UTC)), False),
    ],
)
def test_runs_are_chosen_by_all_that_is_asked(wanted: Choice, is_there: bool) -> None:
    assert bool(chosen([run_of()], wanted)) is is_there


def test_a_time_is_a_date_or_how_long_ago() -> None:
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    assert moment("90m", now).isoformat() == "2026-11-26T10:30:00+00:00"
    assert moment("7d", now).day == 19
    assert moment("2026-11-26T02:00", now).hour == 2
    with pytest.raises(ValueError, match="yesterday"):
        moment("yesterday", now)


def test_an_instance_of_a_run_is_one_of_its_plan_or_gates() -> None:
    assert instances(Run(1, {}, {"gates": [{"instance": "excs"}]})) == {"excs"}
    assert instances(Run(1, {}, None)) == set()


def audit(place: StackPlace, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    monkeypatch.chdir(place.project)
    return CliRunner().invoke(main, ["audit", *arguments])


def test_audit_lists_the_runs_of_every_stack_those_of_removed_ones_too(
    place: StackPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran(place)
    gone = StackPlace(place.project, "gone")
    with pytest.raises(ExctlError), recording(gone, False, ""):
        raise ExctlError("no way", touched=False)
    text = audit(place, monkeypatch).output
    head, *rows = [line.split()[0] for line in text.splitlines()]
    assert (head, sorted(rows)) == ("STACK", ["gone", "prod"])
    failed = json.loads(audit(place, monkeypatch, "--result", "failed", "--json").output)
    assert [(run["stack"], run["exit_code"]) for run in failed] == [("gone", 1)]
    assert isinstance(audit(place, monkeypatch, "--result", "odd").exception, NothingTouched)
    assert isinstance(audit(place, monkeypatch, "--stack", "x").exception, NothingTouched)


def test_audit_verify_ends_with_4_where_something_is_found(
    place: StackPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran(place)
    whole = audit(place, monkeypatch, "verify", "--without-pulumi")
    assert (whole.exit_code, whole.output.split(";")[0]) == (0, "stack prod: whole")
    put(place, lines_of(place)[:-1])
    cut = audit(place, monkeypatch, "verify", "--without-pulumi", "--json")
    assert cut.exit_code == 4
    assert json.loads(cut.output)[0]["findings"][0]["kind"] == "missing"
