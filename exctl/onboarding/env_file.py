"""The vendor's `.env` read into a stack file's settings. Pure; the way back is in `env_export`.

Every key of the vendor's Parameters tables has its place in a stack file (vendor_facts); a key that
none of them knows is reported, never dropped in silence.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import vendor_facts as vendor
from config_schema import Tenant
from exctl.onboarding import env_syntax
from exctl.onboarding.env_keys import Key, key_of, setting
from stack import paths
from stack.problems import Problem
from stack.secrecy import SECRET_NAMES

_HAVE_DEFAULTS = ("port", "filename", "gc_queue_name_suffix", "type", "ssl")
"""The last words of paths of mandatory keys that a stack file may leave out."""
MAY_BE_EMPTY = ("LOG_PATH", "EXEC_INFRA_DOCKER_REPOSITORY", "SYNC_CUSTOMER_FOLDER_NAME")
"""Keys for which the vendor's page says what nothing means. Source: deployment, Parameters."""


@dataclass
class Imported:
    """What a `.env` says: settings by section, secrets by name; what was inferred (path → why),
    what is to be looked at, and what is wrong. No secret's value is in any of the texts."""

    settings: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    inferred: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    """Path → line and key that it comes from."""


def imported(text: str) -> Imported:
    """The settings and secrets of a `.env`; of a key that is there twice the last one counts, as
    for every reader of such files."""
    entries, problems = env_syntax.read(text)
    found = Imported(problems=problems)
    seen: dict[str, int] = {}
    for entry in entries:
        where = f"line {entry.line}, {entry.key}"
        key = key_of(entry.key)
        if isinstance(key, str):
            found.notes.append(f"{where}: {key}; it was left out; check whether it is needed")
            continue
        if key.note:
            found.notes.append(f"{where}: {key.note}")
        if key.name in seen:
            found.notes.append(f"{where}: is already set in line {seen[key.name]}; this one counts")
        seen[key.name] = entry.line
        _take(found, key, entry.value, where)
    _infer(found)
    found.problems += _missing(found)
    return found


def _take(found: Imported, key: Key, text: str, where: str) -> None:
    """Puts one value in its place."""
    found.places[key.path] = where
    if key.parameter.is_secret:
        found.secrets.pop(key.path, None)
        if text:
            found.secrets[key.path] = text
        return
    if not text:
        paths.remove(found.settings, key.path)
        if not key.name.endswith(MAY_BE_EMPTY):
            found.notes.append(f"{where}: is empty and was left out")
        return
    value, note = setting(key, text)
    if note:
        found.notes.append(f"{where}: {note}")
    paths.put(found.settings, key.path, value)


def _pairs(found: Imported) -> list[str]:
    return list((paths.get(found.settings, "excp.pairs") or {}).keys())


def _infer(found: Imported) -> None:
    """What a stack file says and a `.env` leaves open."""
    redis = found.settings.get("redis")
    if isinstance(redis, dict) and "secure" not in redis:
        redis["secure"] = "redisPassword" in found.secrets
        has = "has" if redis["secure"] else "has neither EXEC_REDIS_SECURE nor"
        found.inferred["redis.secure"] = f"the .env {has} EXEC_REDIS_PASSWORD"
    tenant = found.settings.get("tenant")
    if isinstance(tenant, dict):
        tenant["region"] = Tenant.model_fields["region"].default
        found.inferred["tenant.region"] = "a .env doesn't say it; look in Genesys Cloud"
    sync = paths.get(found.settings, "excs.sync")
    if sync and sync.get("customer_folders") and sync.get("customer_objects_only") is not True:
        del sync["customer_folders"]
        found.notes.append(
            f"{found.places['excs.sync.customer_folders']}: was left out: without"
            " EXCS_SYNC_CUSTOMER_OBJECTS_ONLY=true the folders have no effect"
        )
    _infer_log_directory(found)


def _infer_log_directory(found: Imported) -> None:
    """Where the vendor's compose files mount the logs isn't public: where the services write them
    has to be in it."""
    parts = ["excs", "exas", *(f"excp.pairs.{pair}" for pair in _pairs(found))]
    named = (paths.get(found.settings, f"{part}.log.path") for part in parts)
    directories = [path for path in named if path]
    base = vendor.CONTAINER_LOG_PATH
    if not all(path.startswith("/") for path in directories):
        return  # the schema refuses it
    if all(path == base or path.startswith(f"{base}/") for path in directories):
        return
    common = posixpath.commonpath(directories)
    if common == "/":
        found.problems.append(
            "the LOG_PATHs of the services have no directory in common, so one mount can't hold"
            f" them: {', '.join(dict.fromkeys(directories))}; give them one in the .env"
        )
        return
    logs = found.settings.setdefault("logs", {})
    logs["container_path"] = common
    found.inferred["logs.container_path"] = "what the services' LOG_PATHs have in common"


def _missing(found: Imported) -> Iterator[str]:
    """Mandatory keys that aren't there and have no default."""
    pairs = _pairs(found)
    if not pairs:
        yield "there is no EXCP_1_VM_HOST_PAIR and no other key of a pair; a stack needs a pair"
    for parameter in vendor.PARAMETERS:
        if not parameter.is_mandatory or parameter.is_secret:
            continue
        for pair in pairs if "{pair}" in parameter.env_key else [""]:
            path, key = parameter.path.format(pair=pair), parameter.env_key.format(pair=pair)
            if paths.get(found.settings, path) not in (None, [], ""):
                continue
            if path.rsplit(".", 1)[-1] not in _HAVE_DEFAULTS:
                yield f"{key} is missing (its place in a stack file: {path})"
            elif path not in found.places:
                found.notes.append(f"{key} is missing: the default of {path} applies")


def worded(found: Imported, problems: Collection[Problem]) -> list[str]:
    """What is wrong with the settings, each with the line of the `.env` that it comes from."""
    lines = list(found.problems)
    for problem in problems:
        if "is missing: " in problem.text or problem.path in SECRET_NAMES:
            continue  # told by its key; secrets are asked for
        place = next(
            (found.places[path] for path in _prefixes(problem.path) if path in found.places), ""
        )
        lines.append(f"{place}: {problem.text}" if place else str(problem))
    return lines


def _prefixes(path: str) -> Iterator[str]:
    parts = paths.parse(path)
    for length in range(len(parts), 0, -1):
        yield ".".join(parts[:length])
