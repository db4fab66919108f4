"""From what Docker says of a container to its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.docker.container_body import MIB
from plugins.docker.container_fields import CONTAINER
from plugins.docker.diff import is_same
from plugins.docker.values import Props


def outputs_of(seen: Mapping[str, Any], known: Props) -> Props:
    """The outputs of an existing container; `known` are its inputs, or its outputs so far. What
    Docker fills in or changes is as it says, everything else as it was given."""
    filled = _filled_in(seen)
    given = {
        key: value
        for key, value in known.items()
        if key not in filled or (value not in (None, [], {}, "") and CONTAINER[key].replaces)
    }
    found = {**filled, **given, **_now(seen, known)}
    if known.get("healthcheck") and is_same(
        CONTAINER["healthcheck"], found["healthcheck"], known["healthcheck"]
    ):
        found["healthcheck"] = known["healthcheck"]  # 90s and 1m30s are the same
    if found.get("ports"):
        found["ports"] = _ports(seen, found["ports"])
    return found


def _filled_in(seen: Mapping[str, Any]) -> Props:
    """What Docker says of the container's making."""
    config, host = seen["Config"], seen["HostConfig"]
    return {
        "bridge": (seen.get("NetworkSettings") or {}).get("Bridge") or "",
        "command": config.get("Cmd") or [],
        "cpuSet": host.get("CpusetCpus") or "",
        "cpuShares": host.get("CpuShares") or 0,
        "domainname": config.get("Domainname") or "",
        "dns": host.get("Dns") or None,
        "dnsOpts": host.get("DnsOptions") or None,
        "dnsSearches": host.get("DnsSearch") or None,
        "entrypoints": config.get("Entrypoint") or [],
        "groupAdds": host.get("GroupAdd") or None,
        "healthcheck": _healthcheck(config.get("Healthcheck")),
        "hostname": config.get("Hostname") or "",
        "image": config.get("Image") or "",
        "init": bool(host.get("Init")),
        "ipcMode": host.get("IpcMode") or "",
        "logDriver": (host.get("LogConfig") or {}).get("Type") or "",
        "networkMode": host.get("NetworkMode") or "",
        "platform": seen.get("Platform") or "",
        "privileged": bool(host.get("Privileged")),
        "publishAllPorts": bool(host.get("PublishAllPorts")),
        "readOnly": bool(host.get("ReadonlyRootfs")),
        "runtime": host.get("Runtime") or "",
        "securityOpts": host.get("SecurityOpt") or [],
        "shmSize": (host.get("ShmSize") or 0) // MIB,
        "stdinOpen": bool(config.get("OpenStdin")),
        "stopSignal": config.get("StopSignal") or "",
        "stopTimeout": config.get("StopTimeout") or 0,
        "storageOpts": host.get("StorageOpt") or None,
        "sysctls": host.get("Sysctls") or None,
        "tmpfs": host.get("Tmpfs") or None,
        "tty": bool(config.get("Tty")),
        "user": config.get("User") or "",
        "usernsMode": host.get("UsernsMode") or "",
        "workingDir": config.get("WorkingDir") or "",
    }


def _now(seen: Mapping[str, Any], known: Props) -> Props:
    """What can change while the container exists."""
    host, state = seen["HostConfig"], seen["State"]
    policy = host.get("RestartPolicy") or {}
    swap = host.get("MemorySwap") or 0
    is_running = bool(state.get("Running"))
    found: Props = {
        "memory": (host.get("Memory") or 0) // MIB,
        "memoryReservation": (host.get("MemoryReservation") or 0) // MIB,
        "memorySwap": swap // MIB if swap > 0 else swap,
        "cpuShares": host.get("CpuShares") or 0,
        "cpuSet": host.get("CpusetCpus") or "",
        "restart": policy.get("Name") or "no",
        "maxRetryCount": policy.get("MaximumRetryCount") or 0,
        "rm": bool(host.get("AutoRemove")),
        "networkDatas": network_datas(seen),
        "name": str(seen["Name"]).lstrip("/"),
    }
    if host.get("NanoCpus"):
        found["cpus"] = known.get("cpus") or f"{host['NanoCpus'] / 1e9:g}"
    if not is_running:
        found["exitCode"] = state.get("ExitCode")
        if known.get("mustRun", True):
            found["mustRun"] = False
    return found


