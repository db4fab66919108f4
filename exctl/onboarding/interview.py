"""The questions that a new stack needs answers to, each checked at once by the schema's own rules.

What is asked for, its explanation and its default come from the schema; here is the order, and what
depends on an answer.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from exctl.onboarding.new_stack import NewStack
from stack import paths
from stack.loader import parse
from stack.problems import Problem
from vendor_facts import CONFIG_DB_PORTS, CONTAINER_LOG_PATH

YES, NO = ("yes", "y", "true"), ("no", "n", "false")
SCHEMA = object()
LOG_DIRECTORY = "/var/log/exec"
"""Chosen: an offer, of the form that the vendor's EXEC_HOST_LOGS_VOLUME_PATH has."""


@dataclass
class Interview:
    """`ask` shows a question with its default and gives the answer as typed; `ask_secret` likewise
    without echo; `say` shows a line."""

    ask: Callable[[str, str], str]
    ask_secret: Callable[[str, bool], str]
    say: Callable[[str], None]
    other_orgs: Mapping[str, str] = field(default_factory=dict)
    new: NewStack = field(default_factory=NewStack)

    def run(self, given: Mapping[str, str]) -> NewStack:
        """All questions; `given` are the secrets that needn't be asked for."""
        self.new.secrets.update(given)
        self._tenant_and_hosts()
        self._redis()
        self._excs()
        self._exas()
        self._pairs()
        self._optional_secrets()
        return self.new

    def _tenant_and_hosts(self) -> None:
        self._title("Tenant and Genesys Cloud")
        self.put("tenant.id", "tenant.org_id", "tenant.region", "tenant.oauth_client_id")
        self._title("Hosts: SSH access, log files")
        self.put("ssh.user", "ssh.port", "ssh.key_path", "gate.via")
        self.put("logs.host_path", default=LOG_DIRECTORY)
        self._title("Image registry")
        self.put("registry.repository", "registry.username")
        if self.value("registry.username") is not None and not self.value(
            "registry.password_command"
        ):
            self.secret("registryPassword", "the registry's password")

    def _redis(self) -> None:
        self._title("Redis")
        self.put("redis.host", "redis.port", "redis.secure", "redis.tls")
        if self.value("redis.secure") is not False:
            self.secret("redisPassword", "the Redis server's password")

    def _excs(self) -> None:
        self._title("EXCS: config sync")
        self.put("excs.host", "excs.port", "excs.tag", "excs.config_db.host", "excs.config_db.type")
        kind: Any = self.value("excs.config_db.type") or paths.default_of("excs.config_db.type")
        port = CONFIG_DB_PORTS.get(kind)
        self.put("excs.config_db.port", default=str(port) if port else None)
        self.put("excs.config_db.name", "excs.config_db.user", "excs.config_db.ssl")
        self.secret("configDbPassword", "the Config DB user's password")
        only = self.yes_or_no("excs.sync.customer_objects_only", False)
        if only:
            self.put(
                "excs.sync.customer_folders", default=None, besides={"customer_objects_only": True}
            )
        else:
            self.say("  every object then: each person whose calls are injected is billed")
        self._log_files("excs")

    def _exas(self) -> None:
        self._title("EXAS: agent state sync")
        self.put("exas.host", "exas.port")
        self.put("exas.tag", default=self.value("excs.tag"))
        for peer in ("primary", "backup"):
            self.put(f"exas.stat_server.{peer}.host", f"exas.stat_server.{peer}.port")
        self._log_files("exas")

    def _pairs(self) -> None:
        number = 1
        while True:
            at = f"excp.pairs.{number}"
            self._title(
                f"EXCP: conversation provider, pair {number} (one for each SIP Server pair)"
            )
            self.put(f"{at}.port", f"{at}.hosts")
            self.put(f"{at}.tag", default=self.value("excs.tag"))
            self.put(f"{at}.voice_servers.vq")
            vq = ",".join(self.value(f"{at}.voice_servers.vq"))
            self.put(f"{at}.voice_servers.agent", f"{at}.voice_servers.call", default=vq)
            self._log_files(at)
            if not self._decide("another pair?", False):
                return
            number += 1

    def _log_files(self, at: str) -> None:
        self.say("  whether it writes files, into logs.host_path; no: to the container's stdout")
        if self._decide(f"{at}.log files", True):
            self._set(f"{at}.log.path", CONTAINER_LOG_PATH)

    def _optional_secrets(self) -> None:
        self._title("Secrets that the vendor may ask you for (leave empty if not)")
        self.secret("configServerPassword", "Config Server's password", is_optional=True)
        self.secret("oauthClientSecret", "the OAuth client's secret", is_optional=True)

    def _title(self, text: str) -> None:
        self.say(f"\n{text}")

    def put(
        self, *paths: str, default: Any = SCHEMA, besides: Mapping[str, Any] | None = None
    ) -> None:
        """Asks for each setting until its answer is one that the schema takes; an answer that is
        the schema's own default isn't written down. `besides` are settings beside it that only go
        together with it."""
        for path in paths:
            self._put(path, default, besides or {})

    def _put(self, path: str, default: Any, besides: Mapping[str, Any]) -> None:
        known = paths.field_at(paths.parse(path))
        assert known is not None, path
        own = paths.default_of(path)
        offered = own if default is SCHEMA else default
        is_optional = own is None and not known.is_required() and default is SCHEMA
        self.say(f"  {known.description}")
        while True:
            text = self.ask(path, _shown(offered, is_optional)).strip()
            if not text and offered is None:
                if is_optional:
                    return
                self.say("  ! this one has no default; it needs an answer")
                continue
            value = _value(text, known) if text else offered
            if isinstance(value, str):
                value = _value(value, known)
            if value == own and not besides:
                return
            wrong = self._wrong(path, value, besides)
            if not wrong:
                self._set(path, value, besides)
                return
            for problem in wrong:
                self.say(f"  ! {problem.text}")

    def yes_or_no(self, path: str, default: bool) -> bool:
        known = paths.field_at(paths.parse(path))
        assert known is not None, path
        self.say(f"  {known.description}")
        return self._decide(path, default)

    def _decide(self, question: str, default: bool) -> bool:
        while True:
            text = self.ask(question, "yes" if default else "no").strip().lower()
            if not text:
                return default
            if text in (*YES, *NO):
                return text in YES
            self.say(f"  ! yes or no; found {text!r}")

    def secret(self, name: str, what: str, is_optional: bool = False) -> None:
        if name in self.new.secrets:
            self.say(f"  {name}: taken from the environment")
            return
        self.say(f"  {what}")
        if text := self.ask_secret(name, is_optional):
            self.new.secrets[name] = text

    def value(self, path: str) -> Any:
        """What has been answered; None if that is the default."""
        return paths.get(self.new.settings, path)

    def _set(self, path: str, value: Any, besides: Mapping[str, Any] | None = None) -> None:
        _put_in(self.new.settings, path, value, besides or {})

    def _wrong(self, path: str, value: Any, besides: Mapping[str, Any]) -> list[Problem]:
        """What this answer, and not another one, has made wrong."""
        settings = copy.deepcopy(self.new.settings)
        before = set(map(str, self._problems(settings)))
        _put_in(settings, path, value, besides)
        return [
            problem
            for problem in self._problems(settings)
            if str(problem) not in before and _is_about(problem.path, path)
        ]

    def _problems(self, settings: Mapping[str, Any]) -> list[Problem]:
        values = {name: json.dumps(section) for name, section in settings.items()}
        return parse(values, set(), self.other_orgs)[1]


