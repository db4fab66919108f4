"""Rollouts over a fleet of stacks, each stack's run a stand-in: fleet.yaml, the plan, what stops
one, how it goes on and back, and how the fleet is."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from config_schema.fleet import Fleet
from exctl.__main__ import main
from exctl.errors import ExctlError, Interrupted, LeftOut, NothingTouched, RolledBack
from exctl.fleet import checks, conduct, file, planning, rollout, status, views
from exctl.fleet.child import outcome_of, words_of
from exctl.fleet.conduct import How
from exctl.fleet.matrix import document, lines
from exctl.fleet.passphrase import passphrase
from exctl.fleet.rollout import Rollout
from exctl.fleet.runner import Means, Runner
from exctl.fleet.schedule import Outcome
from exctl.report.markup import html
from exctl.site import StackPlace
from stack.text import time_text
from tests.unit.exctl.fleets import NEW, OLD, FleetProject
from tests.unit.stack_file import CLONE

UPDATE = ("update", "excp", "--tag", NEW)
THREE = """
waves:
  - name: first
    stacks: [a]
  - name: rest
    stacks: [b, c]
    max_parallel: 2
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FleetProject:
    monkeypatch.setenv("PYTHONPATH", str(CLONE))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "x")  # the stand-in decrypts nothing with it
    found = FleetProject(tmp_path, ["a", "b", "c"])
    found.fleet(THREE)
    monkeypatch.chdir(tmp_path)
    return found


def how(project: FleetProject, **options: Any) -> How:
    return How(yes=True, program=project.command, **options)


def begin(project: FleetProject, command: tuple[str, ...] = UPDATE, **options: Any) -> None:
    conduct.begin(project.directory, command, how(project, **options))


def resume(project: FleetProject, command: tuple[str, ...] = UPDATE, **options: Any) -> None:
    conduct.resume(project.directory, command, how(project, **options))


def roll_back(project: FleetProject) -> None:
    conduct.roll_back(project.directory, how(project))


def last(project: FleetProject) -> Rollout:
    found = rollout.last(project.directory)
    assert found is not None
    return found


def outcomes(project: FleetProject) -> dict[str, str]:
    return {name: str(outcome) for name, outcome in last(project).outcomes.items()}


# fleet.yaml


def test_the_example_is_a_valid_fleet_and_names_every_setting() -> None:
    text = (CLONE / "fleet.example.yaml").read_text()
    known = {"acme-test", "acme", "globex", "initech"}
    fleet, problems = file.parsed(text, known)
    assert fleet is not None
    assert not problems
    for model in (Fleet, type(fleet.waves[0]), type(fleet.of("globex"))):
        for name, field in model.model_fields.items():
            assert f"{name}:" in text, name
            assert " ".join(str(field.description).split()[:4]) in " ".join(text.split()), name


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("waves: []", "waves: must have at least 1 entry; found 0"),
        ("stacks: {}", "waves: is missing: the waves in their order"),
        ("waves: [{name: w, stacks: [a], parallel: 2}]", 'Did you mean "max_parallel"?'),
        ("waves: [{name: w, stacks: [a], max_parallel: 0}]", "must be at least 1"),
        ("waves: [{name: w, stacks: [a, a]}]", "the stack a is in waves twice"),
        ("waves: [{name: w, stacks: [x]}]", "stack x: there is no stack file Pulumi.x.yaml"),
        ("waves: [{name: w, stacks: [a]}]\nstacks: {b: {}}", "stacks.b is in no wave"),
        (
            'waves: [{name: w, stacks: [a]}]\nstacks: {a: {freeze: {reason: x, until: "soon"}}}',
            "'soon' is not a date",
        ),
        (
            "waves: [{name: w, stacks: [a]}]\nstacks: {a: {freeze: {until: 2027-01-01}}}",
            "some YAML parsers read as a date; put it in quotes",
        ),
        ("waves: [{name: w, stacks: [a]}]\nstacks: {a: {pins: {exds: '1'}}}", "stacks.a.pins"),
    ],
)
def test_a_mistake_in_fleet_yaml_is_named_with_its_place(text: str, problem: str) -> None:
    _, problems = file.parsed(text, {"a", "b"})
    assert any(problem in str(each) for each in problems), problems


