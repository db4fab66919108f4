"""Pulumi.<stack>.yaml: a stack's configuration and salt, edited without losing comments."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import yamltext
from engine.project import Declared, Project, ProjectError
from engine.state import write_atomically

_KEYS = {"secretsprovider", "encryptedkey", "encryptionsalt", "config", "environment"}


@dataclass(frozen=True)
class ConfigValue:
    """One setting, decrypted: `text` is the string that a program sees (JSON for an object)."""

    text: str
    secret: bool = False
    is_object: bool = False
    stored: Any = None  # as in the file: scalars, lists, maps; {"secure": …} for what is secret

    @property
    def value(self) -> Any:
        """The object, or the text."""
        return json.loads(self.text) if self.is_object else self.text


def is_secure(stored: Any) -> bool:
    """True for `{secure: ciphertext}`."""
    return isinstance(stored, dict) and set(stored) == {"secure"}


def holds_secure(stored: Any) -> bool:
    """True if anything in it is `{secure: …}`."""
    if is_secure(stored):
        return True
    items = stored.values() if isinstance(stored, dict) else stored
    return isinstance(stored, dict | list) and any(holds_secure(item) for item in items)


def opened(stored: Any, open_: Callable[[str], str]) -> Any:
    """The same value with each `{secure: …}` replaced by `open_(ciphertext)`."""
    if is_secure(stored):
        return open_(stored["secure"])
    if isinstance(stored, dict):
        return {key: opened(item, open_) for key, item in stored.items()}
    if isinstance(stored, list):
        return [opened(item, open_) for item in stored]
    return stored


def config_value(stored: Any, open_: Callable[[str], str]) -> ConfigValue:
    """The setting that a stored value means."""
    found = opened(stored, open_)
    is_object = isinstance(found, dict | list)
    text = yamltext.go_json(found) if is_object else yamltext.as_text(found)
    return ConfigValue(text, holds_secure(stored), is_object, stored)


class StackFile:
    """The file of one stack; it needn't exist yet."""

    def __init__(self, path: Path, project: Project) -> None:
        self.path = path
        self._project = project
        self._read()

    def _read(self) -> None:
        path, project = self.path, self._project
        try:
            text = path.read_text(encoding="utf-8") if path.exists() else ""
        except UnicodeDecodeError:
            raise ProjectError(f"{path}: not a text file in UTF-8") from None
        data = yamltext.load(text, str(path)) if text.strip() else {}
        if data is None:
            data = {}
        if not isinstance(data, dict) or not isinstance(data.get("config", {}), dict | type(None)):
            raise ProjectError(f"{path}: it must be a mapping, and so must its 'config'")
        self._refuse(data)
        self._text = text
        self.salt = str(data.get("encryptionsalt") or "")
        self.config: dict[str, Any] = {
            project.full_key(key): item for key, item in (data.get("config") or {}).items()
        }

    def _refuse(self, data: Mapping[str, Any]) -> None:
        provider = data.get("secretsprovider") or "passphrase"
        if provider != "passphrase" or data.get("encryptedkey"):
            raise ProjectError(
                f"{self.path}: secrets provider {provider!r}; this engine has 'passphrase' only"
            )
        if data.get("environment"):
            raise ProjectError(
                f"{self.path}: this engine doesn't support 'environment' (Pulumi ESC)"
            )
        if unknown := sorted(set(data) - _KEYS):
            raise ProjectError(f"{self.path}: unknown keys {', '.join(unknown)}")

    def values(self, open_: Callable[[str], str]) -> dict[str, ConfigValue]:
        """All settings of the file, by full key."""
        return {key: config_value(item, open_) for key, item in self.config.items()}

    def set_salt(self, salt: str) -> None:
        """Write the stack's salt."""
        self.salt = salt

        def edit(data: Any) -> None:
            data["encryptionsalt"] = salt

        self._edit(edit)

    def set(self, key: str, path: tuple[str | int, ...], stored: Any) -> None:
        """Set `key`, or the place at `path` in it; `stored` as in the file. ProjectError where the
        place can't be reached."""

        def edit(data: Any) -> None:
            config = data.get("config")
            if config is None:
                config = data["config"] = type(data)()
            name = self._name_in(config, key)
            _put(config, (name, *path), _styled(stored))

        self._edit(edit)

    def remove(self, key: str, path: tuple[str | int, ...] = ()) -> None:
        """Remove `key`, or the place at `path` in it; nothing happens if it isn't there."""

        def edit(data: Any) -> None:
            config = data.get("config")
            if config is None:
                return
            target: Any = config
            parts = (self._name_in(config, key), *path)
            for part in parts[:-1]:
                target = _child(target, part)
            last = parts[-1]
            if _has(target, last):
                del target[last]
            if not config:
                del data["config"]

        self._edit(edit)

    def _name_in(self, config: Any, key: str) -> str:
        """How the file spells a key: old files may leave the namespace out."""
        return next((k for k in config if self._project.full_key(str(k)) == key), key)

    def _edit(self, change: Callable[[Any], None]) -> None:
        document = yamltext.Document(self._text, str(self.path))
        change(document.data)
        text = document.text()
        write_atomically(self.path, text)
        self._read()


