"""Which of our alerts fire for an instance, as a Prometheus says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stack.text import parse_time, plain_text

PATH = "/api/v1/alerts"
TIMEOUT_SECONDS = 5.0
COUNTING = ("critical", "warning")
"""Severities that tell somebody something."""
PREFIX = "Exec"


class AlertsUnreadError(Exception):
    """Prometheus didn't say which alerts fire; the text says why."""


@dataclass(frozen=True)
class FiringAlert:
    """One alert that fires; `active_since` is when its condition became true."""

    name: str
    labels: Mapping[str, str]
    summary: str
    active_since: datetime | None


def of_instance(
    prometheus_url: str, stack: str, instance: str, pair: str | None, since: datetime
) -> Callable[[], Sequence[FiringAlert]]:
    """Asks for what fires for the instance, its pair or its whole stack, and became true after
    `since`: what fired before a change isn't the change's."""

    return lambda: concerning(firing(prometheus_url), stack, instance, pair, since)


def concerning(
    found: Sequence[FiringAlert], stack: str, instance: str, pair: str | None, since: datetime
) -> list[FiringAlert]:
    """Those of the alerts that count for the instance; pure."""
    return [
        alert
        for alert in found
        if _concerns(alert.labels, stack, instance, pair)
        and (alert.active_since is None or alert.active_since >= since)
    ]


def firing(prometheus_url: str) -> list[FiringAlert]:
    """Every alert of ours that fires there. AlertsUnreadError if that can't be told."""
    import requests  # here: every run of the program imports this module, and few ask

    url = prometheus_url.rstrip("/") + PATH
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False)
            answer.raise_for_status()
            return alerts_in(answer.json())
    except (requests.RequestException, ValueError) as error:
        code = getattr(getattr(error, "response", None), "status_code", None)
        why = f"HTTP {code}" if code is not None else type(error).__name__
        raise AlertsUnreadError(f"{prometheus_url} doesn't say which alerts fire ({why})") from None


def alerts_in(body: Any) -> list[FiringAlert]:
    """The firing ones in an answer of Prometheus' API. ValueError if it isn't one. Source:
    prometheus.io, HTTP API, "Alerts"."""
    try:
        entries = body["data"]["alerts"]
        return [
            FiringAlert(
                str(entry["labels"]["alertname"]),
                {str(k): str(v) for k, v in entry["labels"].items()},
                plain_text(entry.get("annotations", {}).get("summary")),
                parse_time(entry.get("activeAt")),
            )
            for entry in entries
            if entry["state"] == "firing"
            and str(entry["labels"].get("alertname")).startswith(PREFIX)
            and entry["labels"].get("severity") in COUNTING
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not an answer of Prometheus") from error


def _concerns(labels: Mapping[str, str], stack: str, instance: str, pair: str | None) -> bool:
    if labels.get("stack") != stack:
        return False
    if "instance" in labels:
        return labels["instance"] == instance
    return "pair" not in labels or labels["pair"] == pair