def test_without_fleet_yaml_it_is_said_how_to_begin_one(project: FleetProject) -> None:
    (project.directory / "fleet.yaml").unlink()
    with pytest.raises(NothingTouched, match=r"cp fleet\.example\.yaml"):
        begin(project)


# A rollout


def test_an_update_goes_over_all_stacks_wave_by_wave(
    project: FleetProject, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(project, message="CHG-1")
    assert project.began[0] == "a"
    assert {project.tag(stack) for stack in "abc"} == {NEW}
    first_end = project.rows("ended.txt")[0]
    assert first_end["stack"] == "a"
    assert first_end["at"] < project.rows("began.txt")[1]["at"]
    words = project.rows("began.txt")[0]["words"]
    assert words == [*UPDATE, "--stack", "a", "--yes", "--json", "-m", "CHG-1"]
    assert "done: a, b, c" in capsys.readouterr().out
    assert last(project).is_over


def test_every_stacks_record_names_the_rollout(project: FleetProject) -> None:
    begin(project)
    found = CliRunner().invoke(main, ["audit", "--rollout", last(project).id, "--json"])
    assert {run["stack"] for run in json.loads(found.output)} == {"a", "b", "c"}


def test_it_stops_at_the_first_wave_that_fails_more_than_it_may_and_resumes_there(
    project: FleetProject, capsys: pytest.CaptureFixture[str]
) -> None:
    project.behave({"a": {"ends": "rolled back"}})
    with pytest.raises(
        RolledBack, match="stopped at wave first: 1 of its stacks failed, 0 allowed"
    ):
        begin(project)
    out = capsys.readouterr().out
    assert "rolled back: a: the gate of excp-1-1 failed\n" in out
    assert "untouched: b, c" in out
    assert [project.tag(stack) for stack in "abc"] == [OLD] * 3
    project.behave({})
    resume(project)
    assert outcomes(project) == dict.fromkeys("abc", "done")
    with pytest.raises(NothingTouched, match="is over"):
        resume(project)


def test_what_may_fail_stops_nothing_and_is_said(project: FleetProject) -> None:
    project.fleet(THREE.replace("stacks: [a]", "stacks: [a]\n    max_failures: 1"))
    project.behave({"a": {"ends": "refused"}})
    with pytest.raises(LeftOut, match="every wave has ended, but 1 stacks failed"):
        begin(project)
    assert outcomes(project) == {"a": "refused", "b": "done", "c": "done"}
    project.behave({})
    resume(project, ("update",))
    assert project.began.count("b") == 1
    assert project.tag("a") == NEW


def test_a_resumed_rollout_leaves_what_is_done(project: FleetProject) -> None:
    project.behave({"b": {"ends": "failed"}})
    with pytest.raises(ExctlError, match="To undo what was done: exctl fleet rollback") as stop:
        begin(project)
    assert stop.value.code == 1
    project.behave({})
    resume(project)
    assert (project.began.count("a"), project.began.count("b")) == (1, 2)
    with pytest.raises(NothingTouched, match="the last rollout was update excp"):
        resume(project, ("up",))


def test_stacks_that_share_a_host_never_change_at_the_same_time(
    tmp_path: Path, project: FleetProject
) -> None:
    shared = FleetProject(tmp_path, ["a", "b", "c"], shared=("a", "b"))
    for stack in "ab":
        path = tmp_path / f"Pulumi.{stack}.yaml"
        path.write_text(
            path.read_text().replace("tenant:", f"tenant:\n    container_prefix: {stack}")
        )
    shared.fleet("waves: [{name: all, stacks: [a, b, c], max_parallel: 3}]")
    shared.behave({stack: {"seconds": 1} for stack in "abc"})
    begin(shared)
    began = {row["words"][row["words"].index("--stack") + 1]: row["at"]
             for row in shared.rows("began.txt")}  # fmt: skip
    ended = {row["stack"]: row["at"] for row in shared.rows("ended.txt")}
    assert ended["a"] < began["b"]
    assert began["c"] < ended["a"]
    assert project.directory == tmp_path


def test_two_names_of_one_machine_are_one_host() -> None:
    assert planning.machine("localhost") & planning.machine("127.0.0.1")
    assert planning.machine("no-such-host.invalid") == {"no-such-host.invalid"}
    assert planning.machine("FE80::0:1") & planning.machine("fe80::1")


def test_frozen_and_pinned_stacks_are_left_alone_and_those_that_have_it(
    project: FleetProject, capsys: pytest.CaptureFixture[str]
) -> None:
    project.fleet(
        THREE + "stacks:\n  a:\n    freeze: {reason: Christmas, until: '2999-01-01'}\n"
        f"  b: {{pins: {{excp: {OLD}}}}}\n"
    )
    begin(project)
    assert project.began == ["c"]
    out = capsys.readouterr().out
    assert "skipped: a: frozen until 2999-01-01: Christmas" in out
    assert f"skipped: b: pinned to excp {OLD}" in out
    kept = last(project).id
    begin(project)
    assert project.began == ["c"]
    assert f"runs excp {NEW} already" in capsys.readouterr().out
    assert last(project).id == kept  # what did nothing takes no rollout's place


def test_a_freeze_ends_after_its_last_day(project: FleetProject) -> None:
    fleet, _ = file.parsed(
        THREE + "stacks: {a: {freeze: {reason: x, until: '2026-12-31'}}}", {"a", "b", "c"}
    )
    assert fleet is not None
    waves = planning.waves_of(fleet)
    for day, outcome in ((31, Outcome.SKIPPED), (32, Outcome.WAITING)):
        today = date(2026, 12, 31) if day == 31 else date(2027, 1, 1)
        parts = planning.planned(project.directory, fleet, waves, planning.upping, today=today)
        assert parts["a"].outcome is outcome


def test_a_stack_file_with_a_problem_stops_everything_before_it_begins(
    project: FleetProject,
) -> None:
    (project.directory / "Pulumi.c.yaml").write_text("config: {}\n")
    with pytest.raises(NothingTouched, match=r"Pulumi\.c\.yaml has"):
        begin(project)
    assert rollout.last(project.directory) is None


def test_only_the_stacks_that_are_named_change(project: FleetProject) -> None:
    begin(project, only=("b",))
    assert project.began == ["b"]
    with pytest.raises(NothingTouched, match="x: in no wave"):
        begin(project, only=("x",))


def test_a_stack_file_that_changes_after_the_plan_is_not_carried_out(
    project: FleetProject, capsys: pytest.CaptureFixture[str]
) -> None:
    edit = project.directory / "Pulumi.b.yaml"
    project.behave({"a": {"seconds": 1.5}})

    def soon() -> None:
        time.sleep(0.7)
        edit.write_text(edit.read_text() + "# edited\n")

    thread = threading.Thread(target=soon)
    thread.start()
    with pytest.raises(ExctlError, match="stopped at wave rest"):
        begin(project)
    thread.join()
    assert last(project).stacks["b"].reason == "its stack file was changed since the plan"
    resume(project)
    assert project.tag("b") == NEW
    assert "# edited" in edit.read_text()
    capsys.readouterr()


def test_a_wave_that_wants_approval_waits_for_it(project: FleetProject) -> None:
    project.fleet(THREE.replace("stacks: [b, c]", "stacks: [b, c]\n    approve: true"))
    with pytest.raises(LeftOut, match="the wave rest waits for approval"):
        begin(project)
    assert project.began == ["a"]
    resume(project, approved=("rest",))
    assert sorted(project.began) == ["a", "b", "c"]


def test_a_stack_that_is_not_well_in_its_waves_bake_stops_the_rollout(
    project: FleetProject,
) -> None:
    project.fleet(THREE.replace("stacks: [a]", "stacks: [a]\n    bake_seconds: 0.5"))
    with services(project, ["a"]) as answering:
        answering.code = 503
        with pytest.raises(ExctlError, match="stopped at wave first"):
            begin(project)
        assert "excs: HTTP 503" in last(project).stacks["a"].reason
        assert project.began == ["a"]
        answering.code, answering.version = 200, NEW
        resume(project)
    assert sorted(project.began) == ["a", "b", "c"]  # a isn't updated again, its bake is


def test_a_rollback_takes_back_all_stacks_of_the_rollout_the_last_wave_first(
    project: FleetProject, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(project, ("up",))  # a release to go back to
    project.behave({"b": {"ends": "rolled back"}})
    with pytest.raises(ExctlError):
        begin(project)
    project.behave({})
    before = project.began
    roll_back(project)
    assert [project.tag(stack) for stack in "abc"] == [OLD] * 3
    assert project.began[len(before) :] == ["c", "a"]
    assert "skipped: b: was rolled back already" in capsys.readouterr().out
    with pytest.raises(NothingTouched, match="the last rollout already rolled back"):
        roll_back(project)


def test_a_rollback_leaves_alone_what_somebody_changed_since(project: FleetProject) -> None:
    begin(project, ("up",))
    begin(project)
    edit = project.directory / "Pulumi.a.yaml"
    edit.write_text(edit.read_text() + "# another change\n")
    subprocess.run(
        [*project.command, "up", "--stack", "a"], cwd=project.directory, check=True,
        stdin=subprocess.DEVNULL, capture_output=True, env={**os.environ, "EXEC_ROLLOUT": "none"},
    )  # fmt: skip
    roll_back(project)
    found = last(project).stacks
    assert found["a"].reason.startswith("was changed since: release 3")
    assert (project.tag("a"), project.tag("b")) == (NEW, OLD)


def test_each_stack_gets_its_own_passphrase_and_no_file_has_it(project: FleetProject) -> None:
    (project.directory / "key").write_text("of-b-alone\n")
    project.fleet(THREE + "stacks: {b: {passphrase_command: [cat, key]}}\n")
    begin(project)
    given = {row["words"][-3]: row["passphrase"] for row in project.rows("began.txt")}
    assert given == {"a": "x", "b": "of-b-alone", "c": "x"}
    (project.directory / "began.txt").unlink()
    (project.directory / "key").unlink()
    kept = [path for path in project.directory.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"of-b-alone" in path.read_bytes()]


def test_a_passphrase_command_that_fails_refuses_its_stack_without_its_words(
    project: FleetProject, tmp_path: Path
) -> None:
    for command, why in (
        (["sh", "-c", "echo geheim; exit 3"], "sh) ends with 3"),
        (["no-such-program"], "can't be run: No such file"),
        (["true"], "prints nothing"),
    ):
        with pytest.raises(NothingTouched) as error:
            passphrase(command, tmp_path)
        assert why in str(error.value)
        assert "geheim" not in str(error.value)
    project.fleet(THREE + "stacks: {a: {passphrase_command: ['false']}}\n")
    with pytest.raises(ExctlError, match="stopped at wave first"):
        begin(project)
    assert project.began == []


def test_a_new_secret_goes_to_every_stack_on_stdin_and_into_no_file(
    project: FleetProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"new-pass\n")))
    begin(project, ("rotate", "redisPassword"))
    assert {row["value"] for row in project.rows("began.txt")} == {"new-pass"}
    (project.directory / "began.txt").unlink()
    kept = [path for path in project.directory.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"new-pass" in path.read_bytes()]


