"""Redis, logged in to from a host: may it be used, and is it what the product supports?"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import vendor_facts as vendor
from health.preflight.finding import Finding, Verdict, judged
from health.preflight.outcome import Outcome, of_error
from health.preflight.subject import Subject
from health.preflight.tunnel import Tunnels, trusting

MEMORY_MIB = vendor.REDIS_MEMORY_GB * 1000 * 1000 * 1000 // (1 << 20)
Info = Mapping[str, Any]


@dataclass(frozen=True)
class RedisAnswer:
    """How the login went, and what INFO answered, empty if it wasn't allowed."""

    login: Outcome
    info: Info = field(default_factory=dict)


def ask(subject: Subject, tunnels: Tunnels) -> RedisAnswer:
    """Logs in as the services do, and reads INFO."""
    settings = subject.config.redis
    password = subject.secrets.get("redisPassword") if settings.secure else None
    if settings.secure and password is None:
        return RedisAnswer(Outcome("not asked", subject.no_secrets or "redisPassword isn't set"))

    def connect() -> socket.socket:
        plain = tunnels.connect(subject.redis)
        if not settings.tls:
            return plain
        context = trusting(subject.config.preflight.ca_path)
        return context.wrap_socket(plain, server_hostname=settings.host)

    return _answer(connect, password, tunnels)


def _answer(
    connect: Callable[[], socket.socket], password: str | None, tunnels: Tunnels
) -> RedisAnswer:
    # Not at the top: it takes 0.2 s, which `exctl doctor` then spends while ssh logs in.
    import redis
    from redis.backoff import NoBackoff
    from redis.exceptions import NoPermissionError
    from redis.retry import Retry

    class Connection(redis.Connection):
        def _connect(self) -> socket.socket:
            return connect()

    pool = redis.ConnectionPool(
        connection_class=Connection, password=password, protocol=2, retry=Retry(NoBackoff(), 0)
    )
    try:
        client = redis.Redis(connection_pool=pool)
        client.ping()
        info = client.info()
    except NoPermissionError:
        return RedisAnswer(Outcome("done"))
    except redis.BusyLoadingError:
        return RedisAnswer(Outcome("done"), {"loading": 1})
    except redis.AuthenticationError:
        return RedisAnswer(Outcome("refused", _refusal(password)))
    except redis.ResponseError as error:
        if str(error).startswith(("NOAUTH", "WRONGPASS", "DENIED")):
            return RedisAnswer(Outcome("refused", _refusal(password)))
        return RedisAnswer(Outcome("failed", "it answers with an error"))
    except (redis.RedisError, OSError) as error:
        return RedisAnswer(of_error(error, tunnels))
    finally:
        pool.disconnect()
    assert isinstance(info, Mapping)
    return RedisAnswer(Outcome("done"), info)


def _refusal(password: str | None) -> str:
    if password is None:
        return "it wants a password, but redis.secure is false"
    return "it refuses redisPassword, or has no password set"


def findings(subject: Subject, host: str, answer: RedisAnswer) -> Iterator[Finding]:
    """What the answer amounts to; pure."""
    yield _login(subject, host, answer.login)
    if answer.login.kind != "done":
        return
    if not answer.info:
        for check in ("redis-version", "redis-cluster", "redis-state", "redis-memory"):
            yield Finding(
                check, host, "INFO isn't allowed to us", "INFO", "not known", "ask who runs Redis"
            )
        return
    yield from _state(host, answer.info)


def _login(subject: Subject, host: str, login: Outcome) -> Finding:
    needed = f"a login at {subject.redis}"
    if login.kind == "done":
        how = "with redisPassword" if subject.config.redis.secure else "without a password"
        return Finding("redis-login", host, f"logged in {how}", needed)
    fixes: dict[str, str] = {
        "refused": "exctl rotate redisPassword, or set redis.secure as it is",
        "not trusted": "name its authority's file in preflight.ca_path",
        "not asked": "set what is missing, and run it again",
        "failed": "see that Redis runs, and whether redis.tls is as it is",
    }
    verdict: Verdict = "not known" if login.kind in ("not asked", "not trusted") else "stops"
    return Finding("redis-login", host, login.words, needed, verdict, fixes[login.kind])


def _state(host: str, info: Info) -> Iterator[Finding]:
    version = str(info.get("redis_version", ""))
    yield judged(
        version.split(".")[0] == str(vendor.REDIS_MAJOR),
        "redis-version",
        host,
        version or "not told",
        f"{vendor.REDIS_MAJOR}.x",
        "warning" if version else "not known",
        "the vendor supports Redis Enterprise 6.x; ask before you rely on another",
    )
    cluster = info.get("cluster_enabled")
    yield judged(
        cluster == 0,
        "redis-cluster",
        host,
        "not told" if cluster is None else f"cluster_enabled:{cluster}",
        "cluster_enabled:0",
        "not known" if cluster is None else "stops",
        "give EXEC a Redis that isn't in cluster mode: the product doesn't support it",
    )
    yield _writes(host, info)
    yield _memory(host, info)


def _writes(host: str, info: Info) -> Finding:
    if info.get("loading"):
        found = "it is still loading its data"
    elif info.get("role", "master") != "master":
        found = f"a replica of {info.get('master_host', 'another one')}, which takes no writes"
    elif info.get("rdb_last_bgsave_status", "ok") != "ok":
        found = "its last save failed, and after that it may take no writes"
    else:
        return Finding("redis-state", host, "takes writes", "takes writes")
    verdict: Verdict = "warning" if "save" in found else "stops"
    return Finding("redis-state", host, found, "takes writes", verdict, "ask who runs Redis")


def _memory(host: str, info: Info) -> Finding:
    limit, whole = info.get("maxmemory") or 0, info.get("total_system_memory") or 0
    mib = int(limit or whole) >> 20
    found = f"{mib} MiB ({'maxmemory' if limit else 'of its host, no maxmemory'})"
    return judged(
        mib >= MEMORY_MIB,
        "redis-memory",
        host,
        found if mib else "not told",
        f"{MEMORY_MIB} MiB for 1,000 agents",
        "warning" if mib else "not known",
        "raise maxmemory, or waive this if there are fewer agents",
    )
