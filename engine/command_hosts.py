"""The hosts that the package `command` reaches: one login each, for commands and copies alike."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from engine.provider import ProviderError
from engine.ssh import POOL, Master
from engine.ssh_target import SshError

SESSIONS = 8  # on one connection at a time: sshd allows ten (MaxSessions)


class Hosts:
    """Connections as resources describe them. Keys lie in files that only we can read, and are gone
    at the end of the run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._sessions: dict[int, threading.BoundedSemaphore] = {}

    def run(
        self,
        connection: Mapping[str, Any],
        command: str,
        variables: Mapping[str, str],
        stdin: str,
        environment: Mapping[str, str],
        timeout_seconds: float | None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command there. ProviderError if the host doesn't let us in."""
        master = self._master(connection)
        # The server takes those variables that its AcceptEnv names.
        sent = ["-o", f"SendEnv={' '.join(variables)}"] if variables else []
        with self._session(master):
            return subprocess.run(
                master.run_argv(command, options=sent),
                env={**environment, **variables},
                input=stdin,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout_seconds,
            )

    def copy(
        self,
        connection: Mapping[str, Any],
        source: str,
        remote_path: str,
        timeout_seconds: float | None,
    ) -> None:
        """Copy a file, or a directory with all in it, by SFTP; missing directories are made.

        A file goes into a directory that is there, and gets the path as its name otherwise. A
        directory goes into the path; if the source ends with `/`, what is in it does.
        """
        target = PurePosixPath(remote_path)
        made = [*reversed(target.parents)]
        if Path(source).is_dir():
            made.append(target)
            source = f"{source}." if source.endswith("/") else source
        lines = [f"-mkdir {_quoted(str(path))}" for path in made if str(path) not in (".", "/")]
        lines.append(f"put -r {_quoted(source)} {_quoted(remote_path)}")
        master = self._master(connection)
        with self._session(master):
            done = subprocess.run(
                master.sftp_argv(),
                input="\n".join(lines) + "\n",
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout_seconds,
            )
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"sftp ended with {done.returncode}"]
            raise ProviderError(f"copying {source} to {remote_path}: {said[-1]}")

    def close(self) -> None:
        """Forget the keys."""
        if self._folder is not None:
            self._folder.cleanup()

    def _master(self, connection: Mapping[str, Any]) -> Master:
        user, host = str(connection.get("user") or "root"), str(connection["host"])
        port = int(connection.get("port") or 22)
        url = f"ssh://{user}@{f'[{host}]' if ':' in host else host}:{port}"
        try:
            return POOL.master(url, self._options(connection, host, port))
        except SshError as problem:
            raise ProviderError(str(problem)) from None

    def _session(self, master: Master) -> threading.BoundedSemaphore:
        with self._lock:
            return self._sessions.setdefault(id(master), threading.BoundedSemaphore(SESSIONS))

    def _options(self, connection: Mapping[str, Any], host: str, port: int) -> list[str]:
        found = {"ConnectTimeout": str(int(connection.get("perDialTimeout") or 15))}
        if key := connection.get("privateKey"):
            found["IdentityFile"] = self._file(str(key).rstrip("\n") + "\n")
            found["IdentitiesOnly"] = "yes"
        if agent := connection.get("agentSocketPath"):
            found["IdentityAgent"] = str(agent)
        if host_key := connection.get("hostKey"):
            name = host if port == 22 else f"[{host}]:{port}"
            found["UserKnownHostsFile"] = self._file(f"{name} {host_key}\n")
            found["StrictHostKeyChecking"] = "yes"
        else:  # the CLI's provider doesn't look either
            found |= {"UserKnownHostsFile": "/dev/null", "StrictHostKeyChecking": "no"}
            found["LogLevel"] = "ERROR"
        return [word for name, value in found.items() for word in ("-o", f"{name}={value}")]

    def _file(self, content: str) -> str:
        """A private file with this content; the same one for the same content."""
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="pulumi-")
            path = Path(self._folder.name, sha256(content.encode()).hexdigest()[:16])
            with suppress(FileExistsError):
                path.touch(0o600, exist_ok=False)
                path.write_text(content, encoding="utf-8")
        return str(path)


def _quoted(path: str) -> str:
    """A path as sftp's own command line takes it. ProviderError for one that it can't."""
    if "\n" in path:
        raise ProviderError(f"{path!r}: a path with a line break can't be copied")
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
