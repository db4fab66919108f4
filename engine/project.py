"""Pulumi.yaml: what is run, where its state is, and what configuration it declares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine import VERSION_LINE, yamltext
from engine.versions import is_in

NAMES = ("Pulumi.yaml", "Pulumi.yml")
NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_REFUSED = ("plugins", "packages")
_TYPES = ("string", "integer", "boolean", "array", "object")


class ProjectError(Exception):
    """A project that is missing or that this engine can't run."""


@dataclass(frozen=True)
class Declared:
    """One entry of the project's `config`: a type to check, a default or a fixed value."""

    type: str = ""
    items: Mapping[str, Any] = field(default_factory=dict)
    default: Any = None
    value: Any = None
    secret: bool = False


@dataclass(frozen=True)
class Project:
    """A Pulumi project; paths are absolute."""

    name: str
    path: Path  # of Pulumi.yaml
    options: Mapping[str, Any] = field(default_factory=dict)  # of the runtime: virtualenv …
    main: str = ""
    backend_url: str = ""
    stack_config_dir: str = ""
    refresh: bool = False  # options.refresh: always
    config: Mapping[str, Declared] = field(default_factory=dict)  # by full key

    @property
    def root(self) -> Path:
        """The directory of Pulumi.yaml."""
        return self.path.parent

    @property
    def program_dir(self) -> Path:
        """The directory in which the program runs."""
        target = self.root / self.main
        return target.parent if target.is_file() else target

    @property
    def program(self) -> str:
        """What is run in `program_dir`: `.`, or the file that `main` names."""
        target = self.root / self.main
        return target.name if target.is_file() else "."

    def stack_file(self, stack: str) -> Path:
        """Where the stack's configuration lies."""
        return self.root / self.stack_config_dir / f"Pulumi.{stack}{self.path.suffix}"

    def full_key(self, key: str) -> str:
        """The key with its namespace: `k` and `ns:config:k` become `project:k` and `ns:k`."""
        parts = key.split(":")
        if len(parts) == 3 and parts[1] == "config":
            parts = [parts[0], parts[2]]
        if len(parts) == 1:
            parts = [self.name, parts[0]]
        if len(parts) != 2 or not all(parts):
            raise ProjectError(
                f"could not parse {key} as a configuration key "
                "(configuration keys should be of the form `<namespace>:<name>`)"
            )
        return ":".join(parts)

    def short_key(self, key: str) -> str:
        """The key as lists show it: without the project's own namespace."""
        return key.removeprefix(f"{self.name}:")


def find_project(start: Path) -> Path | None:
    """The nearest project file at or above `start`."""
    for folder in (start, *start.parents):
        for name in NAMES:
            if (folder / name).is_file():
                return folder / name
    return None


def load_project(start: Path) -> Project:
    """The project at or above `start`. ProjectError if there is none or it can't be run here."""
    path = find_project(start)
    if path is None:
        raise ProjectError(
            f"no Pulumi.yaml project file found (searching upwards from {start}). "
            "If you have not created a project yet, use `pulumi new` to do so"
        )
    data = yamltext.load(path.read_text(encoding="utf-8"), str(path))
    if not isinstance(data, dict):
        raise ProjectError(f"{path}: could not validate project: it must be a mapping")
    name = data.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ProjectError(f"{path}: project is missing a valid 'name' attribute")
    for key in _REFUSED:
        if data.get(key):
            raise ProjectError(f"{path}: this engine doesn't support '{key}'; use the Pulumi CLI")
    _check_version(data.get("requiredPulumiVersion"), path)
    legacy = data.get("config") if isinstance(data.get("config"), str) else ""
    refresh = (data.get("options") or {}).get("refresh")
    return Project(
        name=name,
        path=path,
        options=_runtime_options(data.get("runtime"), path),
        main=str(data.get("main") or ""),
        backend_url=str((data.get("backend") or {}).get("url") or ""),
        stack_config_dir=str(data.get("stackConfigDir") or legacy or ""),
        refresh=refresh in ("always", True),
        config=_declared(data.get("config"), name, path),
    )


def _check_version(wanted: Any, path: Path) -> None:
    """ProjectError unless the CLI that this engine stands in for is one that the project takes."""
    try:
        fits = not wanted or is_in(str(wanted))
    except ValueError as problem:
        raise ProjectError(f"{path}: requiredPulumiVersion: {problem}") from None
    if not fits:
        raise ProjectError(
            f"{path}: Pulumi CLI version {VERSION_LINE} does not satisfy the version range "
            f"requested by the project: {wanted}"
        )


def _runtime_options(runtime: Any, path: Path) -> Mapping[str, Any]:
    options: Mapping[str, Any] = {}
    if isinstance(runtime, dict):
        options = runtime.get("options") or {}
        runtime = runtime.get("name")
    if runtime != "python":
        raise ProjectError(
            f"{path}: this engine runs Python programs only, not {runtime!r}; use the Pulumi CLI"
        )
    toolchain = options.get("toolchain", "pip")
    if toolchain != "pip":
        raise ProjectError(f"{path}: this engine doesn't support the toolchain {toolchain!r}")
    return options


def _declared(config: Any, project: str, path: Path) -> Mapping[str, Declared]:
    found: dict[str, Declared] = {}
    if not isinstance(config, dict):
        return found
    for key, item in config.items():
        foreign = ":" in key and not key.startswith(f"{project}:")
        full = key if ":" in key else f"{project}:{key}"
        if not isinstance(item, dict):
            found[full] = Declared(value=item) if foreign else Declared(default=item)
            continue
        entry = Declared(
            type=str(item.get("type") or ""),
            items=item.get("items") or {},
            default=item.get("default"),
            value=item.get("value"),
            secret=bool(item.get("secret")),
        )
        _check_declared(key, item, foreign, path)
        found[full] = entry
    return found


def _check_declared(key: str, item: Mapping[str, Any], foreign: bool, path: Path) -> None:
    kind = item.get("type")
    if "default" in item and "value" in item:
        raise ProjectError(f"{path}: config '{key}' has both 'default' and 'value'; give one")
    if foreign and ("default" in item or kind):
        raise ProjectError(
            f"{path}: config '{key}' belongs to another namespace: it may only have a 'value'"
        )
    if kind and kind not in _TYPES:
        raise ProjectError(f"{path}: config '{key}' has unknown type '{kind}'")
    if kind == "array" and not item.get("items"):
        raise ProjectError(f"{path}: config '{key}' is an array and needs 'items'")
