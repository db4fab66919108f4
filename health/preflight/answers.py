"""Everything that one host was asked, and its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from health.preflight.genesys_cloud import CloudAnswer
from health.preflight.host_facts import HostFacts
from health.preflight.outcome import Outcome
from health.preflight.redis_server import RedisAnswer
from health.preflight.registry import RegistryAnswer
from health.preflight.ssh import KeyState, Sessions
from hosts.answer import HostAnswer


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
