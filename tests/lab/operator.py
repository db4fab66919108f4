"""An operator at work: commands that must end as expected, interrupted runs, what they cost."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import Site
from tests.lab.prober import LONGEST, PROVEN, Watch
from tests.lab.workspace import STACK, Run

OLD, NEW, CRASHES = "100.0.100.11", "100.0.100.12", "100.0.100.13"
WAIT_SECONDS = 120.0


def exctl(site: Site, *arguments: str, code: int = 0, text: str | None = None) -> Run:
    """A command that must end with this code, and must tell no secret."""
    started = time.monotonic()
    process = subprocess.Popen(
        ["exctl", *arguments],
        cwd=site.work.directory,
        env={**site.work.environment, "PULUMI_STACK": STACK},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    stdout, stderr = process.communicate(text or "", timeout=300)
    run = Run(process.returncode, stdout, stderr, time.monotonic() - started)
    assert run.code == code, run.text
    checked(site, run.text)
    return run


def checked(site: Site, said: str) -> None:
    """Nothing that a command says may hold a secret, or what only its authors understand."""
    for secret in site.secrets:
        assert secret not in said
    assert "Traceback" not in said, said


class Running:
    """A command under way: what it says is read as it comes, and it can be cut at any word of it.

    `terminal`: it has one, and so asks its questions.
    """

    def __init__(self, site: Site, *arguments: str, terminal: bool = False) -> None:
        self.site = site
        self._said: list[bytes] = []
        ours, theirs = pty.openpty() if terminal else os.pipe()
        self._terminal = ours if terminal else None
        environment = {**site.work.environment, "PULUMI_STACK": STACK}
        if terminal:
            environment |= {"TERM": "xterm", "COLUMNS": "160"}
            del environment["NO_COLOR"]
        self.process = subprocess.Popen(
            ["exctl", *arguments],
            cwd=site.work.directory,
            env=environment,
            stdin=theirs if terminal else subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, args=(ours,), daemon=True)
        self._reader.start()

    def _read(self, descriptor: int) -> None:
        while True:
            try:
                data = os.read(descriptor, 65536)
            except OSError:  # a terminal whose other end has closed
                return
            if not data:
                return
            self._said.append(data)

    @property
    def said(self) -> str:
        return b"".join(self._said).decode(errors="replace")

    def wait_for(self, words: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while words not in self.said:
            assert self.process.poll() is None, f"ended before {words!r}:\n{self.said}"
            assert time.monotonic() < deadline, f"never said {words!r}:\n{self.said}"
            time.sleep(0.02)

    def type(self, text: str) -> None:
        assert self._terminal is not None
        os.write(self._terminal, text.encode())

    def cut(self, number: signal.Signals) -> None:
        """The signal, to exctl alone: as `kill` sends it, or a terminal to whom it is in front."""
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """kill -9 of exctl and of all that it has started, at one moment."""
        doomed = [self.process.pid, *_descendants(self.process.pid)]
        for pid in doomed:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()

    def end(self, code: int) -> str:
        """All it said, once it has ended with this code."""
        try:
            self.process.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"didn't end:\n{self.said}") from None
        self._reader.join(2)
        assert self.process.returncode == code, self.said
        checked(self.site, self.said)
        return self.said


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            found += [child, *_descendants(child)]
    return found


@contextmanager
def costing_nothing(
    site: Site, request: pytest.FixtureRequest, excs_replaced: int = 0, without_excs: bool = False
) -> Iterator[Watch]:
    """Asks every instance ten times a second meanwhile: no pair may be down at any moment, and EXCS
    is replaced only as often as the story needs.

    `without_excs`: EXCS is away for longer than EXCP does without, so that the pairs themselves say
    503 for want of it; then one of each pair must be there and answer at any moment.
    """
    began = time.time()
    codes = {200, 503} if without_excs else {200}
    with watched(site) as watch:
        yield watch
    seconds = {
        pair: watch.seconds_without_any(urls, codes) for pair, urls in pair_urls(site).items()
    }
    replaced = _made_since(site, "excs", began)
    words = ", ".join(f"{pair} {found:.1f} s" for pair, found in seconds.items())
    answers = " (503 is an answer)" if without_excs else ""
    PROVEN.append(
        f"{request.node.name}: wholly down{answers}: {words}; EXCS replaced {replaced} times,"
        f" needed {excs_replaced}; {watch.probes()} probes"
    )
    assert set(seconds.values()) == {0}, seconds
    assert replaced == excs_replaced


@contextmanager
def watched(site: Site) -> Iterator[Watch]:
    """Asks every instance ten times a second meanwhile, and notes for the page of faults how long
    a pair was down; that may be."""
    with Watch(site.health_urls()) as watch:
        yield watch
    for urls in pair_urls(site).values():
        unhealthy, silent = (watch.longest_without_any(urls, c) for c in ({200}, {200, 503}))
        LONGEST.append((unhealthy, silent))


def pair_urls(site: Site) -> dict[str, list[str]]:
    """Where the instances of each pair say how they are, by the pair's name."""
    found: dict[str, list[str]] = {}
    for key in site.hosts:
        if key.startswith("excp"):
            found.setdefault(key.rpartition("-")[0], []).append(site.url(key, "/health"))
    return found


