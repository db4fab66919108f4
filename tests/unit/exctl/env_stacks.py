"""Stacks as an operator could write them, made up by hypothesis; and readers of a `.env`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import StringIO
from typing import Any

from dotenv import dotenv_values
from hypothesis import strategies as st

# NUL can't be in a container's variable, half of a surrogate pair in no file.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
HOSTS = st.lists(LABELS, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "de"]))
LOG_NAMES = st.tuples(
    TEXTS.map(lambda text: text.translate({ord("$"): "", ord("/"): ""})),
    st.sampled_from([".log", "${TENANT_ID}", "-${HOSTNAME}.log"]),
).map("".join)
PORTS = st.integers(1, 65535)
TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,12}", fullmatch=True).filter(
    lambda tag: tag != "latest"
)
ADDRESSES = st.tuples(HOSTS, PORTS).map(lambda pair: f"{pair[0]}:{pair[1]}")
VOICE = st.lists(st.tuples(ADDRESSES, ADDRESSES).map("/".join), min_size=1, max_size=3)
LEVELS = st.sampled_from(["trace", "debug", "info", "warn", "error", "fatal"])
FOLDERS = st.lists(
    TEXTS.map(lambda text: text.replace(",", "").strip()).filter(bool), min_size=1, max_size=3
)


def logs() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {}, optional={"path": st.just("/logs/exec"), "filename": LOG_NAMES, "level": LEVELS}
    )


def pair() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "hosts": st.lists(HOSTS, min_size=2, max_size=2, unique=True),
            "tag": TAGS,
            "voice_servers": st.fixed_dictionaries({"vq": VOICE, "agent": VOICE, "call": VOICE}),
            "log": logs(),
        },
        optional={
            "port": PORTS,
            "environment": st.dictionaries(st.just("EXTRA"), TEXTS),
            "stop_grace_seconds": st.integers(1, 3600),
        },
    )


def database() -> st.SearchStrategy[dict[str, Any]]:
    common = {"host": HOSTS, "user": TEXTS, "name": TEXTS, "ssl": st.booleans()}
    return st.one_of(
        st.fixed_dictionaries(common, optional={"port": PORTS}),
        st.fixed_dictionaries(
            {**common, "port": PORTS, "type": st.sampled_from(["oracle", "mssql", "postgresql"])}
        ),
    )


def stacks() -> st.SearchStrategy[dict[str, Any]]:
    """Sections of stack files without secrets; two instances may still claim one port."""
    sync: st.SearchStrategy[dict[str, Any]] = st.one_of(
        st.just({}),
        st.fixed_dictionaries(
            {"customer_objects_only": st.just(True), "customer_folders": FOLDERS}
        ),
    )
    peer = st.fixed_dictionaries({"host": HOSTS}, optional={"port": PORTS})
    return st.fixed_dictionaries(
        {
            "tenant": st.fixed_dictionaries(
                {
                    "id": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,8}", fullmatch=True),
                    "org_id": st.uuids().map(str),
                },
                optional={"region": HOSTS},
            ),
            "registry": st.fixed_dictionaries(
                {"repository": st.just("registry.example.com:5000/exec")},
                optional={"infra_repository": TEXTS},
            ),
            "logs": st.just({"host_path": "/var/log/exec logs"}),
            "redis": st.fixed_dictionaries(
                {"host": HOSTS}, optional={"port": PORTS, "secure": st.booleans()}
            ),
            "excs": st.fixed_dictionaries(
                {"host": HOSTS, "tag": TAGS, "config_db": database(), "sync": sync, "log": logs()},
                optional={"port": PORTS, "gc_queue_name_suffix": TEXTS},
            ),
            "exas": st.fixed_dictionaries(
                {
                    "host": HOSTS,
                    "tag": TAGS,
                    "stat_server": st.fixed_dictionaries({"primary": peer, "backup": peer}),
                    "log": logs(),
                },
                optional={"port": PORTS},
            ),
            "excp": st.fixed_dictionaries(
                {
                    "pairs": st.dictionaries(
                        st.integers(1, 30).map(str), pair(), min_size=1, max_size=2
                    )
                }
            ),
        }
    )


def by_python(text: str, fill_in: bool = True) -> dict[str, str | None]:
    """What a Python program gets: python-dotenv."""
    return dict(dotenv_values(stream=StringIO(text), interpolate=fill_in))


_COMPOSE_ESCAPES: Mapping[str, str] = {"n": "\n", "r": "\r", "t": "\t"}


def by_compose(line: str) -> str:
    """What compose 2 makes of the value of one `KEY=VALUE`, with no variable set.

    Source: compose-go, dotenv/parser.go, extractVarValue, expandEscapes and expandVariables.
    """
    value = line.partition("=")[2]
    if value[:1] not in ("'", '"'):
        return _filled(value.partition(" #")[0].rstrip())
    quote, inside = value[0], value[1:]
    characters: list[str] = []
    is_escape = False
    for character in inside:
        if character == quote and not is_escape:
            break
        if character == quote:
            characters.append(character)
            is_escape = False
            continue
        if character == "\\" and not is_escape:
            is_escape = True
            continue
        if is_escape:
            characters.append("\\")
            is_escape = False
        characters.append(character)
    text = "".join(characters)
    if quote == "'":
        return text
    text = re.sub(
        r"\\([abcfnrtv$\"\\])", lambda found: _COMPOSE_ESCAPES.get(found[1], found[1]), text
    )
    return _filled(text)


def _filled(text: str) -> str:
    return re.sub(r"\$(\w+|\{[^}]*\})", "", text)
