"""The vendor's `.env` and a stack file say the same: what is read, what is refused, what is kept.

That a real stack is written and its secrets are encrypted is told in tests/lab/test_migrating.py.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import vendor_facts as vendor
from config_schema import ExecConfig
from exctl.onboarding import env_export, env_file, env_syntax
from stack.environment import value_at
from stack.loader import parse
from tests.unit.exctl.env_stacks import TEXTS, by_compose, by_python, stacks

ON_A_BUSY_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

VENDORS_OWN = """\
# EXEC environment
EXEC_DOCKER_REPOSITORY=registry.example.com/exec
EXEC_INFRA_DOCKER_REPOSITORY=
EXEC_HOST_LOGS_VOLUME_PATH=/var/log/exec
EXEC_ORG_ID=6662cb10-0d4d-4710-b979-db69011e66fd
EXEC_TENANT_ID=1
EXEC_REDIS_HOST=10.1.0.10
EXEC_REDIS_PORT=6379
EXEC_REDIS_SECURE=true
EXEC_REDIS_PASSWORD=

EXCS_VM_HOST=10.1.0.101
EXCS_PORT=3640
EXCS_TAG=100.0.100.11
EXCS_CONFIG_DB_HOST=10.1.0.10
EXCS_CONFIG_DB_PORT=5432
EXCS_CONFIG_DB_USER=exec_ro
EXCS_CONFIG_DB_SSL=false
EXCS_CONFIG_DB_NAME=engage
EXCS_CONFIG_DB_TYPE=postgresql
EXCS_SYNC_CUSTOMER_OBJECTS_ONLY=true
EXCS_SYNC_CUSTOMER_FOLDER_NAME=Retail Banking, Claims
EXCS_LOG_PATH=/logs
EXCS_LOG_FILENAME='excs-<TENANT_ID>.%Y%m%d_%H%M%S_%L.log'
EXCS_LOG_LEVEL=info
EXCS_GC_QUEUE_NAME_SUFFIX=-Engage-external

EXAS_HOST=10.1.0.102
EXAS_PORT=3630
EXAS_TAG=100.0.100.11
EXAS_STAT_SERVER_PRIMARY_HOST=10.1.0.20
EXAS_STAT_SERVER_PRIMARY_PORT=2060
EXAS_STAT_SERVER_BACKUP_HOST=10.1.0.21
EXAS_STAT_SERVER_BACKUP_PORT=2060
EXAS_LOG_PATH=
EXAS_LOG_FILENAME='exas-<TENANT_ID>.%Y%m%d_%H%M%S_%L.log'

EXCP_1_VM_HOST_PAIR=10.1.0.103,10.1.0.104
EXCP_1_PORT=3650
EXCP_1_TAG=100.0.100.11
EXCP_1_VOICE_SERVER_VQ=sip-1:8000/sip-2:8000
EXCP_1_VOICE_SERVER_AGENT=sip-1:8000/sip-2:8000
EXCP_1_VOICE_SERVER_CALL=sip-1:8000/sip-2:8000
EXCP_1_LOG_FILE_NAME=excp-.%Y%m%d_%H%M%S_%L_${TENANT_ID}_${HOSTNAME}.log
"""


def imported(*changes: tuple[str, str], more: str = "") -> env_file.Imported:
    """The vendor's own with texts replaced and lines added."""
    text = VENDORS_OWN
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return env_file.imported(env_syntax.decoded((text + more).encode()))


def config_of(found: env_file.Imported) -> ExecConfig:
    texts = {name: json.dumps(section) for name, section in found.settings.items()}
    secrets = dict.fromkeys(("redisPassword", "configDbPassword"), "x")
    config, problems = parse(texts | secrets, set(secrets), {})
    assert config is not None, problems
    assert not problems, problems
    assert not found.problems
    return config


def at(found: env_file.Imported, path: str) -> Any:
    return value_at(config_of(found), path, None)


def carried(config: ExecConfig) -> dict[str, object]:
    """All that a `.env` has a key for."""
    return {
        p.path.format(pair=pair): value_at(config, p.path, pair)
        for p in vendor.PARAMETERS
        if not p.is_secret
        for pair in (config.excp.pairs if "{pair}" in p.path else [""])
    }


