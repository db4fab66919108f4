"""What may be shown and what is redacted: one rule for messages, reports, JSON, archives. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

import vendor_facts as vendor
from stack import paths

REDACTED = "[redacted]"
SECRET_NAMES = tuple(secret.name for secret in vendor.SECRETS)
SHORTEST_CHARACTERS = 4
"""Chosen: a shorter secret isn't looked for inside other texts, where chance would find it."""

_SECRET_WORDS = re.compile(
    r"pass(wor[dt]|wd|phrase)?|pwd|token|secret|credential|api[-_]?key|private[-_]?key"
    r"|(?<![a-z])key(?![a-z])|auth(?!or)|bearer",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"(?P<before>[a-z][a-z0-9+.-]{0,30}://[^\s/:@]*:)[^\s/@]+(?=@)"
    # A variable of that name in a stack file, a .env or a log: API_KEY: x, DB_PASSWORD='x y'
    r"|(?P<name>(?-i:\b[A-Z][A-Z0-9_]*(?:PASSWORD|PASSWD|PWD|TOKEN|SECRET|KEY)(?:_[A-Z0-9_]*)?)"
    r"[\"']?(?:: |=)\s*)(?:\"[^\"]*\"|'[^']*'|[^\s,;}&]+)"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*"
    r"|\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
    r"|\b(?:password|passwd|pwd|secret|token)=[^\s;&]+",
    re.IGNORECASE,
)


OF_THE_ENCRYPTION = frozenset({"encryptionsalt", "encryptedkey"})
"""Pulumi's own keys of a stack file: whoever has them may guess passphrases against them."""


def is_plain(path: paths.Path) -> bool:
    """Whether a setting's value may be quoted: the schema knows it, and it's no variable."""
    return "environment" not in path and paths.field_at(_without_index(path)) is not None


def _without_index(path: paths.Path) -> paths.Path:
    """The list's path for one of its entries."""
    return path[:-1] if path and path[-1].isdecimal() else path


def names_a_secret(name: str) -> bool:
    """Whether a variable's name says that its value is one: REDIS_PASSWORD, apiToken, KEY."""
    return _SECRET_WORDS.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)) is not None


def holds_a_secret(value: str) -> bool:
    """Whether a value looks like one: a URL with a password, a private key, a token."""
    return _SECRET_VALUE.search(value) is not None


def changed(config: BaseModel) -> Iterator[paths.Setting]:
    """The settings that aren't at their defaults, as they may be shown."""
    for each in paths.changed(config):
        name = each.path.rpartition(".")[2]
        yield replace(each, value=redacted(each.value, name=name))


def redacted(value: Any, secrets: Collection[str] = (), name: str = "") -> Any:
    """The value, sections and lists in depth, without what is or looks like a secret; `secrets` are
    the values of those that are known."""
    match value:
        case {"secure": str(), **others} if not others:
            return REDACTED
        case Mapping():
            is_environment = name == "environment"
            return {
                key: REDACTED
                if isinstance(item, str) and item and _hides(key, is_environment)
                else redacted(item, secrets, str(key))
                for key, item in value.items()
            }
        case str():
            return redacted_text(value, secrets)
        case Sequence():
            return [redacted(item, secrets, name) for item in value]
    return value


def _hides(key: object, is_environment: bool) -> bool:
    return (
        str(key).rpartition(":")[2] in SECRET_NAMES
        or str(key) in OF_THE_ENCRYPTION
        or (is_environment and names_a_secret(str(key)))
    )


def redacted_text(text: str, secrets: Collection[str] = ()) -> str:
    """The text without known secrets and without what looks like one."""
    for secret in sorted(secrets, key=len, reverse=True):
        if secret and (text == secret or len(secret) >= SHORTEST_CHARACTERS):
            text = text.replace(secret, REDACTED)
    return _SECRET_VALUE.sub(_without_secret, text)


def _without_secret(found: re.Match[str]) -> str:
    return f"{found['before'] or found['name'] or ''}{REDACTED}"