def network_datas(seen: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The container's addresses, network by network."""
    networks = (seen.get("NetworkSettings") or {}).get("Networks") or {}
    return [
        {
            "gateway": data.get("Gateway") or "",
            "globalIpv6Address": data.get("GlobalIPv6Address") or "",
            "globalIpv6PrefixLength": data.get("GlobalIPv6PrefixLen") or 0,
            "ipAddress": data.get("IPAddress") or "",
            "ipPrefixLength": data.get("IPPrefixLen") or 0,
            "ipv6Gateway": data.get("IPv6Gateway") or "",
            "macAddress": data.get("MacAddress") or "",
            "networkName": name,
        }
        for name, data in sorted(networks.items())
    ]


def _ports(seen: Mapping[str, Any], given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ports as Docker publishes them; as they were given while it publishes none."""
    published = (seen.get("NetworkSettings") or {}).get("Ports") or {}
    found = [
        {
            "internal": int(port.partition("/")[0]),
            "external": int(binding.get("HostPort") or 0),
            "ip": binding.get("HostIp") or "",
            "protocol": port.partition("/")[2],
        }
        for port, bindings in sorted(
            published.items(), key=lambda item: int(item[0].partition("/")[0])
        )
        for binding in bindings or []
    ]
    return found or given


def _healthcheck(check: Mapping[str, Any] | None) -> Props | None:
    if not check:
        return None
    return {
        "tests": check.get("Test") or [],
        "interval": go_duration(check.get("Interval") or 0),
        "timeout": go_duration(check.get("Timeout") or 0),
        "startPeriod": go_duration(check.get("StartPeriod") or 0),
        "startInterval": go_duration(check.get("StartInterval") or 0),
        "retries": check.get("Retries") or 0,
    }


def go_duration(nanoseconds: int) -> str:
    """As Go writes it: `1m30s`, `1.5s`, `500ms`."""
    if nanoseconds < 10**9:
        for unit, size in (("ms", 10**6), ("µs", 10**3), ("ns", 1)):
            if nanoseconds >= size:
                return f"{nanoseconds / size:g}{unit}"
        return "0s"
    minutes, rest = divmod(nanoseconds, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    words = f"{rest / 10**9:g}s"
    if hours:
        return f"{hours}h{minutes}m{words}"
    return f"{minutes}m{words}" if minutes else words


def was_started(seen: Mapping[str, Any]) -> bool:
    """False for a container that was made and never ran."""
    started = str((seen.get("State") or {}).get("StartedAt") or "")
    return not started.startswith("0001-") and started != ""


def is_of(seen: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """True if a container was made from this very request: everything that it asks for is there.
    The image may add variables and labels, the daemon what isn't asked for."""
    config, host = seen.get("Config") or {}, seen.get("HostConfig") or {}
    labels = config.get("Labels") or {}
    asked = {key: value for key, value in body.items() if value and key not in _APART}
    asked_of_host = {key: value for key, value in body["HostConfig"].items() if value}
    return (
        set(body["Env"]) <= set(config.get("Env") or [])
        and all(labels.get(key) == value for key, value in body["Labels"].items())
        and all(config.get(key) == value for key, value in asked.items())
        and all(_fits(host.get(key), value) for key, value in asked_of_host.items())
    )


_APART = ("Env", "Labels", "HostConfig")


def _fits(there: Any, asked: Any) -> bool:
    """What is asked for is there; what is asked for as empty may be anything."""
    if isinstance(asked, Mapping) and isinstance(there, Mapping):
        return all(not value or _fits(there.get(key), value) for key, value in asked.items())
    if isinstance(asked, list) and isinstance(there, list):
        return len(asked) == len(there) and all(map(_fits, there, asked))
    return bool(there == asked)