def _styled(stored: Any) -> Any:
    if isinstance(stored, dict):
        return {k: _styled(v) for k, v in stored.items()}
    if isinstance(stored, list):
        return [_styled(v) for v in stored]
    return yamltext.quoted_if_needed(stored)


def _has(target: Any, part: str | int) -> bool:
    if isinstance(target, dict):
        return part in target
    return isinstance(target, list) and isinstance(part, int) and part < len(target)


def _child(target: Any, part: str | int) -> Any:
    return target[part] if _has(target, part) else None


def _put(target: Any, parts: tuple[str | int, ...], value: Any) -> None:
    """Set a value at a path, making maps and lists on the way; a list grows by one at most."""
    part, rest = parts[0], parts[1:]
    if isinstance(target, list):
        if not isinstance(part, int) or part > len(target):
            raise ProjectError(f"cannot set {part!r} of a list that has {len(target)} items")
        if part == len(target):
            target.append(None)
    elif not isinstance(target, dict) or not isinstance(part, str) or is_secure(target):
        raise ProjectError(f"cannot set {part!r} of a value that isn't a map or list")
    if not rest:
        target[part] = value
        return
    if _child(target, part) is None:
        target[part] = [] if isinstance(rest[0], int) else {}
    _put(target[part], rest, value)


def value_at(stored: Any, path: tuple[str | int, ...]) -> Any:
    """What lies at a path of a stored value; None if nothing does."""
    for part in path:
        stored = _child(stored, part)
    return stored


def with_declared(
    project: Project, stack: str, values: Mapping[str, ConfigValue]
) -> tuple[dict[str, ConfigValue], list[str]]:
    """The settings with the project's own values and defaults, and what breaks its schema."""
    found = dict(values)
    problems: list[str] = []
    for key, declared in project.config.items():
        if key not in found:
            given = declared.value if declared.value is not None else declared.default
            if given is None:
                problems.append(
                    f"Stack '{stack}' is missing configuration value '{project.short_key(key)}'"
                )
                continue
            found[key] = config_value(given, lambda text: text)
        problems += _mismatches(project.short_key(key), declared, found[key], stack)
    return found, problems


def _mismatches(key: str, declared: Declared, value: ConfigValue, stack: str) -> list[str]:
    if declared.secret and not value.secret:
        return [f"Stack '{stack}' with configuration key '{key}' must be encrypted as it's secret"]
    expected = {"type": declared.type, "items": declared.items}
    if declared.type and not _is_type(value.value, expected):
        return [f"Stack '{stack}' with configuration key '{key}' must be of type '{declared.type}'"]
    return []


def _is_type(value: Any, expected: Mapping[str, Any]) -> bool:
    kind = expected.get("type")
    if kind == "integer":
        if isinstance(value, str):
            return value.lstrip("-").isdigit()
        return isinstance(value, int | float) and value == int(value) and value not in (True, False)
    if kind == "boolean":
        return isinstance(value, bool) or value in ("true", "false")
    if kind == "array":
        items = expected.get("items") or {}
        return isinstance(value, list) and all(_is_type(item, items) for item in value)
    if kind == "object":
        return isinstance(value, dict)
    return kind != "string" or isinstance(value, str)