def _made_since(site: Site, key: str, began: float) -> int:
    """How many containers of an instance were made since, as its Docker daemon remembers: under its
    name, or prepared to take the old one's place."""
    times = ("--since", f"{began:.3f}", "--until", f"{time.time():.3f}")
    words = ("--filter", "type=container", "--filter", "event=create", "--format")
    made = site.docker(key, "events", *times, *words, "{{.Actor.Attributes.name}}")
    return sum(name in (key, f"{key}.pulumi-next") for name in made.split())


def archive(site: Site, service: str, version: str) -> str:
    """An archive of the vendor's."""
    state = json.loads((site.lab.directory / "state.json").read_text())
    return str(Path(state["archives"]) / f"{service}-{version}.tgz")


def starting(service: str) -> tuple[str, ...]:
    """How the lab's images start; what the archive of a root file system doesn't say."""
    words = json.dumps(["/usr/bin/python3", "-m", "service", service])
    return ("--entrypoint", words, "--workdir", "/opt/exec")


def waive(site: Site, *checks: str) -> None:
    """Lets a run go on though the preflight finds these, to see what then happens."""
    known = site.work.setting("preflight.waive")
    assert isinstance(known, dict)
    site.work.edit("preflight.waive", {**known, **dict.fromkeys(checks, "a story")})


def approvers(site: Site) -> str:
    """An allowed-signers file of ann and bob, whose keys are beside it."""
    lines = []
    for name in ("ann", "bob"):
        site.work.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name)
        lines.append(f"{name} {(site.work.directory / f'{name}.pub').read_text()}")
    (site.work.directory / "approvers").write_text("".join(lines))
    return "approvers"


def releases(site: Site) -> list[dict[str, Any]]:
    found = json.loads(exctl(site, "releases", "--json").stdout)
    assert isinstance(found, list)
    return found


def locks(site: Site) -> list[Path]:
    """Pulumi's lock files."""
    return list((site.work.backend / ".pulumi/locks").rglob("*.json"))


def left_well(site: Site) -> Iterator[None]:
    """The site as it was before, after a story that has left it otherwise."""
    text = site.stack_file.read_text()
    yield
    for target in (*site.hosts, *site.lab.hosts):
        site.clear_faults(target)
    if set(site.codes().values()) == {200} and not locks(site):
        return
    if releases(site):
        site.stack_file.write_text(text)
    site.work.exctl("unlock", "--yes", "--stack", STACK)
    site.work.exctl("up", "--yes", "--stack", STACK, "--no-rollback")
