"""A watcher that asks every instance's /health ten times a second for as long as a story lasts."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from itertools import zip_longest
from urllib.error import HTTPError, URLError
from urllib.request import OpenerDirector, ProxyHandler, build_opener

PROBE_INTERVAL_SECONDS = 0.1
PROBE_TIMEOUT_SECONDS = 1.0
LATE_SECONDS = 1.0
"""Chosen: less than any container needs to end and come back."""
PROVEN: list[str] = []
"""What the stories have proved, a line each, for the end of the test run."""
LONGEST: list[tuple[float, float]] = []
"""Of this story, for each block that was watched: the longest time in which no instance of a pair
answered 200, and the longest in which none answered 200 or 503, in seconds."""


@dataclass
class Watch:
    """What each URL answered: when it was asked and when it answered, in seconds since the start,
    and the HTTP code, or 0."""

    urls: tuple[str, ...]
    answers: dict[str, list[tuple[float, float, int]]] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Watch:
        started = time.monotonic()
        for url in self.urls:
            self.answers[url] = []
            thread = threading.Thread(target=self._ask, args=(url, started), daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PROBE_TIMEOUT_SECONDS + 1)

    def _ask(self, url: str, started: float) -> None:
        opener = build_opener(ProxyHandler({}))
        while not self._stop.is_set():
            asked = time.monotonic()
            code = http_code(opener, url)
            self.answers[url].append((asked - started, time.monotonic() - started, code))
            self._stop.wait(max(0.0, PROBE_INTERVAL_SECONDS - (time.monotonic() - asked)))

    def seconds_without_any(
        self, urls: Iterable[str], codes: Container[int] = frozenset({200})
    ) -> float:
        """Seconds during which none of `urls` answered 200 (or one of `codes`)."""
        return len(self._slices_without_any(urls, codes)) * PROBE_INTERVAL_SECONDS

    def longest_without_any(
        self, urls: Iterable[str], codes: Container[int] = frozenset({200})
    ) -> float:
        """The same for the longest such time without a break."""
        without = self._slices_without_any(urls, codes)
        longest = length = 0
        for number in sorted(without):
            length = length + 1 if number - 1 in without else 1
            longest = max(longest, length)
        return longest * PROBE_INTERVAL_SECONDS

    def _slices_without_any(self, urls: Iterable[str], codes: Container[int]) -> set[int]:
        """The probe intervals, by number, in which none of `urls` answered so.

        A probe stands for every slice from when it was asked to when it was answered: a service
        that hangs is down all the while. Between two that were served within a second, the service
        was there: on a busy machine the watcher itself comes late.
        """
        serving: set[int] = set()
        asked: set[int] = set()
        for url in urls:
            answers = self.answers[url]
            for probe, following in zip_longest(answers, answers[1:]):
                asked_at, answered_at, code = probe
                first, last = (int(t / PROBE_INTERVAL_SECONDS) for t in (asked_at, answered_at))
                asked.update(range(first, last + 1))
                if code not in codes:
                    continue
                # And for the next: two probes of one watcher can fall up to an interval apart.
                end = last + 2
                then_at, _, then = following or (math.inf, math.inf, 0)
                if then in codes and then_at - answered_at <= LATE_SECONDS:
                    end = max(end, int(then_at / PROBE_INTERVAL_SECONDS))
                serving.update(range(first, end))
        return asked - serving

    def was_ever_down(self, url: str) -> bool:
        return any(code != 200 for _, _, code in self.answers[url])

    def probes(self) -> int:
        return sum(len(answers) for answers in self.answers.values())


def http_code(opener: OpenerDirector, url: str) -> int:
    """The HTTP status of one GET, 0 when there was no answer within a second."""
    try:
        with opener.open(url, timeout=PROBE_TIMEOUT_SECONDS) as answer:
            return int(answer.status)
    except HTTPError as refused:
        return refused.code
    except (URLError, OSError):
        return 0
