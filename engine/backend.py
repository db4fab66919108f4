"""The file:// backend: where states, locks, histories and backups lie, in the CLI's layout."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import re
import shutil
import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.state import Deployment, StateError, parse_deployment, write_atomically

_STACK_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
ORGANIZATION = "organization"


class BackendError(Exception):
    """The backend can't be used, or the stack isn't in the shape a command needs."""


class StackNotFound(BackendError):
    """No such stack, or none selected (exit code 6)."""


@dataclass(frozen=True)
class StackRef:
    """A stack of a project."""

    project: str
    name: str

    @property
    def full_name(self) -> str:
        """`organization/<project>/<stack>`."""
        return f"{ORGANIZATION}/{self.project}/{self.name}"


def parse_stack(text: str, project: str) -> StackRef:
    """The stack that `s`, `organization/s` or `organization/p/s` names. BackendError if malformed
    or of another organization."""
    parts = text.split("/")
    if len(parts) > 3 or not all(parts):
        raise BackendError(f"could not parse stack name '{text}'")
    if len(parts) > 1 and parts[0] != ORGANIZATION:
        raise BackendError("organization name must be 'organization'")
    name, owner = parts[-1], parts[1] if len(parts) == 3 else project
    bad = next((i for i, c in enumerate(name) if not re.match(r"[A-Za-z0-9_.-]", c)), None)
    if bad is not None:
        raise BackendError(
            "a stack name may only contain alphanumeric, hyphens, underscores, or periods: "
            f"invalid character {name[bad]!r} at position {bad}"
        )
    if not _STACK_NAME.fullmatch(name):
        raise BackendError("a stack name cannot exceed 100 characters")
    if not owner:
        raise BackendError(
            "if you're using the --stack flag, pass the fully qualified name "
            "(organization/project/stack)"
        )
    return StackRef(owner, name)


def root_of(url: str) -> Path:
    """The directory that a `file://` URL names; relative ones from the current directory."""
    if not url.startswith("file://"):
        raise BackendError(
            f"backend {url!r}: this engine keeps state in file:// backends only; "
            "use the Pulumi CLI for others"
        )
    path = url.removeprefix("file://").split("?")[0]
    if path.startswith("~"):
        path = str(Path.home() / path[1:].lstrip("/"))
    return Path(os.path.abspath(path or "."))  # noqa: PTH100 - resolve() would follow links


class FileBackend:
    """One `file://` place."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.root = root_of(url)
        self.book = self.root / ".pulumi"
        if not self.root.is_dir():
            raise BackendError(
                f"unable to check if bucket {url} is accessible: {self.root} is not a directory"
            )
        self._check_layout()

    def _check_layout(self) -> None:
        meta = self.book / "meta.yaml"
        if meta.exists():
            found = re.search(r"version:\s*(\d+)", meta.read_text(encoding="utf-8"))
            if found is None or found.group(1) != "1":
                raise BackendError(f"{meta}: this engine reads layout version 1 only")
        elif any((self.book / "stacks").glob("*.json")):
            raise BackendError(
                f"{self.book}: states in the old layout; run `pulumi state upgrade` with the "
                "Pulumi CLI first"
            )

    def _ensure_layout(self) -> None:
        meta = self.book / "meta.yaml"
        if not meta.exists():
            write_atomically(meta, "version: 1\n")

    # -- stacks

    def state_path(self, stack: StackRef) -> Path:
        """The stack's checkpoint file."""
        return self.book / "stacks" / stack.project / f"{stack.name}.json"

    def exists(self, stack: StackRef) -> bool:
        """True if the stack has been made."""
        return self.state_path(stack).exists()

    def stacks(self, project: str | None = None) -> list[StackRef]:
        """All stacks (of one project), by name."""
        pattern = f"{project or '*'}/*.json"
        paths = sorted((self.book / "stacks").glob(pattern))
        return [StackRef(p.parent.name, p.name.removesuffix(".json")) for p in paths]

    def load(self, stack: StackRef) -> Deployment:
        """The stack's state, still encrypted. StackNotFound if there is no such stack."""
        path = self.state_path(stack)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            for other in (".json.gz", ".json.zst"):
                if path.with_name(stack.name + other).exists():
                    raise BackendError(
                        f"{path.parent / (stack.name + other)}: this engine doesn't read "
                        "compressed states; export it with the Pulumi CLI and import it here"
                    ) from None
            raise StackNotFound(f"no stack named '{stack.name}' found") from None
        except UnicodeDecodeError:
            raise StateError(f"{path}: not a state file. {self.ways_back(stack)}") from None
        try:
            return parse_deployment(text, str(path))
        except StateError as problem:
            raise StateError(f"{problem}. {self.ways_back(stack)}") from None

    def ways_back(self, stack: StackRef) -> str:
        """Where older states of a stack lie, for an operator whose state is damaged."""
        return (
            f"The state before the last write is {self.state_path(stack)}.bak, those before each "
            f"run are in {self.book / 'backups' / stack.project / stack.name}: "
            "`pulumi stack import --file …` takes one back"
        )

    def save(self, stack: StackRef, text: str) -> None:
        """Write the checkpoint; the previous one stays as `.bak`."""
        self._ensure_layout()
        write_atomically(self.state_path(stack), text, keep_old=True)

    def updated_at(self, stack: StackRef) -> float:
        """When the state was last written, seconds since 1970."""
        return self.state_path(stack).stat().st_mtime

    def remove(self, stack: StackRef) -> None:
        """Forget the stack: its state stays as `.bak`, its history goes."""
        path = self.state_path(stack)
        path.replace(path.with_name(path.name + ".bak"))
        for sidecar in (".attrs",):
            with suppress(FileNotFoundError):
                path.with_name(path.name + sidecar).unlink()
        with suppress(FileNotFoundError):
            path.with_name(f"{stack.name}.pulumi-tags").unlink()
        shutil.rmtree(self.book / "history" / stack.project / stack.name, ignore_errors=True)

    # -- locks

    def _lock_dir(self, stack: StackRef) -> Path:
        return self.book / "locks" / ORGANIZATION / stack.project / stack.name

    def check_unlocked(self, stack: StackRef, mine: Path | None = None) -> None:
        """BackendError that names each lock of another process."""
        foreign = [p for p in sorted(self._lock_dir(stack).glob("*.json")) if p != mine]
        if not foreign:
            return
        lines = [
            f"the stack is currently locked by {len(foreign)} lock(s). Either wait for the other "
            "process(es) to end or delete the lock file with `pulumi cancel`."
        ]
        for path in foreign:
            lock = _json_object(path)
            who = f"{lock.get('username')}@{lock.get('hostname')} (pid {lock.get('pid')})"
            lines.append(f"  file://{path}: created by {who} at {lock.get('timestamp')}")
        raise BackendError("\n".join(lines))

    @contextmanager
    def lock(self, stack: StackRef) -> Iterator[None]:
        """Hold the stack's lock. Two that come at once both give up."""
        self.check_unlocked(stack)
        mine = self._lock_dir(stack) / f"{uuid.uuid4()}.json"
        content = {
            "pid": os.getpid(),
            "username": getpass.getuser(),
            "hostname": socket.gethostname(),
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        write_atomically(mine, json.dumps(content))
        try:
            self.check_unlocked(stack, mine)
            state = self.state_path(stack)
            for left in state.parent.glob(f".{state.name}.*.tmp"):  # by a run that was killed
                left.unlink()
            yield
        finally:
            with suppress(FileNotFoundError):
                mine.unlink()

    def cancel(self, stack: StackRef) -> None:
        """Delete all locks of a stack."""
        for path in self._lock_dir(stack).glob("*"):
            path.unlink()

    # -- history

    def backup(self, stack: StackRef) -> None:
        """Copy the state aside before an operation changes it."""
        path = self.state_path(stack)
        if path.exists():
            folder = self.book / "backups" / stack.project / stack.name
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / f"{stack.name}.{time.time_ns()}.json")

    def add_history(self, stack: StackRef, entry: Mapping[str, Any]) -> None:
        """Record a finished operation, with the state it left."""
        folder = self.book / "history" / stack.project / stack.name
        base = f"{stack.name}-{time.time_ns()}"
        write_atomically(folder / f"{base}.history.json", json.dumps(entry, ensure_ascii=False))
        if self.exists(stack):
            shutil.copyfile(self.state_path(stack), folder / f"{base}.checkpoint.json")

    def history(self, stack: StackRef) -> list[dict[str, Any]]:
        """Finished operations, newest first."""
        folder = self.book / "history" / stack.project / stack.name
        paths = sorted(folder.glob("*.history.json"), reverse=True)
        return [_history_entry(path) for path in paths]


