"""Records a run while it goes on: begun before anything is touched, ended whatever ends it, and a
line of the transcript, or of JSON, for all that is said and happens between."""

from __future__ import annotations

import json
import os
import secrets as random
import shlex
import signal
import socket
import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

import click

from exctl import files
from exctl.cli.version import program_revision
from exctl.errors import DONE, FAILED, INTERRUPTED, NOTHING_TOUCHED, ExctlError, NothingTouched
from exctl.history import store, syslog
from exctl.history.chain import HASH, LINKS, digest_of
from exctl.history.run import BEGUN, DECLINED, ENDED, RESULTS
from exctl.history.timeline import Timeline
from exctl.pulumi.interrupts import SIGNALS
from exctl.pulumi.workspace import has_passphrase
from exctl.site import StackPlace
from exctl.stackfile import secrets
from exctl.terminal import messages
from health.gates.events import PASSING, of_data
from health.runlock import CI_VARIABLES, user_name
from stack.secrecy import redacted, redacted_text
from stack.text import time_text

ROLLOUT_VARIABLE = "EXEC_ROLLOUT"
"""Names the rollout over many stacks that this run is a part of."""


@contextmanager
def recording(place: StackPlace, as_events: bool, why: str) -> Iterator[None]:
    """Within, a changing command is recorded; `as_events` gives stdout a line of JSON for each
    thing that happens. Raises NothingTouched if it can't be recorded."""
    run = _Recorder(place, as_events, why)
    with messages.heard_by(run):
        run.begin()
        try:
            yield
        except BaseException as error:
            run.end(*_ending(error))
            raise
        run.end(RESULTS[DONE], DONE, "", None)


def _ending(error: BaseException) -> tuple[str, int, str, bool | None]:
    """Result, exit code, what is said, and whether anything was touched."""
    match error:
        case ExctlError():
            return RESULTS[error.code], error.code, error.text, error.touched
        case click.exceptions.Abort():
            return DECLINED, INTERRUPTED, f"not done.\n{NOTHING_TOUCHED}", False
        case KeyboardInterrupt():
            return RESULTS[INTERRUPTED], INTERRUPTED, "interrupted", None
        case SystemExit(code=int(code)) if code in RESULTS:
            return RESULTS[code], code, "", None
    return RESULTS[FAILED], FAILED, f"a mistake in exctl itself: {error!r}", None


