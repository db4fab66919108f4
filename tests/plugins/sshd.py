"""An SSH server of the tests' own, on loopback, which lets root in with one key."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path


def free_port() -> int:
    """A port on loopback that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Sshd:
    """A running sshd. `settings` go before its own, so that they win."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port = folder, free_port()
        for name in ("host", "user"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)],
                check=True,
            )
        shutil.copy(folder / "user.pub", folder / "authorized")
        host_key = (folder / "host.pub").read_text().split()
        (folder / "known").write_text(f"[127.0.0.1]:{self.port} {' '.join(host_key[:2])}\n")
        (folder / "config").write_text(
            f"{settings}\nPort {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\n"
            f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\n"
            "PasswordAuthentication no\nPermitRootLogin yes\nLogLevel VERBOSE\n"
        )
        Path("/run/sshd").mkdir(exist_ok=True)
        self._log = folder / "log"
        words = ["/usr/sbin/sshd", "-D", "-f", str(folder / "config"), "-E", str(self._log)]
        self._process = subprocess.Popen(words, start_new_session=True)
        deadline = time.monotonic() + 10
        while "Server listening" not in (self._log.read_text() if self._log.exists() else ""):
            assert time.monotonic() < deadline
            assert self._process.poll() is None, self._log.read_text()
            time.sleep(0.05)

    @property
    def options(self) -> list[str]:
        """What ssh needs to be told."""
        return [
            *("-o", f"IdentityFile={self.folder}/user", "-o", "IdentitiesOnly=yes"),
            *("-o", f"UserKnownHostsFile={self.folder}/known"),
            *("-o", "StrictHostKeyChecking=yes"),
        ]

    @property
    def logins(self) -> int:
        """How many there were so far."""
        return self._log.read_text().count("Accepted publickey")

    def stop(self) -> None:
        """End it, and who is logged in."""
        subprocess.run(["pkill", "-P", str(self._process.pid)], check=False)
        self._process.terminate()
        self._process.wait(10)
