"""A copy of the program with a stack file and a state of its own: what an operator's clone is.

Stories change this copy's stack file and run the operator's commands in it; the clone that is
tested stays as it is.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

CLONE = Path(__file__).resolve().parents[2]
PROGRAM = (
    "__main__.py",
    "Pulumi.yaml",
    "Pulumi.dev.yaml",
    "components",
    "config_schema",
    "health",
    "hosts",
    "monitoring",
    "oci",
    "stack",
)
STACK = "dev"
COMMAND_TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class Run:
    """What a command answered: its exit code, its texts, and how long it took in seconds."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def text(self) -> str:
        return self.stdout + self.stderr


class Workspace:
    """The operator's clone in `directory`."""

    def __init__(
        self,
        directory: Path,
        lab_directory: Path,
        edit_stack_file: Callable[[str], str],
    ) -> None:
        self.directory = directory
        self.variables: dict[str, str] = {}
        """What the operator's shell has besides."""
        self.patience_seconds = COMMAND_TIMEOUT_SECONDS
        copy_program(directory)
        (directory / ".lab").symlink_to(lab_directory)
        stack_file = directory / f"Pulumi.{STACK}.yaml"
        stack_file.write_text(edit_stack_file(stack_file.read_text()))
        self.backend = directory / "state"
        self.backend.mkdir()

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PULUMI_", "EXEC_"))}
        path = f"{CLONE / '.venv/bin'}:{kept['PATH']}"
        return {
            **kept,
            "PATH": path,
            "PULUMI_CONFIG_PASSPHRASE": "lab",
            "PULUMI_BACKEND_URL": f"file://{self.backend}?metadata=skip",  # as Pulumi.yaml
            "PULUMI_HOME": str(self.directory / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "NO_COLOR": "1",
            **self.variables,
        }

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *command: str) -> Run:
        started = time.monotonic()
        process = self.start(*command)
        try:
            stdout, stderr = process.communicate(timeout=self.patience_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            raise AssertionError(
                f"{command} didn't end in {self.patience_seconds} s:\n{stdout}{stderr}"
            ) from None
        return Run(process.returncode, stdout, stderr, time.monotonic() - started)

    def pulumi(self, *arguments: str) -> Run:
        return self.run("pulumi", *arguments)

    def exctl(self, *arguments: str) -> Run:
        return self.run("exctl", *arguments)

    def up(self, *arguments: str) -> Run:
        """The run of `exctl up`, which must succeed."""
        run = self.exctl("up", "--stack", STACK, "--yes", *arguments)
        assert run.code == 0, run.text
        return run

    def hurry(self) -> None:
        """Gates ask five times a second: a story waits for the services alone."""
        self.edit("gate.interval_seconds", 0.2)
        self.edit("excs.sync_gate.interval_seconds", 0.2)

    def edit(self, path: str, value: object) -> None:
        """Writes one setting of the stack file, `excp.pairs.1.tag` for instance."""
        self._change(path, value)

    def remove(self, path: str) -> None:
        self._change(path, None)

    def _change(self, path: str, value: object) -> None:
        yaml = YAML()
        stack_file = self.directory / f"Pulumi.{STACK}.yaml"
        content = yaml.load(stack_file)
        first, *rest = path.split(".")
        *parents, last = [f"exec:{first}", *rest]
        place = content["config"]
        for key in parents:
            place = place.setdefault(key, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
        yaml.dump(content, stack_file)

    def setting(self, path: str) -> Any:
        """A copy of one setting of the stack file."""
        first, *rest = path.split(".")
        found = YAML(typ="safe").load(self.directory / f"Pulumi.{STACK}.yaml")["config"]
        found = found[f"exec:{first}"]
        for key in rest:
            found = found[key]
        return found

    def secret(self, name: str, value: str) -> None:
        """Sets a secret of the stack file, which need not be deployed yet."""
        run = subprocess.run(
            ["exctl", "secret", "set", name, "--stack", STACK],
            cwd=self.directory,
            env=self.environment,
            input=value,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr

    def rows(self) -> dict[str, dict[str, Any]]:
        """The state's resources by name, as `stack export` gives them (empty without a stack)."""
        run = self.pulumi("stack", "export", "--stack", STACK)
        if "no stack named" in run.stderr:
            return {}
        assert run.code == 0, run.text
        deployment = json.loads(run.stdout)["deployment"]
        return {row["urn"].rsplit("::", 1)[1]: row for row in deployment.get("resources") or []}

    def container_id(self, instance: str) -> str:
        return str(self.rows()[f"container-{instance}"]["id"])

    def outputs(self) -> dict[str, Any]:
        run = self.pulumi("stack", "output", "--json", "--stack", STACK)
        assert run.code == 0, run.text
        found = json.loads(run.stdout)
        assert isinstance(found, dict)
        return found


def copy_program(directory: Path) -> None:
    """Copies what an operator needs; the environment and the lab's keys stay the clone's."""
    for name in [
        *PROGRAM,
        *(path.name for path in CLONE.glob("*.py") if path.name != "__main__.py"),
    ]:
        source = CLONE / name
        if source.is_dir():
            shutil.copytree(source, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, directory / name)
    (directory / ".venv").symlink_to(CLONE / ".venv")
