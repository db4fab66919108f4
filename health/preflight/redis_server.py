"""Redis, logged in to from a host: may it be used, and is it what the product supports?"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping

import vendor_facts as vendor
from config_schema import CheckName
from health.preflight.answers import Info, RedisAnswer
from health.preflight.check import Check, HostView
from health.preflight.finding import Finding, Verdict, judged
from health.preflight.outcome import NOT_FORWARDED_FIX, Outcome, of_error
from health.preflight.subject import Subject
from health.preflight.tunnel import Tunnels, trusting

MEMORY_MIB = vendor.REDIS_MEMORY_GB * 1000 * 1000 * 1000 // (1 << 20)


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


def _login(view: HostView) -> Iterator[Finding]:
    if view.answers.redis is None:
        return
    login, settings = view.answers.redis.login, view.subject.config.redis
    needed = f"a login at {view.subject.redis}"
    if login.kind == "done":
        how = "with redisPassword" if settings.secure else "without a password"
        yield Finding(CheckName.REDIS_LOGIN, view.host, f"logged in {how}", needed)
        return
    fix = {
        "refused": "exctl rotate redisPassword, or set redis.secure as it is",
        "not trusted": "name its authority's file in preflight.ca_path",
        "not asked": "set what is missing, and run it again",
        "not forwarded": NOT_FORWARDED_FIX,
    }.get(login.kind, "check that Redis runs, and whether redis.tls is as it is")
    is_unknown = login.is_unknown or login.kind == "not trusted"
    verdict: Verdict = "unknown" if is_unknown else "failed"
    yield Finding(CheckName.REDIS_LOGIN, view.host, login.words, needed, verdict, fix)


def _of_info(
    name: CheckName, judge: Callable[[str, Info], Finding]
) -> Callable[[HostView], Iterator[Finding]]:
    """A judge of what INFO answered, where a login was possible."""

    def found(view: HostView) -> Iterator[Finding]:
        answer = view.answers.redis
        if answer is None or answer.login.kind != "done":
            return
        if answer.info:
            yield judge(view.host, answer.info)
        else:
            found, fix = "INFO isn't allowed to us", "ask who runs Redis"
            yield Finding(name, view.host, found, "INFO", "unknown", fix)

    return found


def _version(host: str, info: Info) -> Finding:
    version = str(info.get("redis_version", ""))
    return judged(
        version.split(".")[0] == str(vendor.REDIS_MAJOR),
        CheckName.REDIS_VERSION,
        host,
        version or "not told",
        f"{vendor.REDIS_MAJOR}.x",
        "warning" if version else "unknown",
        "the vendor supports Redis Enterprise 6.x; ask before you rely on another",
    )


def _cluster(host: str, info: Info) -> Finding:
    cluster = info.get("cluster_enabled")
    return judged(
        cluster == 0,
        CheckName.REDIS_CLUSTER,
        host,
        "not told" if cluster is None else f"cluster_enabled:{cluster}",
        "cluster_enabled:0",
        "unknown" if cluster is None else "failed",
        "give EXEC a Redis that isn't in cluster mode: the product doesn't support it",
    )


def _writes(host: str, info: Info) -> Finding:
    verdict: Verdict = "failed"
    if info.get("loading"):
        found = "it is still loading its data"
    elif info.get("role", "master") != "master":
        found = f"a replica of {info.get('master_host', 'another one')}, which takes no writes"
    elif info.get("rdb_last_bgsave_status", "ok") != "ok":
        found, verdict = "its last save failed, and after that it may take no writes", "warning"
    else:
        return Finding(CheckName.REDIS_STATE, host, "takes writes", "takes writes")
    fix = "ask who runs Redis"
    return Finding(CheckName.REDIS_STATE, host, found, "takes writes", verdict, fix)


def _memory(host: str, info: Info) -> Finding:
    limit, whole = info.get("maxmemory") or 0, info.get("total_system_memory") or 0
    mib = int(limit or whole) >> 20
    found = f"{mib} MiB ({'maxmemory' if limit else 'of its host, no maxmemory'})"
    return judged(
        mib >= MEMORY_MIB,
        CheckName.REDIS_MEMORY,
        host,
        found if mib else "not told",
        f"{MEMORY_MIB} MiB for 1,000 agents",
        "warning" if mib else "unknown",
        "raise maxmemory, or waive this if there are fewer agents",
    )


LOGIN = Check(CheckName.REDIS_LOGIN, "Redis takes redisPassword", _login)
VERSION = Check(
    CheckName.REDIS_VERSION,
    "Redis is of version 6",
    _of_info(CheckName.REDIS_VERSION, _version),
    stops=False,
)
CLUSTER = Check(
    CheckName.REDIS_CLUSTER,
    "Redis isn't in cluster mode",
    _of_info(CheckName.REDIS_CLUSTER, _cluster),
)
STATE = Check(CheckName.REDIS_STATE, "Redis takes writes", _of_info(CheckName.REDIS_STATE, _writes))
MEMORY = Check(
    CheckName.REDIS_MEMORY,
    "Redis has 2 GB",
    _of_info(CheckName.REDIS_MEMORY, _memory),
    stops=False,
)
