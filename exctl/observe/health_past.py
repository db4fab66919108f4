"""How each instance was in the last day, as the stack's Prometheus remembers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from exctl.site import Site
from stack.text import in_url

PATH = "/api/v1/query_range"
TIMEOUT_SECONDS = 5.0
PAST_SECONDS, STEP_SECONDS = 86400, 300
Samples = tuple[tuple[float, bool], ...]


class PastUnreadError(Exception):
    """Prometheus didn't say; the text says why."""


@dataclass(frozen=True)
class Past:
    """Instance → moments (seconds since 1970) and whether it was up, `step_seconds` apart; where
    nothing was known, there is no moment."""

    began: float
    ended: float
    step_seconds: float
    instances: Mapping[str, Samples]


def prometheus_of(site: Site) -> str | None:
    """The Prometheus that the stack file names, or places."""
    bake, settings = site.config.gate.bake, site.config.monitoring
    if bake is not None and bake.prometheus_url is not None:
        return bake.prometheus_url
    if settings.host is None:
        return None
    return f"http://{in_url(settings.host)}:{settings.prometheus.port}"


def ask(url: str, stack: str) -> Past:
    """The last day. PastUnreadError if Prometheus doesn't say."""
    ended = time.time()
    query = f'min_over_time(exec_instance_up{{stack="{stack}"}}[{STEP_SECONDS}s])'
    words: dict[str, str | float] = {
        "query": query,
        "start": ended - PAST_SECONDS,
        "end": ended,
        "step": STEP_SECONDS,
    }
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(url.rstrip("/") + PATH, params=words, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            found = instances_in(answer.json())
    except (requests.RequestException, ValueError) as error:
        why = type(error).__name__
        raise PastUnreadError(f"{url} doesn't say how the instances were ({why})") from None
    return Past(ended - PAST_SECONDS, ended, STEP_SECONDS, found)


def instances_in(body: Any) -> dict[str, Samples]:
    """From an answer of Prometheus' API. ValueError if it isn't one. Source: prometheus.io, HTTP
    API, "Range queries"."""
    try:
        return {
            str(series["metric"]["instance"]): tuple(
                (float(at), float(value) == 1) for at, value in series["values"]
            )
            for series in body["data"]["result"]
        }
    except (KeyError, TypeError) as error:
        raise ValueError("not an answer of Prometheus") from error
