"""One daemon: reached when it's first needed, and asked with a limit."""

from __future__ import annotations

import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from plugins.docker.address import ANSWER_SECONDS, DaemonAddress, master_of, refusal_of, ways_to
from plugins.docker.errors import DockerError, InterruptedWait
from plugins.ssh.target import SshError

if TYPE_CHECKING:
    from plugins.docker.transport import Api

T = TypeVar("T")
ACTION_SECONDS = 120
"""Chosen: creating or starting one container on a host whose disks are busy."""
PULL_SECONDS = 1200
"""As the official provider."""
_AT_ONCE, _AT_ONCE_DIALLED = 16, 8
"""Connections a host: sshd allows ten sessions on one connection (MaxSessions)."""
_SSH_FAILED = 255
_IS_ENDED = object()


class Docker:
    """Thread-safe. The library is imported with the first question: it takes 0.3 s of processor
    time (Measured), and a preview without changes asks none."""

    def __init__(self, address: DaemonAddress, answer_seconds: int = ANSWER_SECONDS) -> None:
        self.address = address
        self._answer_seconds = answer_seconds
        self._api: Api | None = None
        self._failure: DockerError | None = None
        self._failed_until = 0.0
        self._lock = threading.Lock()
        self._waiting: set[queue.SimpleQueue[Any]] = set()
        self._waiting_lock = threading.Lock()
        self._is_cancelled = False

    @property
    def name(self) -> str:
        """How messages call it."""
        return self.address.name

    def reach(self) -> Api:
        """The client of the daemon. DockerError, after 15 s at most for each way, if it can't be
        reached; the same again for whoever asks within the next 15 s."""
        with self._lock:
            if self._api is None:
                if self._failure is not None and time.monotonic() < self._failed_until:
                    raise self._failure
                try:
                    self._api = self._reached()
                except DockerError as problem:
                    self._failure = problem
                    self._failed_until = time.monotonic() + self._answer_seconds
                    raise
            return self._api

    def _reached(self) -> Api:
        from plugins.docker.transport import Api

        self._log_in()
        problem: DockerError | None = None
        for number, way in enumerate(ways_to(self.address)):
            try:
                with self.explained():
                    return Api(way, _AT_ONCE_DIALLED if number else _AT_ONCE, self._answer_seconds)
            except DockerError as failed:
                problem = failed
                if failed.status or isinstance(failed, NoAnswer):
                    break  # another way leads to the same daemon
        assert problem is not None
        if self.address.is_ssh and not problem.status and not isinstance(problem, NoAnswer):
            words = refusal_of(self.address) or problem.words
            raise DockerError(self.name, f"failed to connect to any docker daemon: {words}")
        raise problem

    def _log_in(self) -> None:
        if self.address.is_ssh:
            try:
                master_of(self.address).open()
            except SshError as problem:
                raise DockerError(self.name, _without(str(problem), self.name)) from None

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Within, every failure of the library is a DockerError."""
        import docker.errors
        import requests.exceptions
        import urllib3.exceptions

        try:
            yield
        except docker.errors.APIError as problem:
            status = problem.status_code or 0
            raise DockerError(self.name, _docker_says(problem), status) from None
        except SshError as problem:
            raise DockerError(self.name, _without(str(problem), self.name)) from None
        except (requests.exceptions.Timeout, TimeoutError):
            raise self._no_answer() from None
        except (requests.exceptions.ChunkedEncodingError, urllib3.exceptions.ProtocolError):
            raise DockerError(self.name, "the connection ended amid an answer of Docker") from None
        except (
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,  # of a stream, which the library reads by itself
            OSError,
        ) as problem:
            if _is_timeout(problem):
                raise self._no_answer() from None
            raise DockerError(
                self.name, f"failed to connect to any docker daemon: {_cause(problem)}"
            ) from None
        except (docker.errors.DockerException, ValueError, KeyError) as problem:
            raise DockerError(self.name, f"an answer that isn't Docker's: {problem}") from None

    def _no_answer(self) -> DockerError:
        if not self.address.is_ssh:
            return NoAnswer(self.name, f"Docker doesn't answer, for {self._answer_seconds} s")
        master = master_of(self.address)
        with suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run(
                master.argv("true"), stdin=subprocess.DEVNULL, capture_output=True, timeout=5
            )
            if done.returncode != _SSH_FAILED:
                return NoAnswer(
                    self.name, f"SSH answers, Docker on it doesn't, for {self._answer_seconds} s"
                )
        return NoAnswer(
            self.name, f"the host doesn't answer any more, for {self._answer_seconds} s"
        )

    def ask(self, question: Callable[[Api], T]) -> T:
        """The answer to a question that changes nothing. DockerError after 15 s."""
        api = self.reach()
        try:
            with self.explained():
                return question(api)
        except DockerError as problem:
            if problem.status or isinstance(problem, NoAnswer):
                raise
        with self.explained():  # a connection that has ended since: over a new one
            return question(api)

    def found(self, question: Callable[[Api], T]) -> T | None:
        """The answer; None if there is no such thing."""
        try:
            return self.ask(question)
        except DockerError as problem:
            if problem.status == 404:
                return None
            raise

    def act(
        self,
        action: Callable[[Api], T],
        seconds: int = ACTION_SECONDS,
        *,
        may_be_ended: bool = False,
    ) -> T:
        """The answer to a change. It may take `seconds`, but the daemon must answer meanwhile: one
        that stands still is noticed within 30 s. `may_be_ended`: by an interrupt of the run, which
        raises InterruptedWait here."""
        api = self.reach()
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def work() -> None:
            try:
                with api.within(seconds), self.explained():
                    answers.put((action(api), None))
            except BaseException as problem:  # noqa: BLE001  raised again in the caller's thread
                answers.put((None, problem))

        with self._noted(answers, may_be_ended):
            threading.Thread(target=work, daemon=True).start()
            found: T = self._answer(answers, seconds)
            return found

    def _answer(self, answers: queue.SimpleQueue[Any], seconds: int) -> Any:
        deadline = time.monotonic() + seconds
        while True:
            try:
                answer = answers.get(timeout=self._answer_seconds)
            except queue.Empty:
                self.ask(lambda api: api.ping())
                if time.monotonic() > deadline:
                    raise DockerError(
                        self.name, f"Docker hasn't done it within {seconds} s"
                    ) from None
                continue
            if answer is _IS_ENDED:
                raise InterruptedWait(f"{self.name}: ended, since the run was interrupted")
            value, problem = answer
            if problem is not None:
                raise problem
            return value

    @contextmanager
    def _noted(self, answers: queue.SimpleQueue[Any], may_be_ended: bool) -> Iterator[None]:
        if not may_be_ended:
            yield
            return
        with self._waiting_lock:
            self._waiting.add(answers)
            if self._is_cancelled:
                answers.put(_IS_ENDED)
        try:
            yield
        finally:
            with self._waiting_lock:
                self._waiting.discard(answers)

    def cancel(self) -> None:
        """End the pulls and waits that there are, and those that come: half a pull harms nobody,
        and the daemon ends one whose client is gone."""
        with self._waiting_lock:
            self._is_cancelled = True
            for answers in self._waiting:
                answers.put(_IS_ENDED)

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            if self._api is not None:
                self._api.close()
            self._api = None


class NoAnswer(DockerError):
    """The daemon is there and stands still."""


def _docker_says(problem: Any) -> str:
    explanation = problem.explanation
    if isinstance(explanation, bytes):
        explanation = explanation.decode(errors="replace")
    return str(explanation or problem).strip()


def _causes(problem: BaseException) -> Iterator[BaseException]:
    """The exceptions behind one, its own first."""
    seen: list[BaseException] = [problem]
    while seen:
        one = seen.pop(0)
        yield one
        seen += [item for item in one.args if isinstance(item, BaseException)]
        reason = getattr(one, "reason", None)
        seen += [reason] if isinstance(reason, BaseException) else []
        seen += [one.__cause__] if one.__cause__ is not None else []


def _is_timeout(problem: BaseException) -> bool:
    return any(isinstance(one, TimeoutError) for one in _causes(problem))


def _cause(problem: BaseException) -> str:
    """The innermost words."""
    *_, last = _causes(problem)
    return (
        (last.strerror if isinstance(last, OSError) else None) or str(last) or type(last).__name__
    )


def _without(text: str, name: str) -> str:
    return text.removeprefix(f"{name}: ")
