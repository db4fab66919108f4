"""The keys of a vendor's `.env` and the forms of their values: which setting a key means, however
it is spelled, and what its text is as a setting. Pure.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Any

import vendor_facts as vendor
from vendor_facts import Parameter

_PAIR_KEY = re.compile(r"EXCP_(?:(\d+)_)?(.+)")
_BLANKS_AND_SEPARATORS = re.compile(r"[,;\s]+")
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_DATABASES = {"postgres": "postgresql", "sqlserver": "mssql", "mssqlserver": "mssql"}
_LEVELS = {"warning": "warn", "critical": "fatal"}


@dataclass(frozen=True)
class Key:
    """The parameter that a key stands for, and its pair; `note` says what was made of it."""

    parameter: Parameter
    pair: str
    note: str = ""

    @property
    def path(self) -> str:
        return self.parameter.path.format(pair=self.pair)

    @property
    def name(self) -> str:
        """As the vendor's page spells it."""
        return self.parameter.env_key.format(pair=self.pair)


def _spellings(parameter: Parameter) -> list[str]:
    """How a key is also written: the vendor's page itself isn't of one mind (VM_HOST, HOST;
    LOG_FILENAME, LOG_FILE_NAME; EXCS's variables without their prefix)."""
    key = parameter.env_key
    found = [
        key.replace("LOG_FILE_NAME", "LOG_FILENAME"),
        key.replace("LOG_FILENAME", "LOG_FILE_NAME"),
    ]
    if key.endswith("_HOST_PAIR"):
        found += [
            key.replace("_VM_HOST_PAIR", word) for word in ("_HOST_PAIR", "_VM_HOST", "_HOST")
        ]
        found += [key.replace("_VM_HOST_PAIR", word) for word in ("_VM_HOSTS", "_HOSTS")]
    elif parameter.path in ("excs.host", "exas.host"):
        found += [key.replace("_VM_", "_"), key.replace("_HOST", "_VM_HOST")]
    elif parameter.path == "configServerPassword":
        found += ["EXEC_CONFIG_SERVER_PASSWORD", "CONFIG_SERVER_PASSWORD"]
    elif "_SYNC_CUSTOMER_" in key:
        found += [key.removeprefix("EXCS_"), key.replace("_NAME", "_NAMES")]
    elif "_VOICE_SERVER_" in key:
        found.append(key.replace("_VOICE_SERVER_", "_VOICE_SERVERS_"))
    return [spelling for spelling in found if spelling != key]


_BY_KEY = {parameter.env_key: parameter for parameter in vendor.PARAMETERS}
_BY_SPELLING = {s: parameter for parameter in vendor.PARAMETERS for s in _spellings(parameter)}


def key_of(text: str) -> Key | str:
    """The key, or in words why it isn't one of the vendor's, with the nearest that is."""
    upper = text.upper()
    match = _PAIR_KEY.fullmatch(upper)
    number = (match[1] or "1") if match else ""
    pair = str(int(number)) if number else ""
    wanted = f"EXCP_{{pair}}_{match[2]}" if match else upper
    parameter = _BY_KEY.get(wanted) or _BY_SPELLING.get(wanted)
    if parameter is None:
        names = [known.format(pair=pair or 1) for known in _BY_KEY]
        close = difflib.get_close_matches(upper, names, 1, 0.8)
        return f"isn't a key of the vendor's page{f'; {close[0]} is' if close else ''}"
    found = Key(parameter, pair)
    if pair == "0":
        return "has no pair 0; pairs are numbered from 1"
    return found if found.name == text else Key(parameter, pair, f"was taken as {found.name}")


def setting(key: Key, text: str) -> tuple[Any, str]:
    """The text as a value of the stack file, and in words what was changed about it.

    What isn't of the form that is wanted stays a text: the schema refuses it with what is allowed.
    """
    name = key.path.rsplit(".", 1)[-1]
    if name in ("hosts", "vq", "agent", "call"):
        return [part for part in _BLANKS_AND_SEPARATORS.split(text) if part], ""
    if name == "customer_folders":
        note = "; isn't a separator, folders are separated by commas" if ";" in text else ""
        return [part.strip() for part in text.split(",") if part.strip()], note
    if name == "port":
        return int(text) if text.isascii() and text.strip().isdecimal() else text, ""
    if name in ("secure", "ssl", "customer_objects_only"):
        return _boolean(text)
    if name == "type":
        return _word(text, _DATABASES)
    if name == "level":
        return _word(text, _LEVELS)
    if name == "repository":
        bare = re.sub(r"^\w+://", "", text).rstrip("/")
        return bare, "" if bare == text else f"was taken as {bare}, without scheme and last slash"
    return text, ""


def _boolean(text: str) -> tuple[Any, str]:
    lower = text.strip().lower()
    if lower in (*_YES, *_NO):
        value = lower in _YES
        plain = lower in ("true", "false")
        return value, "" if plain else f"{text!r} was taken as {'true' if value else 'false'}"
    return text, ""


def _word(text: str, also: dict[str, str]) -> tuple[str, str]:
    lower = text.strip().lower()
    word = also.get(lower, lower)
    return word, "" if word == text else f"{text!r} was taken as {word}"
