"""Set-up's way to a Pulumi CLI, with programs named `go` and `pulumi` that do what bad ones do.

The true build takes minutes; that it works, each set-up on a fresh machine shows.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.stack_file import CLONE
from toolchain.build import DISK_MIB
from toolchain.versions import locked

WANTED = locked(CLONE)
OFFICIAL = "https://www.pulumi.com/docs/install/"
GO = f"""
case "$1" in
  env) echo go{WANTED.go} ;;
  list) printf 'one\\ntwo\\n' ;;
  build)
    while [ "$1" != -o ]; do shift; done
    echo build >>"$RECORD"
    sleep "${{BUILD_SECONDS:-0}}"
    mkdir -p "$(dirname "$2")"
    printf '#!/bin/sh\\necho v{WANTED.cli}\\n' >"$2" && chmod +x "$2" ;;
esac
"""
"""A Go that works: its `build` makes a program that tells the version asked for."""


@dataclass(frozen=True)
class Bench:
    """A cache, a PATH and a record of what was built."""

    folder: Path

    @property
    def cache(self) -> Path:
        return self.folder / "cache" / "exec"

    @property
    def record(self) -> Path:
        return self.folder / "record"

    def put(self, name: str, script: str) -> Path:
        """A program on PATH."""
        file = self.folder / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return file

    def start(self, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "toolchain"],
            cwd=CLONE,
            env={
                "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
                "HOME": str(self.folder),
                "XDG_CACHE_HOME": str(self.folder / "cache"),
                "RECORD": str(self.record),
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, **environment: str) -> tuple[int, str, str]:
        process = self.start(**environment)
        out, said = process.communicate(timeout=300)
        assert "Traceback" not in said
        return process.returncode, out.strip(), said

    def left(self) -> list[str]:
        return sorted(path.name for path in self.cache.iterdir()) if self.cache.exists() else []

    def builds(self) -> int:
        return len(self.record.read_text().splitlines()) if self.record.exists() else 0


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_new_enough_cli_on_path_is_taken_and_nothing_is_built(bench: Bench) -> None:
    pulumi = bench.put("pulumi", f"echo v{WANTED.sdk}")
    bench.put("go", GO)
    assert bench.run() == (0, str(pulumi), "")
    assert bench.builds() == 0


@pytest.mark.parametrize("answer", ["echo v3.200.0", f"echo v{WANTED.sdk}-alpha.1", "exit 3"])
def test_an_old_cli_on_path_is_named_and_a_new_one_built(bench: Bench, answer: str) -> None:
    bench.put("pulumi", answer)
    bench.put("go", GO)
    code, out, said = bench.run()
    assert (code, out) == (0, str(bench.cache / f"pulumi-{WANTED.cli}+{WANTED.modules}" / "pulumi"))
    assert str(bench.folder / "bin/pulumi") in said
    assert f"{WANTED.sdk} or newer" in said
    assert OFFICIAL in said
    assert bench.left() == [f"pulumi-{WANTED.cli}+{WANTED.modules}"]


def test_the_second_set_up_builds_nothing_and_says_nothing(bench: Bench) -> None:
    bench.put("go", GO)
    first = bench.run()
    assert bench.run() == (0, first[1], "")
    assert bench.builds() == 1


def test_another_clones_link_into_the_cache_is_followed(bench: Bench) -> None:
    bench.put("go", GO)
    _, built, _ = bench.run()
    (bench.folder / "bin/pulumi").symlink_to(built)
    assert bench.run() == (0, built, "")


def test_two_set_ups_at_once_build_once(bench: Bench) -> None:
    bench.put("go", GO)
    both = [bench.start(BUILD_SECONDS="1") for _ in range(2)]
    ends = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert len({out for out, _ in ends}) == 1
    assert bench.builds() == 1
    assert sum("waiting for it" in said for _, said in ends) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_build_leaves_nothing_and_no_process(
    bench: Bench, number: signal.Signals
) -> None:
    # The compiler that go starts is a grandchild; it must not outlive the build either.
    bench.put("go", GO.replace('sleep "', 'sh -c "echo \\$\\$ >>$RECORD; exec sleep 60" & sleep "'))
    process = bench.start(BUILD_SECONDS="60")
    deadline = time.monotonic() + 60
    while not (bench.builds() == 2 and bench.left()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    compiler = int(bench.record.read_text().split()[-1])
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert bench.left() == []
    assert not running(compiler)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_what_a_killed_build_left_goes_with_the_next(bench: Bench) -> None:
    bench.put("go", GO)
    (bench.cache / "building-abc/gopath").mkdir(parents=True)
    assert bench.run()[0] == 0
    assert bench.left() == [f"pulumi-{WANTED.cli}+{WANTED.modules}"]


@pytest.mark.parametrize("step", ["list", "build"])
def test_a_failing_go_is_a_sentence_and_leaves_nothing(bench: Bench, step: str) -> None:
    fail = f"if [ $1 = {step} ]; then echo 'write x.a: no space left on device' >&2; exit 1; fi"
    bench.put("go", f"{fail}\n{GO}")
    code, out, said = bench.run()
    assert (code, out) == (1, "")
    last = said.splitlines()[-1]
    assert "the disk is full (write x.a: no space left on device)" in last
    assert "make room, then run scripts/setup again" in last
    assert OFFICIAL in last
    assert bench.left() == []


def test_a_cli_that_tells_another_version_is_not_kept(bench: Bench) -> None:
    bench.put("go", GO.replace(f"echo v{WANTED.cli}", "echo v1.0.0"))
    code, _, said = bench.run()
    assert code == 1
    assert "doesn't answer with version" in said
    assert bench.left() == []


def test_an_old_go_is_named_and_without_pypi_too_the_official_installation(bench: Bench) -> None:
    bench.put("go", "echo go1.19.8")
    code, _, said = bench.run(
        PIP_INDEX_URL="http://127.0.0.1:9/", PIP_FIND_LINKS="", PIP_RETRIES="1"
    )
    assert code == 1
    assert f"{bench.folder / 'bin/go'}) is 1.19.8; the CLI needs {WANTED.go} or newer" in said
    assert "a package registry can't be reached" in said
    assert OFFICIAL in said
    assert bench.left() == []


@pytest.fixture
def small_disk(bench: Bench) -> Iterator[Path]:
    """The cache on a file system of its own that is too small."""
    folder = bench.folder / "cache"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=False
    )
    if made.returncode:
        pytest.skip("needs root and the right to mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.usefixtures("small_disk")
def test_a_disk_too_small_is_said_before_anything_is_fetched(bench: Bench) -> None:
    bench.put("go", GO.replace("list)", 'list) echo fetched >>"$RECORD";'))
    code, _, said = bench.run()
    assert code == 1
    assert "the disk is full" in said
    assert f"the build needs {DISK_MIB} MiB" in said
    assert OFFICIAL in said
    assert bench.left() == []
    assert bench.builds() == 0


def test_a_cache_that_cannot_be_written_is_a_sentence(bench: Bench) -> None:
    (bench.folder / "cache").write_text("a file where the folder should be")
    bench.put("go", GO)
    code, _, said = bench.run()
    assert code == 1
    assert "XDG_CACHE_HOME" in said


def test_the_operators_go_settings_reach_no_build_but_where_modules_come_from(
    bench: Bench,
) -> None:
    bench.put("go", f'if [ $1 = list ]; then env >"$RECORD.env"; fi\n{GO}')
    bench.run(
        GOFLAGS="-mod=vendor", GOOS="plan9", GOPATH="/operator", GOPROXY="https://own.example"
    )
    seen = (bench.folder / "record.env").read_text()
    assert "plan9" not in seen
    assert "vendor" not in seen
    assert "/operator" not in seen
    assert "GOPROXY=https://own.example" in seen
    assert "GOTOOLCHAIN=local" in seen