# Cut off


def started(project: FleetProject, *words: str) -> subprocess.Popen[str]:
    code = (
        "import sys; from pathlib import Path; from exctl.fleet import conduct\n"
        "from exctl.errors import ExctlError\n"
        f"how = conduct.How(yes=True, program={project.command!r})\n"
        f"try: conduct.begin(Path('.'), {words!r}, how)\n"
        "except ExctlError as error: print(error.text, file=sys.stderr); sys.exit(error.code)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=project.directory, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def wait_for(project: FleetProject, stack: str) -> None:
    deadline = time.monotonic() + 30
    while stack not in project.began:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_rollout_goes_on_with_what_its_runs_came_to_meanwhile(
    project: FleetProject, capsys: pytest.CaptureFixture[str]
) -> None:
    project.behave({"a": {"seconds": 2}})
    process = started(project, *UPDATE)
    wait_for(project, "a")
    process.kill()
    process.communicate()
    assert outcomes(project)["a"] == "running"
    with pytest.raises(NothingTouched, match="was cut off while stacks were changing"):
        begin(project)
    resume(project)
    assert "a: its run" in capsys.readouterr().err
    assert project.began.count("a") == 1
    assert outcomes(project) == dict.fromkeys("abc", "done")


def test_a_run_that_was_killed_with_its_rollout_is_done_again(project: FleetProject) -> None:
    project.behave({"a": {"seconds": 60}})
    process = started(project, *UPDATE)
    wait_for(project, "a")
    while not (pid := last(project).stacks["a"].pid):
        time.sleep(0.05)
    process.kill()
    os.kill(pid, signal.SIGKILL)
    process.communicate()
    project.behave({})
    resume(project)
    assert project.began.count("a") == 2
    assert outcomes(project) == dict.fromkeys("abc", "done")


def test_a_stack_that_was_noted_but_never_began_begins_when_it_is_resumed(
    project: FleetProject,
) -> None:
    project.behave({"a": {"ends": "refused"}})
    with pytest.raises(ExctlError):
        begin(project)
    found = last(project)
    found.stacks["b"].outcome, found.stacks["b"].began = Outcome.RUNNING, time_text()
    rollout.save(project.directory, found)
    project.behave({})
    resume(project)
    assert outcomes(project) == dict.fromkeys("abc", "done")


def test_ctrl_c_begins_no_further_stack_and_lets_those_under_way_end(
    project: FleetProject,
) -> None:
    project.behave({"a": {"seconds": 1.5}})
    process = started(project, *UPDATE)
    wait_for(project, "a")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == Interrupted.code
    assert "no further stack begins" in said
    assert "To go on: exctl fleet update excp" in said
    assert outcomes(project) == {"a": "done", "b": "waiting", "c": "waiting"}


def test_two_rollouts_at_once_are_refused(project: FleetProject) -> None:
    with (
        rollout.only_one(project.directory),
        pytest.raises(NothingTouched, match=f"process {os.getpid()}"),
    ):
        begin(project)


def test_a_rollouts_state_that_was_edited_is_refused(project: FleetProject) -> None:
    begin(project)
    (path,) = (project.directory / ".exec/fleet").glob("*.json")
    path.write_text("{}")
    with pytest.raises(NothingTouched, match="exctl audit --rollout"):
        resume(project)


@pytest.mark.parametrize(
    ("code", "touched", "outcome"),
    [
        (0, None, "done"), (1, True, "failed"), (1, None, "failed"), (1, False, "refused"),
        (2, False, "refused"), (3, True, "rolled back"), (4, None, "failed"),
        (130, True, "interrupted"), (-9, None, "interrupted"),
    ],
)  # fmt: skip
def test_an_exit_code_means_the_same_as_everywhere(
    code: int, touched: bool | None, outcome: str
) -> None:
    assert outcome_of(code, touched) == outcome


def test_a_stacks_line_says_what_its_run_is_at() -> None:
    step = {"kind": "step", "instance": "excs", "what": "container", "state": "begun"}
    assert words_of(step) == "excs: container"
    assert words_of(step | {"state": "done"}) == ""
    assert words_of({"kind": "rolling_back", "release": 3}) == "ROLLING BACK to release 3"
    assert words_of({"kind": "unheard of"}) == ""


def test_a_question_is_asked_while_the_live_view_is_away(project: FleetProject) -> None:
    begin(project)
    runner = Runner(last(project), Means(project.directory, lambda _: True, lambda _: {}))
    assert views.live_rows(runner, 0.0) == [("", "3 of 3 stacks", "")]
    view = views.LiveView(Console(file=io.StringIO(), force_terminal=True))
    with view.shown(runner):
        assert view._live.is_started
        with view.away():
            assert not view._live.is_started
        assert view._live.is_started


# How the fleet is


class Services(ThreadingHTTPServer):
    """Services that answer with this code and this version."""

    code, version = 200, OLD


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Services)
        body = json.dumps({"version": self.server.version}).encode()
        self.send_response(self.server.code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        return


@contextmanager
def services(project: FleetProject, stacks: list[str]) -> Iterator[Services]:
    """Every instance of these stacks answers, on ports of this machine."""
    server = Services(("0.0.0.0", 0), Answering)  # all of 127.0.0.0/8
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    port = server.server_address[1]
    for number, stack in enumerate(stacks):
        path = project.directory / f"Pulumi.{stack}.yaml"
        mine = rf"10\.77\.{number + 1}\.([1-4])\b"
        text = re.sub(mine, rf"127.1.{number}.\1", path.read_text())
        for key in ("  exec:excs:", "  exec:exas:", '      "1":'):
            indent = " " * (len(key) - len(key.lstrip()) + 2)
            text = text.replace(f"{key}\n", f"{key}\n{indent}port: {port}\n")
        path.write_text(text)
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def test_fifty_stacks_are_looked_at_within_ten_seconds(tmp_path: Path) -> None:
    names = [f"t{number:02}" for number in range(50)]
    found = FleetProject(tmp_path, names)
    with services(found, names):
        began = time.process_time()
        rows = status.look([StackPlace(tmp_path, name) for name in names], 60)
        assert time.process_time() - began < 10  # of one core: others may be at work here too
    assert [row.trouble for row in rows] == [""] * 50
    assert rows[0].services["excp"].healthy == 2


def test_a_dead_stack_holds_nobody_up(project: FleetProject) -> None:
    is_over = threading.Event()

    def row(place: StackPlace) -> status.StackRow:
        if place.stack == "b":
            is_over.wait(60)
        return status.row_of(place)

    with services(project, ["a", "b", "c"]):
        rows = status.look([StackPlace(project.directory, name) for name in "abc"], 5, row)
        is_over.set()
    assert [row.problem for row in rows] == ["", "no answer within 5 s", ""]


def test_the_matrix_says_what_each_stack_is(project: FleetProject) -> None:
    fleet, _ = file.parsed(THREE + f"stacks: {{a: {{pins: {{excp: {OLD}}}}}}}", {"a", "b", "c"})
    with services(project, ["a", "b", "c"]):
        rows = status.look([StackPlace(project.directory, name) for name in "abc"])
    dead = replace(rows[1], problem="no answer within 8 s", services={})
    head, first, second, _, why = lines([rows[0], dead, rows[2]], fleet)
    assert head.split()[:4] == ["STACK", "TENANT", "WAVE", "RELEASE"]
    assert f"{OLD} (pinned) 2/2" in first
    assert "not looked at" in first
    assert "UNKNOWN" in second
    assert why == "b: no answer within 8 s"
    page = html(document([rows[0], dead], fleet, None, "now"))
    assert "no answer within 8 s" in page


def test_fleet_status_ends_with_4_where_a_stack_is_not_well(project: FleetProject) -> None:
    (project.directory / "Pulumi.c.yaml").write_text("config: {}\n")
    with services(project, ["a", "b"]):
        found = CliRunner().invoke(main, ["fleet", "status", "--json", "--html", "page.html"])
    assert found.exit_code == 4
    rows = json.loads(found.stdout)["stacks"]
    assert [row["is_well"] for row in rows] == [True, True, False]
    assert rows[0]["wave"] == "first"
    assert (project.directory / "page.html").read_text().startswith("<!doctype html>")


def test_a_look_at_every_stack_says_what_was_found_and_where_none_could_be_had(
    project: FleetProject,
) -> None:
    project.program.write_text(
        "import json, sys\n"
        "stack = sys.argv[-1]\n"
        "row = {'instance': 'excs', 'host': 'h', 'kind': 'host changed', 'what': 'x'}\n"
        "if stack == 'c': print('exctl: no', file=sys.stderr); sys.exit(1)\n"
        "print(json.dumps([row] if stack == 'b' else [])); sys.exit(4 if stack == 'b' else 0)\n"
    )
    found = checks.on_all(project.directory, ["a", "b", "c"], "drift", {}, project.command)
    assert checks.lines(found) == [
        "a: nothing found",
        "b: excs on h: host changed: x",
        "c: NOT LOOKED AT: no",
    ]
    assert checks.exit_code(found) == 1
    assert checks.exit_code(found[:2]) == 4
    assert checks.exit_code(found[:1]) == 0
