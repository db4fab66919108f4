"""Redis as the services use it: ids, the transaction, the state of the sync, doubles dropped."""

from __future__ import annotations

import json
from typing import Any

import redis

from .settings import Settings, tenant_key


class Store:
    """One tenant's part of Redis."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.address = f"{settings['REDIS_HOST']}:{settings['REDIS_PORT']}"
        self.redis = redis.Redis(
            host=settings["REDIS_HOST"],
            port=int(settings["REDIS_PORT"]),
            password=settings["REDIS_PASSWORD"] if settings.is_redis_secure else None,
            ssl=settings.get("REDIS_TLS") == "true",
            socket_timeout=2,
            socket_connect_timeout=2,
            decode_responses=True,
        )

    def check(self) -> str:
        try:
            self.redis.ping()
        except redis.AuthenticationError:
            raise PermissionError(f"{self.address} refuses the password") from None
        except redis.RedisError as error:
            raise ConnectionError(f"{self.address}: {error}") from None
        return self.address

    def key(self, *parts: str) -> str:
        return tenant_key(self._settings, *parts)

    def put(self, name: str, value: Any) -> None:
        self.redis.set(self.key(name), json.dumps(value))

    def get(self, name: str) -> Any:
        found = self.redis.get(self.key(name))
        return None if found is None else json.loads(found)

    def ids(self, kind: str) -> dict[str, str]:
        """Engage id → Genesys Cloud id of all synced objects of a kind."""
        found: dict[str, str] = self.redis.hgetall(self.key("ids", kind))
        return found

    def put_id(self, kind: str, engage_id: str, cloud_id: str) -> None:
        self.redis.hset(self.key("ids", kind), engage_id, cloud_id)

    def is_first(self, event_id: str, seconds: int = 60) -> bool:
        """Whether nobody has taken this event yet: the one who asks first takes it."""
        return bool(self.redis.set(self.key("event", event_id), "1", nx=True, ex=seconds))