@settings(ON_A_BUSY_MACHINE, max_examples=80)
@given(stacks(), st.dictionaries(st.sampled_from(["redisPassword", "configDbPassword"]), TEXTS))
def test_a_stack_comes_back_from_its_env_with_all_that_the_env_carries(
    sections: dict[str, Any], secrets: dict[str, str]
) -> None:
    names = {"redisPassword", "configDbPassword"}
    texts = {name: json.dumps(section) for name, section in sections.items()}
    config, problems = parse(texts | dict.fromkeys(names, "x"), names, {})
    assume(config is not None and not problems)
    assert config is not None
    text = env_export.exported(config, secrets)
    found = env_file.imported(env_syntax.decoded(text.encode()))
    assert found.problems == []
    back = config_of(found)
    assert carried(back) == carried(config)
    assert found.secrets == secrets
    assert env_export.exported(back, found.secrets) == text
    pairs = sections["excp"]["pairs"].items()
    for number, pair in pairs:
        for name in ("environment", "stop_grace_seconds"):
            changed = pair.get(name, {} if name == "environment" else 30) not in ({}, 30)
            told = f"excp.pairs.{number}.{name}" in env_export.not_carried(config, ())
            assert told == changed


@settings(ON_A_BUSY_MACHINE)
@given(TEXTS)
def test_a_written_value_is_read_literally_by_python_and_by_compose(value: str) -> None:
    text = f"KEY={env_syntax.written(value)}\n"
    entries, problems = env_syntax.read(text)
    assert problems == []
    assert [entry.value for entry in entries] == [value]
    assert by_python(text, fill_in=False) == {"KEY": value}
    if env_syntax.is_read_alike(value):
        assert by_python(text) == {"KEY": value}
        assert by_compose(text.removesuffix("\n")) == value


@pytest.mark.parametrize(
    "password",
    [
        "pa$$word",
        "#1 in $ales",
        "it's",
        'say "no"',
        "a\\b",
        "ends\\",
        "$HOME",
        " x ",
        "a \\\\ b",
        "x y\\",
        "it\\'s me",
    ],
)
def test_an_awkward_password_is_read_alike_by_all(password: str) -> None:
    assert env_syntax.is_read_alike(password)
    text = f"EXEC_REDIS_PASSWORD={env_syntax.written(password)}"
    assert by_compose(text) == password
    assert imported(("EXEC_REDIS_PASSWORD=", text)).secrets == {"redisPassword": password}


def test_a_reference_in_single_quotes_is_taken_as_it_stands() -> None:
    found = imported(("DB_USER=exec_ro", "DB_USER='a${b}'"))
    assert at(found, "excs.config_db.user") == "a${b}"


def test_the_vendors_own_is_taken_over_whole() -> None:
    found = imported()
    config = config_of(found)
    assert config.excs.sync.customer_folders == ["Retail Banking", "Claims"]
    assert config.excp.pairs["1"].hosts == ["10.1.0.103", "10.1.0.104"]
    assert config.excp.pairs["1"].log.filename.endswith("${TENANT_ID}_${HOSTNAME}.log")
    assert config.exas.log.path is None
    assert found.secrets == {}
    assert found.notes == []
    assert found.inferred == {"tenant.region": "a .env doesn't say it; look in Genesys Cloud"}


def test_an_env_comes_back_with_the_same_meaning() -> None:
    found = imported(("EXEC_REDIS_PASSWORD=", "EXEC_REDIS_PASSWORD='s3cret $1'"))
    back = by_python(env_export.exported(config_of(found), found.secrets), fill_in=False)
    given = {k: v for k, v in by_python(VENDORS_OWN, fill_in=False).items() if v}
    given["EXCS_SYNC_CUSTOMER_FOLDER_NAME"] = "Retail Banking,Claims"
    assert back == given | {
        "EXEC_REDIS_PASSWORD": "s3cret $1",
        "EXAS_LOG_LEVEL": "info",
        "EXCP_1_LOG_LEVEL": "info",
    }


@pytest.mark.parametrize("separator", [",", ", ", " ", ";", " ; ", ",,"])
def test_hosts_of_a_pair_are_separated_by_what_people_write(separator: str) -> None:
    hosts = separator.join(["10.1.0.103", "10.1.0.104"])
    found = imported(("10.1.0.103,10.1.0.104", hosts))
    assert config_of(found).excp.pairs["1"].hosts == ["10.1.0.103", "10.1.0.104"]
    assert found.notes == []


