"""The checkpoint file, and the manager that writes it after each mutation."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.codec import Codec, compact, pending_from_json, row_to_json, show
from engine.rows import (
    PendingOperation,
    Row,
    Secrets,
    Snapshot,
    StateError,
    depends_on,
    integrity_problems,
)
from engine.shapes import an_object, check_deployment
from engine.values import Bytes, walk

__all__ = [
    "PendingOperation",
    "Row",
    "Secrets",
    "Snapshot",
    "SnapshotManager",
    "StateError",
    "depends_on",
    "integrity_problems",
    "timestamp",
]

VERSION = "v3.260.0-embedded"
FEATURES = frozenset({"taint", "replaceWith", "byteString"})


def timestamp() -> str:
    """Now, UTC, RFC 3339 with nanoseconds: `2026-11-23T21:39:59.923326486Z`."""
    seconds, rest = divmod(time.time_ns(), 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:09}Z"


@dataclass(frozen=True)
class Deployment:
    """A `deployment` as read: its data, still encrypted, and who can open it."""

    version: int
    data: Mapping[str, Any]

    @property
    def secrets_provider(self) -> Mapping[str, Any]:
        """The entry that names the secrets provider; empty for a stack that never had a state."""
        return self.data.get("secrets_providers") or {}

    @property
    def resource_count(self) -> int:
        """How many rows it has."""
        return len(self.data.get("resources") or [])


def check_format(version: Any, features: Any, where: str) -> None:
    """StateError unless this engine reads the file's version and knows all of its features."""
    if version not in (3, 4):
        raise StateError(
            f"{where}: version {version!r:.20} of the state format; this engine reads 3 and 4"
        )
    if not isinstance(features, list):
        raise StateError(f"{where}: 'features' must be a list")
    unknown = sorted({str(feature) for feature in features} - FEATURES)
    if unknown:
        raise StateError(
            f"{where}: the state uses {', '.join(unknown)}, which this engine doesn't support; "
            "use the Pulumi CLI for this stack"
        )


def parse_deployment(text: str, where: str) -> Deployment:
    """The state in a checkpoint file, or in what `stack export` wrote. StateError if it's damaged
    (what is damaged is named) or of a format that this engine doesn't read."""
    try:
        data = json.loads(text)
        if re.search(r"\\u[dD][89a-fA-F]", text):  # half a character: Go replaces it as well
            whole = json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")
            data = json.loads(whole)
        data = an_object(data, where)
    except (ValueError, RecursionError) as problem:
        raise StateError(f"{where}: not JSON ({problem})") from None
    if "deployment" in data:
        latest = data["deployment"]
    else:
        latest = an_object(data.get("checkpoint"), f"{where}: 'checkpoint'").get("latest")
    check_format(data.get("version"), data.get("features") or [], where)
    return Deployment(int(data["version"]), check_deployment(latest, where))


def decode_deployment(deployment: Deployment, secrets: Secrets) -> tuple[Snapshot, Codec]:
    """The snapshot of a deployment, and the codec that keeps its unchanged ciphertexts."""
    data = deployment.data
    known = {"manifest", "secrets_providers", "resources", "pending_operations", "metadata"}
    if unknown := sorted(set(data) - known):
        raise StateError(f"the state holds {', '.join(unknown)}, which this engine doesn't support")
    codec = Codec(secrets.encrypt, secrets.decrypt)
    rows = [codec.row(row) for row in data.get("resources") or []]
    pending = [pending_from_json(p, codec) for p in data.get("pending_operations") or []]
    manifest = data.get("manifest") or {}
    snapshot = Snapshot(
        rows, pending, secrets, manifest.get("version", ""), data.get("metadata") or {}
    )
    return snapshot, codec


def manifest() -> dict[str, str]:
    """What wrote the file, and when; readers check the magic against the version."""
    return {
        "time": timestamp(),
        "magic": hashlib.sha256(VERSION.encode()).hexdigest(),
        "version": VERSION,
    }


def features(rows: Sequence[Row]) -> list[str]:
    """Features of the format that these rows need: any makes it version 4."""
    found = set()
    for row in rows:
        if row.taint:
            found.add("taint")
        if row.replace_with:
            found.add("replaceWith")
        if any(isinstance(v, Bytes) for part in (row.inputs, row.outputs) for v in walk(part)):
            found.add("byteString")
    return sorted(found)


def deployment_json(snapshot: Snapshot, codec: Codec | None) -> dict[str, Any]:
    """The `deployment` of `stack export`; secrets in clear if there is no codec to seal them."""

    def encoded(row: Row) -> Any:
        return row_to_json(row, show) if codec is None else json.loads(codec.text(row))

    found: dict[str, Any] = {"manifest": manifest()}
    if snapshot.secrets is not None and codec is not None:
        found["secrets_providers"] = dict(snapshot.secrets.provider)
    if snapshot.rows:
        found["resources"] = [encoded(row) for row in snapshot.rows]
    if snapshot.pending:
        found["pending_operations"] = [
            {"resource": encoded(p.resource), "type": p.type} for p in snapshot.pending
        ]
    found["metadata"] = dict(snapshot.extra)
    return found


