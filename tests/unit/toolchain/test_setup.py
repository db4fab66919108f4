"""What set-up does around the build: links, one interrupt for all, a last word without a CLI."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.stack_file import CLONE
from tests.unit.toolchain.test_build import GO, OFFICIAL, WANTED


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone whose requirements are installed already, with a Go that works on PATH."""
    folder = tmp_path / "clone"
    (folder / "scripts").mkdir(parents=True)
    shutil.copy(CLONE / "scripts/setup", folder / "scripts")
    shutil.copytree(CLONE / "toolchain", folder / "toolchain")
    for name in ("requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        shutil.copy(CLONE / name, folder)
    wanted = hashlib.sha256(
        (folder / "requirements-dev.txt").read_bytes() + (folder / "pyproject.toml").read_bytes()
    )
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/python").symlink_to(sys.executable)
    (folder / "exctl").mkdir()
    put(folder / ".venv/share/man/man1/exctl.1", "")
    (folder / ".venv/installed").write_text(f"{wanted.hexdigest()} {folder}\n")
    put(tmp_path / "bin/go", GO)
    return folder


def put(file: Path, script: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def environment(clone: Path, **more: str) -> dict[str, str]:
    python = Path(sys.executable).resolve().parent
    return {
        "PATH": f"{clone.parent / 'bin'}:{python}:/usr/bin:/bin",
        "HOME": str(clone.parent),
        "XDG_CACHE_HOME": str(clone.parent / "cache"),
        "RECORD": str(clone.parent / "record"),
        **more,
    }


def set_up(clone: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["scripts/setup", "--without-lab"],
        cwd=clone,
        env=environment(clone, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_built_cli_and_the_plugins_are_linked_and_stale_links_replaced(clone: Path) -> None:
    link = clone / ".venv/bin/pulumi"
    link.symlink_to("/gone/pulumi")
    plugin = clone / "plugins/bin/pulumi-resource-docker"
    plugin.parent.mkdir(parents=True)
    put(plugin.parent / "launcher", "")
    plugin.symlink_to("launcher")
    done = set_up(clone)
    assert done.returncode == 0, done.stdout
    assert (
        link.resolve() == clone.parent / f"cache/exec/pulumi-{WANTED.cli}+{WANTED.modules}/pulumi"
    )
    assert (clone / ".venv/bin/pulumi-resource-docker").readlink() == plugin
    assert not (clone / ".venv/bin/launcher").exists()
    put(clone.parent / "bin/pulumi", f"echo v{WANTED.sdk}")
    assert set_up(clone).stdout == "setup: ready: .venv/bin/exctl --help\n"
    assert link.readlink() == clone.parent / "bin/pulumi"


def test_an_activated_environment_does_not_link_the_cli_to_itself(clone: Path) -> None:
    set_up(clone)
    path = f"{clone / '.venv/bin'}:{environment(clone)['PATH']}"
    assert set_up(clone, PATH=path).returncode == 0
    built = clone.parent / f"cache/exec/pulumi-{WANTED.cli}+{WANTED.modules}/pulumi"
    assert (clone / ".venv/bin/pulumi").readlink() == built


def test_without_a_cli_set_up_is_not_ready_and_says_so_last(clone: Path) -> None:
    put(clone.parent / "bin/go", f'[ $1 != build ] || {{ echo "x: zip: bad" >&2; exit 1; }}\n{GO}')
    done = set_up(clone)
    assert done.returncode == 1
    assert OFFICIAL in done.stdout.splitlines()[-2]
    assert done.stdout.splitlines()[-1].startswith("setup: not ready: the Pulumi CLI is missing")
    assert not (clone / ".venv/bin/pulumi").exists()


def test_one_interrupt_at_the_terminal_ends_set_up_and_its_build(clone: Path) -> None:
    process = subprocess.Popen(
        ["scripts/setup", "--without-lab"],
        cwd=clone,
        env=environment(clone, BUILD_SECONDS="60"),
        start_new_session=True,
    )
    record = clone.parent / "record"
    deadline = time.monotonic() + 60
    while not record.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all that it started
    assert process.wait(timeout=60) == 130
    assert list((clone.parent / "cache/exec").iterdir()) == []
