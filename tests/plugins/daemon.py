"""A Docker daemon of the tests' own, on loopback, with two small images."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

APPLETS = ("sh", "sleep", "true", "false", "echo", "cat")
START_SECONDS = 60


class Daemon:
    """A running dockerd; `root` holds all of it."""

    def __init__(
        self, address: str, root: Path, variables: Mapping[str, str] | None = None
    ) -> None:
        self.address = address
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        with (root / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *("dockerd", "-H", address, "-H", f"unix://{self.socket}"),
                    *("--data-root", str(root / "data")),
                    *("--exec-root", str(root / "exec"), "--pidfile", str(root / "pid")),
                ],
                env={**os.environ, **(variables or {})},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while self.docker("version").returncode != 0:
            assert self._process.poll() is None, (root / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "dockerd doesn't answer"
            time.sleep(0.2)

    @property
    def socket(self) -> Path:
        """Where it listens as well."""
        return self.root / "docker.sock"

    def docker(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the docker command on it."""
        return subprocess.run(
            ["docker", "-H", self.address, *words], capture_output=True, text=True, timeout=60
        )

    def shell(self, command: str) -> None:
        """Run a command line whose `docker` means this daemon."""
        environment = {**os.environ, "DOCKER_HOST": self.address}
        subprocess.run(["sh", "-c", command], env=environment, capture_output=True, timeout=60)

    def names(self) -> list[str]:
        """The names of all containers."""
        return self.docker("ps", "-a", "--format", "{{.Names}}").stdout.split()

    def identifier(self, name: str) -> str:
        """A container's id; empty if there is none."""
        return self.docker("inspect", "--format", "{{.Id}}", name).stdout.strip()

    def is_running(self, name: str) -> bool:
        """True if there is such a container, and it runs."""
        found = self.docker("inspect", "--format", "{{.State.Running}}", name)
        return found.stdout.strip() == "true"

    def load_images(self) -> None:
        """Make golden:1 and golden:2: busybox, and a file that says which it is."""
        busybox = shutil.which("busybox")
        assert busybox is not None
        for number in (1, 2):
            with tempfile.TemporaryDirectory() as folder:
                tree = Path(folder) / "tree"
                for part in ("bin", "etc", "tmp"):
                    (tree / part).mkdir(parents=True)
                shutil.copy(busybox, tree / "bin/busybox")
                for applet in APPLETS:
                    (tree / "bin" / applet).symlink_to("busybox")
                (tree / "etc/release").write_text(f"{number}\n")
                packed = Path(folder) / "tree.tar"
                with tarfile.open(packed, "w") as archive:
                    archive.add(tree, ".")
                change = ("--change", 'CMD ["sleep","1000"]')
                done = self.docker("import", *change, str(packed), f"golden:{number}")
                assert done.returncode == 0, done.stderr

    def freeze(self) -> None:
        """Stop it where it stands; connections are still accepted, by the kernel."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self._process.pid, signal.SIGCONT)

    def stop(self) -> None:
        """End it and its containers; remove what it kept."""
        self.thaw()
        if left := self.docker("ps", "-aq").stdout.split():
            self.docker("rm", "-f", *left)
        self._process.terminate()
        self._process.wait(30)
        for mount in Path("/proc/mounts").read_text().splitlines():
            if (place := mount.split()[1]).startswith(f"{self.root}/"):
                subprocess.run(["umount", "-l", place], capture_output=True)
        shutil.rmtree(self.root, ignore_errors=True)