class _Recorder:
    """The listener of one run."""

    def __init__(self, place: StackPlace, as_events: bool, why: str) -> None:
        self.has_stdout = as_events
        self.record_hash = ""
        self._place = place
        self._why = why
        at = time.time()
        self._began, self._at = time.monotonic(), time_text(at)
        self._id = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(at))}-{random.token_hex(2)}"
        self._lock = threading.RLock()  # Pulumi's events come in a thread of their own
        self._transcript: IO[str] | None = None
        self._is_whole = True
        self._facts: dict[str, Any] = {"gates": []}
        self._timeline = Timeline()
        self._secrets: list[str] = []
        self._has_looked = False
        self._has_touched = False

    def begin(self) -> None:
        begun: dict[str, Any] = {
            "kind": BEGUN,
            "run": self._id,
            "at": self._at,
            "stack": self._place.stack,
            "who": _who(),
            "command": redacted_text(shlex.join(["exctl", *sys.argv[1:]])),
            "why": redacted_text(self._why),
            "program": _program(),
            "stack_file_sha256": files.sha256_of(self._place.file),
        }
        if rollout := os.environ.get(ROLLOUT_VARIABLE):
            begun["rollout"] = rollout
        store.reserve(self._place)
        transcript = store.open_transcript(self._place, self._id)
        try:
            begun = self._append(begun)
            self.record_hash = begun[HASH]
        except NothingTouched:
            transcript.close()
            store.transcript_of(self._place, self._id).unlink()
            raise
        self._transcript = transcript
        self.said(f"$ {begun['command']}")
        self._emit(_without_links(begun))

    def end(self, result: str, code: int, error: str, touched: bool | None) -> None:
        """The last record. What can't be written any more is said, and ends nothing."""
        seconds = round(time.monotonic() - self._began, 1)
        with _undisturbed():
            error = self._without_secrets(error)
            self.said(f"{error}\n{result}, exit code {code}, after {seconds:.1f} s".lstrip())
            ended = {
                "kind": ENDED,
                "run": self._id,
                "at": time_text(),
                "result": result,
                "exit_code": code,
                "seconds": seconds,
                "touched": touched if touched is not None else self._has_touched or None,
                "error": _without_quotes(error),
                **_with_plan_hash(redacted(self._facts, self._secrets)),
                **self._timeline.as_data(),
                "stack_file_sha256": files.sha256_of(self._place.file),
                **self._close_transcript(),
            }
            try:
                self._append(ended)
            except NothingTouched as failure:
                why = str(failure).partition(". ")[0]
                print(f"exctl: the end of this run isn't recorded: {why}", file=sys.stderr)
            self._emit(ended)

    def said(self, line: str) -> None:
        with self._lock:
            if self._transcript is None or not self._is_whole:
                return
            at = time.strftime("%H:%M:%S", time.gmtime())
            try:
                for each in self._without_secrets(line).splitlines() or [""]:
                    self._transcript.write(f"{at}  {each}".rstrip() + "\n")
            except OSError:  # no room is left: the run goes on, and its record says so
                self._is_whole = False

    def happened(self, kind: str, facts: dict[str, Any]) -> None:
        with self._lock:
            self._timeline.note(time.monotonic() - self._began, kind, facts)
            match kind:
                case "plan":
                    self._facts.setdefault("plan", facts)
                case "approved":
                    self._facts["approved_by"] = facts["by"]
                case "running":
                    self._facts["images"] = facts["images"]
                case "release":
                    self._facts |= {"release": facts["number"], "images": facts["images"]}
                case "step":
                    self._has_touched |= facts["what"] == "container"
                case _:
                    said = of_data([{"kind": kind, **facts}])
                    if said and not isinstance(said[0], PASSING):
                        self._facts["gates"].append({"kind": kind, **facts})
            self._emit({"kind": kind, "at": time_text(), **facts})

    def hide(self, secret: str) -> None:
        self._secrets.append(secret)

    def _append(self, content: Mapping[str, Any]) -> dict[str, Any]:
        record = store.append(self._place, content)
        if failure := syslog.copied(self._place, record):
            messages.say(f"{failure}; the record itself is in {store.path_of(self._place)}")
        return record

    def _emit(self, event: Mapping[str, Any]) -> None:
        if not self.has_stdout:
            return
        with self._lock:
            try:
                print(json.dumps(redacted(event, self._secrets)), flush=True)
            except OSError:  # nobody reads any more: no reason to end a run
                self.has_stdout = False

    def _without_secrets(self, text: str) -> str:
        if not self._has_looked and has_passphrase(self._place.stack):
            self._has_looked = True
            self._secrets += _known(self._place)
        return redacted_text(text, self._secrets)

    def _close_transcript(self) -> dict[str, Any]:
        assert self._transcript is not None
        try:
            with self._transcript as file:
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self._is_whole = False
        self._transcript = None
        path = store.transcript_of(self._place, self._id)
        return {"transcript_sha256": files.sha256_of(path), "transcript_is_whole": self._is_whole}


def _with_plan_hash(facts: dict[str, Any]) -> dict[str, Any]:
    return facts | {"plan_sha256": digest_of(facts["plan"])} if "plan" in facts else facts


def _without_links(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in LINKS}


def _without_quotes(error: str) -> str:
    """An error without what services wrote into their logs: that is for the transcript alone."""
    return "\n".join(line for line in error.splitlines() if not line.lstrip().startswith("|"))


def _known(place: StackPlace) -> Collection[str]:
    """The stack's secrets; none where they can't be decrypted, which the command will say."""
    try:
        return secrets.known_of(place)
    except ExctlError:
        return ()


def _who() -> dict[str, Any]:
    found = {"user": user_name(), "host": socket.gethostname(), "pid": os.getpid()}
    job = next((os.environ[name] for name in CI_VARIABLES if os.environ.get(name)), "")
    others = {
        "sudo_user": os.environ.get("SUDO_USER", ""),
        "ssh_from": os.environ.get("SSH_CONNECTION", "").partition(" ")[0],
        "ci_job": redacted_text(job),
    }
    return found | {name: value for name, value in others.items() if value}


def _program() -> dict[str, Any]:
    revision = program_revision()
    return {"revision": revision.removesuffix("+"), "is_clean": not revision.endswith("+")}


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Within, a Ctrl-C does nothing: what it would end has ended."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