def checkpoint_text(stack: str, snapshot: Snapshot, codec: Codec) -> str:
    """The whole file: compact JSON, each unchanged row's text as it was."""
    needed = features(snapshot.rows)
    head = compact({"version": 4 if needed else 3})[:-1]
    if needed:
        head += f',"features":{compact(needed)}'
    parts = [f'"manifest":{json.dumps(manifest(), separators=(",", ":"))}']
    if snapshot.secrets is not None:
        provider = json.dumps(dict(snapshot.secrets.provider), separators=(",", ":"))
        parts.append(f'"secrets_providers":{provider}')
    if snapshot.rows:
        parts.append(f'"resources":[{",".join(codec.text(row) for row in snapshot.rows)}]')
    if snapshot.pending:
        pending = [
            f'{{"resource":{codec.text(p.resource)},"type":{json.dumps(p.type)}}}'
            for p in snapshot.pending
        ]
        parts.append(f'"pending_operations":[{",".join(pending)}]')
    parts.append(f'"metadata":{compact(dict(snapshot.extra))}')
    return f'{head},"checkpoint":{{"stack":{json.dumps(stack)},"latest":{{{",".join(parts)}}}}}}}'


def write_atomically(path: Path, text: str, *, keep_old: bool = False) -> None:
    """Write so that a reader, or a crash, finds the old file or the new one whole; with
    `keep_old` the old content stays beside it as `.bak`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if keep_old and path.exists():
        backup = path.with_name(path.name + ".bak")
        with suppress(FileNotFoundError):
            backup.unlink()
        os.link(path, backup)  # not renamed: at no moment is there no state
    temporary.replace(path)


class SnapshotManager:
    """The one writer of a stack's state while an operation runs.

    Order of rows: those finished in this run as they finished, then those not yet reached in
    their old order; a registration ends after those it depends on, so each row follows what it
    needs. Thread-safe; a call returns when a file with its change is on disk (calls that wait for
    the disk together share one write).
    """

    def __init__(self, path: Path, stack: str, snapshot: Snapshot, codec: Codec) -> None:
        self._path = path
        self._stack = stack
        self._codec = codec
        self._base = snapshot
        self._done: list[Row] = []
        self._old: list[Row] = list(snapshot.rows)
        # Only a create that was cut off may have left something behind that nobody knows of.
        self._pending = [p for p in snapshot.pending if p.type == "creating"]
        self._lock = threading.Lock()
        self._disk = threading.Lock()
        self._generation = 0
        self._written = 0

    def snapshot(self) -> Snapshot:
        """The state as it is now."""
        with self._lock:
            return self._current()

    def _current(self) -> Snapshot:
        base = self._base
        rows = [*self._done, *self._old]
        return Snapshot(rows, list(self._pending), base.secrets, VERSION, base.extra)

    def begin(self, kind: str, row: Row) -> PendingOperation:
        """Note, on disk, that a provider is about to be asked: `kind` is creating, updating,
        deleting, reading or importing."""
        pending = PendingOperation(row, kind)
        with self._lock:
            self._pending.append(pending)
            self._generation += 1
        self._save()
        return pending

    def end(
        self,
        pending: PendingOperation | None = None,
        *,
        drop: Iterable[Row] = (),
        add: Row | None = None,
        mark: tuple[Row, Row] | None = None,
        save: bool = True,
    ) -> None:
        """Record what came of it, in one write: the pending note goes, `drop`ped rows leave, `add`
        joins the rows finished in this run, and `mark` = (row, its changed self) changes one where
        it stands. `save=False` leaves the disk for the next write (a row that stays the same)."""
        with self._lock:
            if pending is not None:
                self._pending = [p for p in self._pending if p is not pending]
            gone = {id(row) for row in drop}
            if gone:
                self._done = [r for r in self._done if id(r) not in gone]
                self._old = [r for r in self._old if id(r) not in gone]
            if mark is not None:
                before, after = mark
                self._done = [after if r is before else r for r in self._done]
                self._old = [after if r is before else r for r in self._old]
            if add is not None:
                self._done.append(add)
            self._generation += 1
        if save:
            self._save()

    def replace_rows(self, rows: Sequence[Row], *, save: bool = True) -> None:
        """Exchange all rows (refresh, aliases that rename old URNs)."""
        with self._lock:
            self._done, self._old = [], list(rows)
            self._generation += 1
        if save:
            self._save()

    def clear_pending_creates(self) -> int:
        """Forget creates that an earlier run left open; returns how many."""
        with self._lock:
            found, self._pending = len(self._pending), []
            self._generation += 1
        return found

    def finish(self) -> Snapshot:
        """Write what wasn't written yet and return the state as left."""
        self._save()
        return self.snapshot()

    def _save(self) -> None:
        with self._lock:
            wanted = self._generation
        with self._disk:
            if self._written >= wanted:
                return
            with self._lock:
                generation, current = self._generation, self._current()
            if problems := integrity_problems(current.rows):
                raise StateError(
                    f"the new state would be unsound, so {self._path.name} stays as it was: "
                    + "; ".join(problems[:3])
                )
            text = checkpoint_text(self._stack, current, self._codec)
            write_atomically(self._path, text, keep_old=True)
            self._written = generation
