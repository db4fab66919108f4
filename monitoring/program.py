"""What is placed beside EXEC: one container each, at `monitoring.host` or on each host. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from config_schema import Resources
from stack.text import counted, in_url

MONITORING_LABEL = "exec.monitoring"
"""Whose containers these are. They have none of the instances' labels: nothing that looks for a
stack's instances finds them."""
CONFIG = "/etc/exec"


@dataclass(frozen=True)
class SecretFile:
    """A file whose text is `before` and then a secret, as Filebeat's YAML has it if `is_yaml`."""

    secret: str
    before: str = ""
    is_yaml: bool = False

    def text(self, value: str) -> str:
        said = json.dumps(in_filebeat(value)) + "\n" if self.is_yaml else value
        return f"{self.before}{said}"


@dataclass(frozen=True)
class Program:
    """One container on a host."""

    host: str
    name: str
    title: str
    image: str
    port: int
    ready_path: str
    """Answers 200 once it serves."""
    scheme: Literal["http", "https"] = "http"
    arguments: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    """Path in the container → text."""
    reload_metric: str | None = None
    """`…_config_last_reload` of its own metrics: it reads its files again at SIGHUP, and says there
    what came of it. None: it looks at its files by itself."""
    data_path: str | None = None
    """Where its data is, on a volume that outlives it."""
    environment: Mapping[str, str] = field(default_factory=dict)
    secret_environment: Mapping[str, str] = field(default_factory=dict)
    """Variable → name of the secret."""
    secret_files: Mapping[str, SecretFile] = field(default_factory=dict)
    """Path in the container → what it is made of."""
    host_paths: tuple[str, ...] = ()
    """What it has of the host, under the same path."""
    ships: tuple[str, ...] = ()
    """The host's directories whose files it ships, which it may read and no more. Not empty: there
    is one on each host, it serves on the loopback alone, and other files want a new container."""
    to: str = ""
    """Where it ships them to."""
    resources: Resources = field(default_factory=Resources)

    @property
    def key(self) -> str:
        """What no other program of the stack is called."""
        return f"{self.name}-{self.host}" if self.ships else self.name

    @property
    def url(self) -> str:
        return f"{self.scheme}://{in_url(self.host)}:{self.port}"


@dataclass(frozen=True)
class Placement:
    """All programs of a stack."""

    stack: str
    prefix: str
    programs: tuple[Program, ...]

    @property
    def hosts(self) -> list[str]:
        return list(dict.fromkeys(program.host for program in self.programs))

    @property
    def watching(self) -> list[Program]:
        return [program for program in self.programs if not program.ships]

    @property
    def shipping(self) -> list[Program]:
        return [program for program in self.programs if program.ships]

    def on(self, host: str) -> list[Program]:
        return [program for program in self.programs if program.host == host]

    def shippers_on(self, host: str) -> dict[str, str]:
        """Name → container of what ships log files there."""
        return {each.name: self.container_name(each) for each in self.on(host) if each.ships}

    def container_name(self, program: Program) -> str:
        return f"{self.prefix}exec-{program.name}"

    def volume_name(self, program: Program) -> str:
        return f"{self.container_name(program)}-data"

    def urls(self) -> dict[str, str]:
        """The stack output."""
        return {program.name: program.url for program in self.watching}

    def __str__(self) -> str:
        said = []
        if found := self.watching:
            said.append(f"monitoring on {found[0].host}: {', '.join(p.title for p in found)}")
        if found := self.shipping:
            where = counted(len(found), "host")
            said.append(f"log files shipped by {found[0].title} from {where}")
        return "; ".join(said)


def in_filebeat(value: str) -> str:
    """The value as a text in which Filebeat finds no variable. Source: go-ucfg, variables.go: `$$`
    is a dollar sign."""
    return value.replace("$", "$$")


def digest_of(files: Mapping[str, str]) -> str:
    """What changes with any of the files."""
    parts = [part for name in sorted(files) for part in (name, files[name])]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
