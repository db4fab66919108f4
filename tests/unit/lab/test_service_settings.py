"""Proves which variables a service insists on, in words that an operator can act on."""

from __future__ import annotations

import re

import pytest

from lab.standins.service.settings import Settings

COMMON = {
    "ORG_ID": "6662cb10-0d4d-4710-b979-db69011e66fd",
    "TENANT_ID": "1",
    "REDIS_HOST": "10.77.0.10",
    "REDIS_PORT": "6379",
    "REDIS_SECURE": "true",
    "REDIS_PASSWORD": "secret",
    "PORT": "3650",
    "EXCS_URL": "http://10.77.0.101:3640",
}
SERVER = "10.77.0.22:8000/10.77.0.23:8000"
EXCP = COMMON | {f"VOICE_SERVER_{kind}": SERVER for kind in ("VQ", "AGENT", "CALL")}
EXCS = COMMON | {
    "CONFIG_DB_HOST": "10.77.0.10",
    "CONFIG_DB_PORT": "5432",
    "CONFIG_DB_USER": "exec_ro",
    "CONFIG_DB_PASSWORD": "secret",
    "CONFIG_DB_NAME": "engage",
    "GC_QUEUE_NAME_SUFFIX": "-Engage-external",
}


@pytest.mark.parametrize(("service", "variables"), [("excp", EXCP), ("excs", EXCS)])
def test_the_variables_of_the_contract_are_enough(service: str, variables: dict[str, str]) -> None:
    assert Settings(service, variables).problems() == []


def test_all_missing_variables_are_named_at_once() -> None:
    variables = {k: v for k, v in EXCS.items() if k not in ("ORG_ID", "CONFIG_DB_PASSWORD")}
    assert Settings("excs", variables).problems() == [
        "ORG_ID is not set in the container's environment",
        "CONFIG_DB_PASSWORD is not set in the container's environment",
    ]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"REDIS_PASSWORD": ""}, "REDIS_PASSWORD"),
        ({"LOG_PATH": "/logs"}, "LOG_FILE_NAME"),
        ({"LOG_LEVEL": "verbose"}, "LOG_LEVEL"),
        ({"PORT": "70000"}, "PORT"),
        ({"VOICE_SERVER_VQ": "10.77.0.22:8000"}, "VOICE_SERVER_VQ"),
        ({"VOICE_SERVER_CALL": f"{SERVER},10.77.0.24/10.77.0.25:8000"}, "VOICE_SERVER_CALL"),
    ],
)
def test_what_cannot_work_is_named(changes: dict[str, str], named: str) -> None:
    (problem,) = Settings("excp", EXCP | changes).problems()
    assert re.match(rf"{named}[ :]", problem)
    assert "secret" not in problem


def test_redis_without_a_password_needs_none() -> None:
    settings = Settings("excp", EXCP | {"REDIS_SECURE": "false", "REDIS_PASSWORD": ""})
    assert settings.problems() == []
    assert not settings.is_redis_secure


def test_a_filter_without_folders_is_refused() -> None:
    only = EXCS | {"SYNC_CUSTOMER_OBJECTS_ONLY": "true"}
    (problem,) = Settings("excs", only).problems()
    assert problem.startswith("SYNC_CUSTOMER_FOLDER_NAME")
    folders = Settings("excs", only | {"SYNC_CUSTOMER_FOLDER_NAME": "Retail, Claims"})
    assert folders.problems() == []
    assert folders.customer_folders == ["Retail", "Claims"]
