"""Which hosts can be worked on just now: SSH answers, and Docker behind it."""

from __future__ import annotations

from collections.abc import Iterable

from exctl.hosts import on_each, on_host
from exctl.site import Site
from hosts.answer import Ending

LIMIT_SECONDS = 15.0
"""Chosen: what a daemon that lives needs under the worst load, and what an operator will wait."""


def silent(site: Site, hosts: Iterable[str]) -> dict[str, str]:
    """Host → what is wrong with it, in words that follow its name; without those that work."""
    every = list(dict.fromkeys(hosts))
    found = on_each(every, lambda host: _trouble(site, host))
    return {host: said for host, said in zip(every, found, strict=True) if said}


def _trouble(site: Site, host: str) -> str:
    ask = ["docker", "version", "--format", "{{.Server.Version}}"]
    answer = on_host(site, host, LIMIT_SECONDS)(ask)
    if answer.kind is Ending.STUCK:
        return f"answers over SSH, but Docker on it doesn't, for {LIMIT_SECONDS:g} s"
    if not answer.is_complete:
        return f"can't be reached: {answer.why()}"
    said = " ".join(answer.stderr.split())
    # A daemon that refuses answers, and the preflight says what it wants. One that doesn't is dead.
    if answer.code and "Cannot connect" in said:
        return f"answers over SSH, but Docker on it doesn't: {said}"
    return ""