def test_several_sip_server_pairs_are_a_list() -> None:
    found = imported(("VQ=sip-1:8000/sip-2:8000", "VQ=sip-1:8000/sip-2:8000; a:1/b:2"))
    servers = config_of(found).excp.pairs["1"].voice_servers.vq
    assert servers == ["sip-1:8000/sip-2:8000", "a:1/b:2"]


@pytest.mark.parametrize(
    ("old", "new", "path", "value", "note"),
    [
        (
            "EXCS_VM_HOST=",
            "EXCS_HOST=",
            "excs.host",
            "10.1.0.101",
            "EXCS_HOST: was taken as EXCS_VM_HOST",
        ),
        ("EXAS_HOST=", "EXAS_VM_HOST=", "exas.host", "10.1.0.102", "was taken as EXAS_HOST"),
        ("EXCS_TAG=", "excs_Tag=", "excs.tag", "100.0.100.11", "was taken as EXCS_TAG"),
        ("EXCS_TAG=", "export EXCS_TAG = ", "excs.tag", "100.0.100.11", None),
        ("EXCS_TAG=100.0.100.11", "EXCS_TAG=1.2  # the new one", "excs.tag", "1.2", None),
        ("EXCS_TAG=100.0.100.11", "V=7\nEXCS_TAG=1.${V}", "excs.tag", "1.7", "V: isn't a key"),
        ("EXCS_TAG=100.0.100.11", 'EXCS_TAG="1.2"', "excs.tag", "1.2", None),
        (
            "EXCS_TAG=",
            "EXCS_TAG=9\nEXCS_TAG=",
            "excs.tag",
            "100.0.100.11",
            "is already set in line 14",
        ),
        ("=info", "=INFO", "excs.log.level", "info", "'INFO' was taken as info"),
        ("DB_SSL=false", "DB_SSL=no", "excs.config_db.ssl", False, "'no' was taken as false"),
        ("DB_SSL=false", "DB_SSL=FALSE", "excs.config_db.ssl", False, None),
        (
            "=postgresql",
            "=Postgres",
            "excs.config_db.type",
            "postgresql",
            "was taken as postgresql",
        ),
        (
            "=registry",
            "=https://registry",
            "registry.repository",
            "registry.example.com/exec",
            "without scheme",
        ),
        (
            "EXCS_PORT=3640\n",
            "",
            "excs.port",
            3640,
            "EXCS_PORT is missing: the default of excs.port",
        ),
        (
            "EXCS_SYNC_CUSTOMER_F",
            "SYNC_CUSTOMER_F",
            "excs.tag",
            "100.0.100.11",
            "was taken as EXCS_SYNC",
        ),
        (
            "OBJECTS_ONLY=true",
            "OBJECTS_ONLY=false",
            "excs.sync.customer_folders",
            [],
            "was left out",
        ),
        ("\n", "\r\n", "excs.tag", "100.0.100.11", None),
        (
            "# EXEC environment\n",
            "\ufeff",
            "registry.repository",
            "registry.example.com/exec",
            None,
        ),
    ],
)
def test_what_is_written_otherwise_is_taken_with_a_note(
    old: str, new: str, path: str, value: Any, note: str | None
) -> None:
    found = imported((old, new))
    assert at(found, path) == value
    if note is None:
        assert found.notes == []
    else:
        assert any(note in text for text in found.notes), found.notes


@pytest.mark.parametrize(
    "spelling", ["EXCP_1_LOG_FILENAME", "EXCP_01_LOG_FILE_NAME", "EXCP_LOG_FILENAME"]
)
def test_a_misspelt_key_of_a_pair_is_taken_with_a_note(spelling: str) -> None:
    found = imported(("EXCP_1_LOG_FILE_NAME", spelling))
    assert config_of(found).excp.pairs["1"].log.filename.startswith("excp-.%Y")
    assert [note.partition(", ")[2] for note in found.notes] == [
        f"{spelling}: was taken as EXCP_1_LOG_FILE_NAME"
    ]


def test_an_unknown_key_is_named_with_the_nearest_one() -> None:
    found = imported(more="EXCS_CONFIG_DB_PASWORD=secret\nPROXY=x\n")
    assert [note.partition(", ")[2] for note in found.notes] == [
        "EXCS_CONFIG_DB_PASWORD: isn't a key of the vendor's page; EXCS_CONFIG_DB_PASSWORD is; it"
        " was left out; check whether it is needed",
        "PROXY: isn't a key of the vendor's page; it was left out; check whether it is needed",
    ]