def _is_about(problem_path: str, path: str) -> bool:
    """A setting's own problem, one inside it, or one of a section that it completes."""
    return f"{problem_path}.".startswith(f"{path}.") or f"{path}.".startswith(f"{problem_path}.")


def _put_in(settings: dict[str, Any], path: str, value: Any, besides: Mapping[str, Any]) -> None:
    section = path.rpartition(".")[0]
    for name, other in besides.items():
        paths.put(settings, f"{section}.{name}", other)
    paths.put(settings, path, value)


def _value(text: str, known: FieldInfo) -> Any:
    """An answer as the setting's type; what doesn't fit stays a text, which the schema refuses."""
    if get_origin(known.annotation) is list:
        return [part.strip() for part in text.split(",") if part.strip()]
    if known.annotation is bool:
        word = text.lower()
        return word in YES if word in (*YES, *NO) else text
    if _is_number(known.annotation):
        return int(text) if text.isdecimal() else text
    return text


def _is_number(annotation: Any) -> bool:
    """`int`, or one of a union: `Port | None`."""
    parts = get_args(annotation) or (annotation,)
    return any(part is int or get_args(part)[:1] == (int,) for part in parts)


def _shown(offered: Any, is_optional: bool) -> str:
    if offered is None:
        return "none" if is_optional else ""
    if isinstance(offered, bool):
        return "yes" if offered else "no"
    if isinstance(offered, Iterable) and not isinstance(offered, str):
        return ",".join(map(str, offered))
    return str(offered)
