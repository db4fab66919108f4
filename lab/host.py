"""One lab host: starting it, running commands in it, ending it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import settings
from lab.errors import LabError
from lab.settings import Plan

LOG_SPACE_MIB = 64
"""The log directory's own file system: small, so that filling it up takes no time."""
CGROUP_PARENT = "/exlab"
CRONTABS = "/var/spool/cron/crontabs"


@dataclass(frozen=True)
class LabHost:
    """A host of the lab by name; `directory` holds what is its own."""

    plan: Plan
    name: str
    directory: Path

    @property
    def address(self) -> str:
        return self.plan.addresses[self.name][0]

    @property
    def cgroup(self) -> str:
        return f"{CGROUP_PARENT}-{self.plan.tag}-{self.name}"

    @property
    def pid(self) -> int:
        """The id of its first process, seen from outside; 0 while it's down."""
        try:
            pid = int((self.directory / "pid").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return 0
        return pid if str(self.spec_path).encode() in command else 0

    @property
    def root(self) -> Path:
        """The host's file system as seen from outside."""
        return Path(f"/proc/{self.pid}/root")

    def start(self, commands: dict[str, list[str]], files: dict[str, str]) -> None:
        """Starts the host; `files` are put over files of the same path (/etc/passwd …)."""
        for name in ("home", "docker", "logs", "files"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        binds = {}
        for number, (path, content) in enumerate(files.items()):
            copy = self.directory / "files" / f"{number}-{Path(path).name}"
            copy.write_text(content)
            copy.chmod(Path(path).stat().st_mode & 0o777)
            binds[str(copy)] = path
        spec = {
            "hostname": self.name,
            "tmpfs": {"/run": 64, "/var/log": LOG_SPACE_MIB, CRONTABS: 1},
            "binds": binds,
            "directories": {
                "/run/sshd": "0755",
                "/run/lock": "1777",
                settings.HOST_LOG_PATH: "0777",
                CRONTABS: "1777",
            },
            "commands": commands,
            "logs": str(self.directory / "logs"),
        }
        self.spec_path.write_text(json.dumps(spec, indent=1))
        self.boot()

    @property
    def spec_path(self) -> Path:
        """What the host's first process starts, and where."""
        return self.directory / "spec.json"

    def boot(self) -> None:
        """Starts a host that was started before: its disk is as it was, what was in memory gone."""
        namespace = f"/run/netns/{self.plan.namespace(self.name)}"
        init = [sys.executable, "-m", "lab.init", str(self.spec_path)]
        with (self.directory / "logs/init.log").open("ab") as log:
            subprocess.run(
                [
                    # Not `ip netns exec`: it hides the cgroup mounts, which dockerd needs.
                    *("setsid", "--fork", "nsenter", f"--net={namespace}"),
                    *("unshare", "-m", "-u", "-p", "--fork", "--kill-child", "--mount-proc"),
                    *init,
                ],
                cwd=settings.CLONE,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
            )
        self._note_pid(init)

    def _note_pid(self, init: list[str]) -> None:
        """Writes down the first process inside, found by its command line."""
        wanted = "\0".join(init).encode() + b"\0"
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    is_it = process.read_bytes() == wanted
                except OSError:  # it has ended meanwhile
                    continue
                if is_it:
                    (self.directory / "pid").write_text(process.parent.name)
                    return
            time.sleep(0.01)
        said = (self.directory / "logs/init.log").read_text()[-500:]
        raise LabError(f"{self.name} did not start: {said}")

    def enter(self) -> list[str]:
        """The words that run a command inside, as root."""
        if not self.pid:
            raise LabError(f"{self.name} is down. Start the lab with: python -m lab up")
        return ["nsenter", "-t", str(self.pid), "-m", "-u", "-n", "-p", "--wd=/", "--"]

    def run(
        self,
        *argv: str,
        stdin: str | None = None,
        check: bool = True,
        variables: Mapping[str, str] | None = None,
    ) -> str:
        """A command's stdout; raises LabError with its words if it fails.

        A secret belongs into `variables` or stdin: every user may read a command line.
        """
        run = subprocess.run(
            [*self.enter(), *argv],
            input=stdin,
            env={**os.environ, **(variables or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        if check and run.returncode:
            raise LabError(f"{self.name}: {argv[0]} failed: {run.stderr.strip() or run.stdout}")
        return run.stdout

    def start_command(self, name: str, argv: list[str]) -> None:
        """Starts a command that stays, with its own log, as the first process would."""
        with (self.directory / f"logs/{name}.log").open("ab") as log:
            subprocess.run(
                [*self.enter(), "setsid", "--fork", *argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
            )

    def spec_command(self, name: str) -> list[str]:
        argv = json.loads(self.spec_path.read_text())["commands"][name]
        assert isinstance(argv, list)
        return argv

    def end_command(self, pattern: str, grace_seconds: int = 3) -> None:
        """Ends the host's processes whose command line matches, by force after the grace."""
        self.run("pkill", "-TERM", "-f", pattern, check=False)
        for _ in range(10 * grace_seconds):
            if not self.run("pgrep", "-f", pattern, check=False).strip():
                return
            time.sleep(0.1)
        self.run("pkill", "-KILL", "-f", pattern, check=False)

    def kill(self) -> None:
        pid = self.pid
        if pid:
            os.kill(pid, signal.SIGKILL)

    def cut_power(self) -> None:
        """Ends all of its processes, its containers' as well, at one moment."""
        self.kill()
        deadline = time.monotonic() + 10
        while self.pid and time.monotonic() < deadline:
            time.sleep(0.02)

    def remove(self) -> None:
        """Ends the host and removes what is left of it."""
        self.cut_power()
        remove_cgroups(self.cgroup)
        shutil.rmtree(self.directory, ignore_errors=True)


def remove_cgroups(parent: str) -> None:
    """Removes the control groups that the host's Docker daemon left behind (version 1 and 2)."""
    base = Path("/sys/fs/cgroup")
    for top in [base / parent.strip("/"), *base.glob(f"*/{parent.strip('/')}")]:
        if not top.is_dir():
            continue
        for directory, _, _ in os.walk(top, topdown=False):
            for _ in range(20):
                try:
                    Path(directory).rmdir()
                    break
                except OSError:  # its last process is still on its way out
                    time.sleep(0.05)
