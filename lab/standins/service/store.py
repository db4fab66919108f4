"""Redis as the services use it: ids, the transaction, the state of the sync, doubles dropped."""

from __future__ import annotations

import json
from typing import Any, cast

import redis

from .settings import Settings

TIMEOUT_SECONDS = 2
REFUSALS = ("WRONGPASS", "NOAUTH")
"""How Redis begins its answer; Debian's client has no error of its own for the first."""


class Store:
    """One tenant's and org's part of Redis."""

    def __init__(self, settings: Settings) -> None:
        self._prefix = f"exec:{settings['TENANT_ID']}:{settings['ORG_ID']}"
        self.address = f"{settings['REDIS_HOST']}:{settings['REDIS_PORT']}"
        self.redis = redis.Redis(
            host=settings["REDIS_HOST"],
            port=int(settings["REDIS_PORT"]),
            password=settings["REDIS_PASSWORD"] if settings.is_redis_secure else None,
            ssl=settings.get("REDIS_TLS") == "true",
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            decode_responses=True,
        )

    def check(self) -> str:
        try:
            self.redis.ping()
        except redis.TimeoutError:
            raise ConnectionError(f"{self.address} does not answer") from None
        except redis.RedisError as error:
            if isinstance(error, redis.AuthenticationError) or str(error).startswith(REFUSALS):
                problem = f"{self.address} refuses the password (REDIS_PASSWORD)"
                raise PermissionError(problem) from None
            # The client says first where it tried, which we say ourselves.
            reason = str(error).rpartition(f"{self.address}. ")[2]
            raise ConnectionError(f"{self.address}: {reason}") from None
        return self.address

    def key(self, *parts: str) -> str:
        return ":".join([self._prefix, *parts])

    def put(self, name: str, value: Any) -> None:
        self.redis.set(self.key(name), json.dumps(value))

    def get(self, name: str) -> Any:
        found = self.redis.get(self.key(name))
        return None if found is None else json.loads(found)

    def ids(self, kind: str) -> dict[str, str]:
        """Engage id → Genesys Cloud id of all synced objects of a kind."""
        return cast(dict[str, str], self.redis.hgetall(self.key("ids", kind)))

    def id_of(self, kind: str, engage_id: str) -> str | None:
        return cast(str | None, self.redis.hget(self.key("ids", kind), engage_id))

    def synced_hwms(self, kind: str) -> dict[str, int]:
        """Engage id → the change up to which Genesys Cloud has the object."""
        found = cast(dict[str, str], self.redis.hgetall(self.key("hwm", kind)))
        return {engage_id: int(hwm) for engage_id, hwm in found.items()}

    def put_synced(self, kind: str, engage_id: str, cloud_id: str, hwm: int) -> None:
        with self.redis.pipeline() as pipeline:
            pipeline.hset(self.key("ids", kind), engage_id, cloud_id)
            pipeline.hset(self.key("hwm", kind), engage_id, hwm)
            pipeline.execute()

    def forget(self, kind: str, engage_id: str) -> None:
        with self.redis.pipeline() as pipeline:
            pipeline.hdel(self.key("ids", kind), engage_id)
            pipeline.hdel(self.key("hwm", kind), engage_id)
            pipeline.execute()

    def is_first(self, event_id: str, seconds: int = 60) -> bool:
        """Whether nobody has taken this event yet: the one who asks first takes it."""
        return bool(self.redis.set(self.key("event", event_id), "1", nx=True, ex=seconds))
