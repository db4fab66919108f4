"""Everything that one host was asked, and its answers: data alone, which the judges share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from health.preflight.host_facts import HostFacts
from health.preflight.outcome import Outcome
from health.preflight.registry import RegistryAnswer
from hosts.answer import HostAnswer

Info = Mapping[str, Any]


@dataclass(frozen=True)
class Organization:
    """The organization that the OAuth client is of, if it was told."""

    asked: Outcome
    id: str = ""
    name: str = ""


@dataclass(frozen=True)
class CloudAnswer:
    """How TLS with the API went, and on one host of the stack the login of the OAuth client and,
    behind it, whose it is."""

    tls: Outcome
    login: Outcome | None = None
    organization: Organization | None = None


@dataclass(frozen=True)
class RedisAnswer:
    """How the login went, and what INFO answered, empty if it wasn't allowed."""

    login: Outcome
    info: Info = field(default_factory=dict)


class KeyState(StrEnum):
    """How the operator's own key stands, which tells why a login with it was refused."""

    USABLE = "usable"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    TOO_OPEN = "too open"
    NO_KEY = "no key"
    ENCRYPTED = "encrypted"
    ENCRYPTED_NO_AGENT = "encrypted, no agent"
    NO_AGENT = "no agent"
    EMPTY_AGENT = "empty agent"


@dataclass(frozen=True)
class ClockOffset:
    """How far a host's clock is ahead of the operator's, in seconds, and how much is in doubt."""

    ahead_seconds: float
    doubt_seconds: float

    def apart(self, other: ClockOffset) -> float:
        """What is certain of the difference of the two, in seconds."""
        doubt = self.doubt_seconds + other.doubt_seconds
        return max(0.0, abs(self.ahead_seconds - other.ahead_seconds) - doubt)


@dataclass(frozen=True)
class Sessions:
    """How many sessions were wanted and open at once, and the best reading of the clock."""

    wanted: int
    opened: int
    clock: ClockOffset | None


@dataclass(frozen=True)
class HostAnswers:
    """`facts` is None if the host wasn't reached, and `login` says why; `key` is then how the
    operator's own key stands."""

    login: HostAnswer
    facts: HostFacts | None = None
    sessions: Sessions | None = None
    registry: RegistryAnswer | None = None
    redis: RedisAnswer | None = None
    config_db: Outcome | None = None
    cloud: CloudAnswer | None = None
    ways: Mapping[int, str] = field(default_factory=dict)
    """Port → how the gates reach it, as `gate.via` says: `open`, `timeout` or the reason."""
    key: KeyState | None = None
