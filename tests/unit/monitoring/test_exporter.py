"""The exporter's own machinery: HTTP, one question at a time, files that change, the unit."""

from __future__ import annotations

import json
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exctl.observe import preflight_record
from exctl.observe.exporter import StacksWatch, source_of
from exctl.releases.store import Release, directory_of, written
from exctl.site import Site, StackPlace
from health.preflight.subject import Subject
from health.probe import Answer, Probe
from hosts.answer import HostAnswer
from monitoring.exporter import host_look
from monitoring.exporter.host_look import certain, disks_in
from monitoring.exporter.server import serve
from monitoring.exporter.unit import unit_text
from monitoring.exporter.watch import Intervals, Source, StackWatch
from monitoring.metrics import BY_NAME
from monitoring.placement import placement
from monitoring.seen import HostSeen, RecordsSeen, StackSeen
from stack.layout import build_layout
from tests.unit.exctl.sites import make_site
from tests.unit.monitoring.seen_stack import ok, seen_stack
from tests.unit.stack_file import CLONE, StackFile

SHORT = Intervals(instance=0.05, host=0.05, records=0.05, certificates=60, drift=60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def source(site: Site, probe: Probe = lambda _url: ok()) -> Source:
    """Instances that answer the probe, on hosts that SSH doesn't reach."""
    return replace(
        source_of(site),
        drift=lambda: None,
        probe_of=lambda _config, _host: probe,
        look_at=lambda _subject, _host, _wanted: HostSeen(time.time(), False),
        expiries=lambda _subject, _host: {},
    )


class OneStack:
    def seen(self) -> list[StackSeen]:
        return [seen_stack()]

    def unreadable(self) -> list[str]:
        return ["broken"]


def test_prometheus_reads_every_metric_as_the_catalogue_has_it() -> None:
    port = free_port()
    stop = serve(OneStack(), "1.2.3", "127.0.0.1", port)
    try:
        opener = build_opener(ProxyHandler({}))
        text = opener.open(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
    finally:
        stop()
    families = {f.name: f for f in text_string_to_metric_families(text)}
    for name, metric in BY_NAME.items():
        found = families.get(name.removesuffix("_total"))
        if found is None:
            assert name == "exec_dependency_up"  # the stack's /health names none
            continue
        assert found.type == metric.type
        assert all(set(s.labels) == set(metric.labels) for s in found.samples)


def test_an_instance_is_never_asked_twice_at_once_and_one_that_hangs_holds_up_no_other() -> None:
    site, hangs = make_site(), threading.Event()
    running: dict[str, int] = {}
    most: dict[str, int] = {}
    asked: dict[str, int] = {}
    lock = threading.Lock()

    def probe(url: str) -> Answer:
        target = url.rpartition("/")[0]
        with lock:
            running[target] = running.get(target, 0) + 1
            most[target] = max(most.get(target, 0), running[target])
            asked[target] = asked.get(target, 0) + 1
        if ":3630" in url:
            hangs.wait(10)
        with lock:
            running[target] -= 1
        return ok()

    watching = StackWatch(source(site, probe), SHORT, print)
    try:
        wait_until(lambda: min(asked.get(i.base_url, 0) for i in site.layout.of("excp")) > 5)
        (exas,) = site.layout.of("exas")
        assert asked[exas.base_url] == 1
        assert set(most.values()) == {1}
    finally:
        hangs.set()
        watching.stop()


def test_a_look_that_fails_is_told_and_tried_again() -> None:
    site, calls = make_site(), [0]
    told: list[str] = []

    def records() -> RecordsSeen:
        calls[0] += 1
        if calls[0] == 1:
            raise OSError("a disk that isn't there")
        return RecordsSeen(release=5)

    watching = StackWatch(replace(source(site), records=records), SHORT, told.append)
    try:
        wait_until(lambda: watching.seen.records.release == 5)
        assert "a disk that isn't there" in told[0]
    finally:
        watching.stop()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[tuple[Path, StacksWatch]]:
    shutil.copy(CLONE / "Pulumi.dev.yaml", tmp_path)
    shutil.copy(CLONE / "Pulumi.yaml", tmp_path)
    stacks = StacksWatch(tmp_path, (), SHORT, source)
    yield tmp_path, stacks
    for each in stacks._watches.values():
        each.stop()


def only(stacks: StacksWatch) -> StackSeen:
    (seen,) = stacks.seen()
    return seen


def test_a_stack_file_with_a_mistake_leaves_the_watch_as_it_was_and_is_told(
    project: tuple[Path, StacksWatch],
) -> None:
    directory, stacks = project
    file = directory / "Pulumi.dev.yaml"
    stacks.look()
    assert only(stacks).is_readable
    good = file.read_text()
    file.write_text(good.replace("exec:excs:", "exec:exsc:"))
    stacks.look()
    assert not only(stacks).is_readable
    assert len(only(stacks).layout.instances) == 4
    file.write_text(good)
    stacks.look()
    assert only(stacks).is_readable


def test_a_stack_file_with_a_mistake_from_the_beginning_is_told_until_it_is_put_right(
    project: tuple[Path, StacksWatch],
) -> None:
    directory, stacks = project
    file = directory / "Pulumi.dev.yaml"
    good = file.read_text()
    file.write_text("config: {}")
    stacks.look()
    assert stacks.seen() == []
    assert stacks.unreadable() == ["dev"]
    file.write_text(good)
    stacks.look()
    assert stacks.unreadable() == []
    assert only(stacks).is_readable


def test_a_stack_whose_file_is_gone_is_watched_no_more(
    project: tuple[Path, StacksWatch],
) -> None:
    directory, stacks = project
    stacks.look()
    (directory / "Pulumi.dev.yaml").unlink()
    stacks.look()
    assert stacks.seen() == []


def test_release_and_preflight_are_those_of_this_clone(project: tuple[Path, StacksWatch]) -> None:
    directory, stacks = project
    place = StackPlace(directory, "dev")
    assert preflight_record.read(place) is None
    preflight_record.keep(place, [])
    release = Release(3, "2026-11-25T10:00:00Z", "me@here", "", "abc", {"excs": {"tag": "1"}})
    directory_of(place).mkdir(parents=True)
    (directory_of(place) / "0003.yaml").write_text(written(release))
    stacks.look()
    wait_until(lambda: only(stacks).records.release == 3)
    records = only(stacks).records
    assert records.released_at == 1795600800
    assert records.preflight == {"failed": 0, "warning": 0}
    assert records.is_deploying is False


def test_a_look_at_a_host_tells_whether_what_ships_its_log_files_runs() -> None:
    file = StackFile().put("logging", {"shipping": {"url": "http://loki.example.com/push"}})
    config = file.put("registry.infra_repository", "registry.example.com/infra").config()
    subject = Subject("dev", config, build_layout(config, "dev"))
    wanted = placement(config, subject.layout, "dev")
    running = {"Id": "i", "Name": "/exec-alloy", "State": {"Status": "running"}}

    def shippers(*containers: object) -> dict[str, str]:
        said = HostAnswer(0, "".join(json.dumps(each) + "\n" for each in containers), "")
        host = subject.layout.hosts[0]
        look = host_look.look_at(subject, host, wanted, lambda _subject, _host: lambda _words: said)
        return {agent: state.word for agent, state in look.shippers.items()}

    assert shippers(running) == {"alloy": "running"}
    assert shippers() == {"alloy": "missing"}


def test_only_what_is_certain_of_a_clock_is_told() -> None:
    assert certain(0.4, 0.5) == 0
    assert certain(30.0, 0.5) == 29.5
    assert certain(-30.0, 0.5) == -29.5


def test_lines_that_are_no_disk_are_passed_over() -> None:
    rows = [["disk", "/var/log", "100", "40"], ["disk", "/", "x", "y"], ["banner"]]
    assert [(d.path, d.free_bytes) for d in disks_in(rows)] == [("/var/log", 40 * 1024)]


def test_the_unit_runs_a_command_with_any_path_as_it_stands() -> None:
    text = unit_text(["/opt/my tools/exctl", "exporter", "--stack", "a%b$"], "exec", "/srv/p%")
    line = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    words = shlex.split(line.removeprefix("ExecStart="))
    assert words == ["/opt/my tools/exctl", "exporter", "--stack", "a%%b$$"]
    assert "WorkingDirectory=/srv/p%%" in text


def exctl(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "exctl", "exporter", *arguments],
        cwd=CLONE,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_port_that_is_taken_is_told_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = exctl("--listen", f"127.0.0.1:{port}")
    assert run.returncode == 2
    assert f"can't listen on 127.0.0.1, port {port}: Address already in use" in run.stderr
    assert "exctl exporter --listen [ADDRESS:]PORT" in run.stderr


@pytest.mark.parametrize("listen", ["0", "65536", "host:", "here"])
def test_what_is_no_port_is_refused(listen: str) -> None:
    run = exctl("--listen", listen)
    assert run.returncode == 2
    assert "is not a port" in run.stderr


def test_a_stack_that_is_not_there_is_told_with_those_that_are() -> None:
    run = exctl("--stack", "nowhere", "--unit")
    assert run.returncode == 2
    assert "there is no stack file" in run.stderr
