"""A project with a backend of its own, for the real CLI with this clone's plugins."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CLONE = Path(__file__).resolve().parents[2]
PLUGINS = CLONE / "plugins" / "bin"
RUN_SECONDS = 120
KEPT = ("HOME", "LANG", "LC_ALL", "SSH_AUTH_SOCK", "TMPDIR", "USER", "XDG_CACHE_HOME")


def pulumi() -> Path:
    """The CLI: the one that set-up chose, or the one on PATH, or the newest that set-up built."""
    chosen = Path(sys.executable).with_name("pulumi")
    if os.access(chosen, os.X_OK):
        return chosen
    if found := shutil.which("pulumi"):
        return Path(found)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    built = sorted(cache.glob("exec/pulumi-*/pulumi"), key=lambda path: path.stat().st_mtime)
    assert built, "there is no Pulumi CLI: run scripts/setup"
    return built[-1]


@dataclass
class Done:
    """How a run of the CLI ended, and what it said."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """All that it said."""
        return self.stdout + self.stderr


@dataclass
class Project:
    """A directory with a program, and a stack `dev` on a file backend beside it."""

    work: Path
    options: str = ""
    """More lines of Pulumi.yaml."""
    name: str = "test"
    variables: dict[str, str] = field(default_factory=dict)
    """Environment variables of every run; "" leaves one out."""

    def __post_init__(self) -> None:
        for folder in (self.directory, self.backend, self.home):
            folder.mkdir(parents=True)
        runtime = "" if "runtime:" in self.options else "runtime: python\n"
        text = f"name: {self.name}\n{runtime}{self.options}"
        (self.directory / "Pulumi.yaml").write_text(text)
        assert self.run("stack", "init", "dev").code == 0

    @property
    def directory(self) -> Path:
        """Where Pulumi.yaml is."""
        return self.work / "project"

    @property
    def backend(self) -> Path:
        """Where the state is."""
        return self.work / "backend"

    @property
    def home(self) -> Path:
        """Pulumi's own directory, so that no plugin of the machine is found."""
        return self.work / "home"

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a run: few of the machine's, ours, the project's."""
        found = {name: os.environ[name] for name in KEPT if name in os.environ}
        found |= {
            "PATH": f"{PLUGINS}:{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin",
            "PULUMI_BACKEND_URL": f"file://{self.backend}",
            "PULUMI_HOME": str(self.home),
            "PULUMI_CONFIG_PASSPHRASE": "x",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "NO_COLOR": "1",
        }
        found |= self.variables
        return {name: value for name, value in found.items() if value}

    def program(self, text: str) -> None:
        """Write the program. What Python compiled of the one before goes: it would be run again if
        both have one size and were written within a second."""
        shutil.rmtree(self.directory / "__pycache__", ignore_errors=True)
        (self.directory / "__main__.py").write_text(text)

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        """Start the CLI, in a session of its own."""
        return subprocess.Popen(
            [str(pulumi()), *words, "--non-interactive"],
            cwd=self.directory,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, **variables: str) -> Done:
        """Run the CLI to its end; one that doesn't end within RUN_SECONDS is killed."""
        process = self.start(*words, **variables)
        try:
            stdout, stderr = process.communicate(timeout=RUN_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            raise AssertionError(f"no end of {words}:\n{stdout}{stderr}") from None
        return Done(process.returncode, stdout, stderr)

    def up(self, *words: str, **variables: str) -> Done:
        """`pulumi up` without a preview."""
        return self.run("up", "--yes", "--skip-preview", *words, **variables)

    def state(self) -> dict[str, Any]:
        """The stack's checkpoint: its `latest` deployment."""
        path = self.backend / ".pulumi/stacks" / self.name / "dev.json"
        found: dict[str, Any] = json.loads(path.read_text())["checkpoint"]["latest"]
        return found

    def rows(self) -> dict[str, dict[str, Any]]:
        """The resources in the state, by the last part of their URN (the name)."""
        return {row["urn"].rpartition("::")[2]: row for row in self.state().get("resources") or []}
