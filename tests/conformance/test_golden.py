"""Replays every golden case with the embedded engine and compares it with what the Pulumi CLI
recorded: exit codes, states, events, provider calls. Where `pulumi` is installed, the same cases
are replayed with it too, which proves that the recordings still are what it does.

What this can't prove: texts (they are for people), and hosts over SSH (tests/lab does that).
The golden cases aren't part of the project; where they are absent each test says so and is skipped.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

CLONE = Path(__file__).resolve().parents[2]
ENGINE = CLONE / "engine" / "bin"
GOLDEN = Path(os.environ.get("EXEC_GOLDEN_DIR") or CLONE.parent / "shared" / "golden")
CASE_SECONDS = 300


def _cases() -> ModuleType | None:
    if not (GOLDEN / "cases.py").is_file():
        return None
    spec = importlib.util.spec_from_file_location("cases", GOLDEN / "cases.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["cases"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


CASES = _cases()
ALL = sorted(CASES.CASES) if CASES else []
DOCKER = [name for name in ALL if CASES and CASES.CASES[name].needs_docker]
OTHERS = [name for name in ALL if name not in DOCKER]

pytestmark = pytest.mark.skipif(
    not ALL, reason=f"no golden cases in {GOLDEN}: set EXEC_GOLDEN_DIR to compare with the CLI"
)


@pytest.fixture(scope="module")
def daemon() -> Iterator[None]:
    """The private Docker daemon of the golden cases, ended afterwards if it is ours."""
    tools = ("dockerd", "busybox")
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"a Docker daemon needs root and {', '.join(missing or tools)}")
    script = str(GOLDEN / "daemon.sh")
    running = subprocess.run(
        ["docker", "-H", "tcp://127.0.0.1:2375", "version"], capture_output=True
    ).returncode
    subprocess.run(["bash", script, "up"], check=True, capture_output=True, timeout=120)
    yield
    if running != 0:
        subprocess.run(["bash", script, "down"], check=True, capture_output=True, timeout=120)


BUILD_OF_PLUGIN = re.compile(r'("__pulumi-go-provider-version": ?)"[^"]*"')


def replay(case: str, first_on_path: Path, out: Path) -> None:
    """Run one case and fail with what differs."""
    environment = {**os.environ, "PATH": f"{first_on_path}:{os.environ['PATH']}"}
    environment.pop("PULUMI_STACK", None)
    for script in ("record.py", "compare.py"):
        done = subprocess.run(
            [sys.executable, str(GOLDEN / script), str(out), case],
            env=environment,
            capture_output=True,
            text=True,
            timeout=CASE_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        if first_on_path != ENGINE:  # the plugin's version, as whoever built it wrote it there
            for path in out.rglob("*.json*"):
                path.write_text(BUILD_OF_PLUGIN.sub(r'\1"(devel)"', path.read_text()))
    assert f"{case}: same" in done.stdout


@pytest.mark.parametrize("case", OTHERS)
def test_the_engine_does_what_the_cli_did(case: str, tmp_path: Path) -> None:
    replay(case, ENGINE, tmp_path)


@pytest.mark.docker
@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("case", DOCKER)
def test_the_engine_does_to_docker_what_the_cli_did(case: str, tmp_path: Path) -> None:
    replay(case, ENGINE, tmp_path)


CLI = shutil.which("pulumi")
needs_cli = pytest.mark.skipif(
    CLI is None or Path(CLI).resolve() == (ENGINE / "pulumi").resolve(),
    reason="the Pulumi CLI isn't on PATH: the recordings stand for it",
)


@needs_cli
@pytest.mark.pulumi
@pytest.mark.parametrize("case", OTHERS)
def test_the_cli_still_does_what_was_recorded(case: str, tmp_path: Path) -> None:
    assert CLI is not None
    replay(case, Path(CLI).parent, tmp_path)


@needs_cli
@pytest.mark.pulumi
@pytest.mark.docker
@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("case", DOCKER)
def test_the_cli_still_does_to_docker_what_was_recorded(case: str, tmp_path: Path) -> None:
    assert CLI is not None
    replay(case, Path(CLI).parent, tmp_path)