def _json_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty if there is none, or something else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _history_entry(path: Path) -> dict[str, Any]:
    """One finished operation. BackendError if the file is damaged: nothing else needs it, so the
    operator may move it away."""
    entry = _json_object(path)
    texts = (entry.get(key, "") for key in ("kind", "message", "result"))
    moments = (entry.get(key, 0) for key in ("startTime", "endTime", "version"))
    objects = (entry.get(key) or {} for key in ("environment", "config", "resourceChanges"))
    if not (
        entry
        and all(isinstance(text, str) for text in texts)
        and all(type(moment) is int and 0 <= moment < 2**36 for moment in moments)
        and all(isinstance(found, dict) for found in objects)
    ):
        raise BackendError(f"{path}: not an entry of the history; move it away to see the others")
    return entry


class Workspace:
    """What is kept in PULUMI_HOME: where one is logged in, and the stack selected per project."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.home = Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi").absolute()

    @property
    def _credentials_path(self) -> Path:
        return self.home / "credentials.json"

    def _credentials(self) -> dict[str, Any]:
        return _json_object(self._credentials_path)

    def _write_credentials(self, data: Mapping[str, Any]) -> None:
        write_atomically(self._credentials_path, json.dumps(data, indent=4))
        self._credentials_path.chmod(0o600)

    def backend_url(self, project_url: str) -> str:
        """PULUMI_BACKEND_URL, else the project's, else where one is logged in; may be empty."""
        return (
            self._environment.get("PULUMI_BACKEND_URL")
            or project_url
            or str(self._credentials().get("current") or "")
        )

    def login(self, url: str) -> None:
        """Remember `url` as the backend."""
        data = self._credentials()
        data["current"] = url
        data.setdefault("accessTokens", {})[url] = ""
        data.setdefault("accounts", {}).setdefault(url, {})
        self._write_credentials(data)

    def logout(self, url: str) -> None:
        """Forget `url`."""
        data = self._credentials()
        for part in ("accessTokens", "accounts"):
            data.get(part, {}).pop(url, None)
        if data.get("current") == url:
            data["current"] = ""
        self._write_credentials(data)

    def _selection_path(self, project: str, project_path: Path) -> Path:
        digest = hashlib.sha1(str(project_path).encode(), usedforsecurity=False).hexdigest()
        return self.home / "workspaces" / f"{project}-{digest}-workspace.json"

    def selected(self, url: str, project: str, project_path: Path) -> str:
        """The stack that PULUMI_STACK or `stack select` chose; empty if none."""
        if found := self._environment.get("PULUMI_STACK"):
            return found
        data = _json_object(self._selection_path(project, project_path))
        stacks = data.get("stacks")
        chosen = stacks.get(url) if isinstance(stacks, dict) else None
        return str(chosen or data.get("stack") or "")

    def select(self, url: str, project: str, project_path: Path, stack: StackRef | None) -> None:
        """Choose a stack for the project, or none."""
        path = self._selection_path(project, project_path)
        data = _json_object(path)
        stacks = data["stacks"] = dict(data.get("stacks") or {})
        data.pop("stack", None)
        if stack is None:
            stacks.pop(url, None)
        else:
            stacks[url] = stack.full_name
        write_atomically(path, json.dumps(data))
