"""Rules of pulumi-docker that the golden cases don't touch."""

from __future__ import annotations

from engine.docker_container import create_body
from engine.docker_schema import CONTAINER, checked


def test_a_healthcheck_has_all_its_defaults() -> None:
    given = {"image": "i", "healthcheck": {"tests": ["CMD", "true"], "interval": "2s"}}
    found = checked(CONTAINER, "urn:pulumi:dev::p::t::c", None, given)
    check = found["healthcheck"]
    assert check["__defaults"] == ["startInterval", "startPeriod", "timeout"]
    assert check["startInterval"] == check["startPeriod"] == check["timeout"] == "0s"
    given["healthcheck"] |= {"startInterval": "1s"}  # type: ignore[operator]  # it's a dict
    assert create_body(given)["Healthcheck"]["StartInterval"] == 1_000_000_000