def test_logs_elsewhere_move_the_containers_log_directory() -> None:
    found = imported(("EXCS_LOG_PATH=/logs", "EXCS_LOG_PATH=/opt/exec/log"))
    assert at(found, "logs.container_path") == "/opt/exec/log"
    assert "logs.container_path" in found.inferred


def test_logs_with_nothing_in_common_are_refused_and_never_mounted_at_the_root() -> None:
    found = imported(
        ("EXCS_LOG_PATH=/logs", "EXCS_LOG_PATH=/var/log"), more="EXAS_LOG_PATH=/opt/x\n"
    )
    assert "container_path" not in found.settings["logs"]
    assert found.problems == [
        "the LOG_PATHs of the services have no directory in common, so one mount can't hold them:"
        " /var/log, /opt/x; give them one in the .env"
    ]


@pytest.mark.parametrize(
    ("line", "secure"), [("EXEC_REDIS_PASSWORD=x", True), ("EXEC_REDIS_PASSWORD=", False)]
)
def test_without_a_word_about_it_redis_is_secure_if_it_has_a_password(
    line: str, secure: bool
) -> None:
    found = imported(("EXEC_REDIS_SECURE=true\n", ""), ("EXEC_REDIS_PASSWORD=", line))
    assert at(found, "redis.secure") == secure
    assert "redis.secure" in found.inferred


def refused(found: env_file.Imported) -> list[str]:
    texts = {name: json.dumps(section) for name, section in found.settings.items()}
    return env_file.worded(found, parse(texts, set(), {})[1])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "EXCS_TAG=100.0.100.11",
            "EXCS_TAG 100",
            [
                "line 14 isn't KEY=VALUE, or its quotes don't end",
                "EXCS_TAG is missing (its place in a stack file: excs.tag)",
            ],
        ),
        (
            "FILE_NAME=excp",
            "FILE_NAME='excp",
            ["line 44 isn't KEY=VALUE, or its quotes don't end"],
        ),
        (
            "EXCS_TAG=100.0.100.11",
            "EXCS_TAG=${V}",
            [
                "line 14, EXCS_TAG: ${V} is set nowhere above it"
                " in"
                " this file; write the value out, or put it into single quotes if the $ is meant"
                " literally",
                "EXCS_TAG is missing (its place in a stack file: excs.tag)",
            ],
        ),
        (
            "EXCS_PORT=3640",
            "EXCS_PORT=http",
            ["line 13, EXCS_PORT: must be a whole number; found 'http'"],
        ),
        (
            "VQ=sip-1:8000/sip-2:8000",
            "VQ=sip-1:8000",
            [
                "line 41, EXCP_1_VOICE_SERVER_VQ: 'sip-1:8000' is not of the form"
                " primary:port/backup:port (IPv6 in brackets)"
            ],
        ),
        (
            "10.1.0.103,10.1.0.104",
            "10.1.0.103",
            ["line 38, EXCP_1_VM_HOST_PAIR: must have at least 2 entries; found 1"],
        ),
        (
            "DB_SSL=false",
            "DB_SSL=maybe",
            ["line 18, EXCS_CONFIG_DB_SSL: must be true or false; found 'maybe'"],
        ),
    ],
)
def test_what_cant_be_taken_is_refused_by_its_line(old: str, new: str, words: list[str]) -> None:
    assert refused(imported((old, new))) == words


def test_an_env_without_pairs_is_refused() -> None:
    text = VENDORS_OWN[: VENDORS_OWN.index("EXCP_1")]
    assert refused(env_file.imported(text)) == [
        "there is no EXCP_1_VM_HOST_PAIR and no other key of a pair; a stack needs a pair"
    ]


def test_a_file_that_isnt_utf8_is_refused_by_its_line() -> None:
    with pytest.raises(ValueError, match="line 2 isn't UTF-8 text"):
        env_syntax.decoded("A=1\nB=é\n".encode("latin-1"))


def test_secrets_that_a_env_has_no_key_for_are_named() -> None:
    config = config_of(imported())
    assert env_export.not_carried(config, ("redisPassword", "registryPassword")) == [
        "registryPassword"
    ]
    said = list(env_export.remarks(config, ("redisPassword",), {"redisPassword": "a${b}"}))
    assert said[0].endswith("inferred some of them: exctl topology lists which")
    assert said[1:] == [
        "EXEC_REDIS_PASSWORD: not every program reads its $ in the same way: compose 2 takes it"
        " literally, a Python reader that expands ${…} doesn't"
    ]
