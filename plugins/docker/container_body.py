"""From a container's inputs to the request that makes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.docker.errors import Refused
from plugins.docker.fields import nanoseconds
from plugins.docker.values import Props

MIB = 1024 * 1024


def in_bytes(mib: Any) -> int:
    """MiB as Docker wants them; -1 stays: no limit."""
    return -1 if mib == -1 else int(mib or 0) * MIB


def labels_of(items: Any) -> dict[str, str]:
    """Docker's form of a set of labels."""
    return {item["label"]: item["value"] for item in items or []}


def create_body(inputs: Props) -> dict[str, Any]:
    """The request. Refused for a volume that says neither or both of path and container."""
    get = inputs.get
    ports = get("ports") or []
    body: dict[str, Any] = {
        "Image": inputs["image"],
        "Cmd": get("command") or None,
        "Entrypoint": get("entrypoints") or None,
        "Env": get("envs") or [],
        "Labels": labels_of(get("labels")),
        "Hostname": get("hostname") or "",
        "Domainname": get("domainname") or "",
        "User": get("user") or "",
        "WorkingDir": get("workingDir") or "",
        "StopSignal": get("stopSignal") or "",
        "OpenStdin": bool(get("stdinOpen")),
        "Tty": bool(get("tty")),
        "ExposedPorts": {_port(item): {} for item in ports},
        "Volumes": {
            v["containerPath"]: {}
            for v in get("volumes") or []
            if v.get("containerPath") and not v.get("hostPath") and not v.get("volumeName")
        },
        "HostConfig": _host_config(inputs),
    }
    if get("stopTimeout"):
        body["StopTimeout"] = get("stopTimeout")
    if check := get("healthcheck"):
        body["Healthcheck"] = {
            "Test": check.get("tests") or [],
            "Interval": nanoseconds(check.get("interval") or "0s"),
            "Timeout": nanoseconds(check.get("timeout") or "0s"),
            "StartPeriod": nanoseconds(check.get("startPeriod") or "0s"),
            "StartInterval": nanoseconds(check.get("startInterval") or "0s"),
            "Retries": check.get("retries") or 0,
        }
    return body


def _port(item: Mapping[str, Any]) -> str:
    return f"{item['internal']}/{item.get('protocol') or 'tcp'}"


def _host_config(inputs: Props) -> dict[str, Any]:
    get = inputs.get
    volumes = get("volumes") or []
    capabilities = get("capabilities") or {}
    found: dict[str, Any] = {
        "NetworkMode": get("networkMode") or "default",
        "PortBindings": _bindings(get("ports") or []),
        "PublishAllPorts": bool(get("publishAllPorts")),
        "Binds": [bind for v in volumes if (bind := _bind(v))],
        "VolumesFrom": [v["fromContainer"] for v in volumes if v.get("fromContainer")],
        "Mounts": [_mount(m) for m in get("mounts") or []],
        "Privileged": bool(get("privileged")),
        "ReadonlyRootfs": bool(get("readOnly")),
        "AutoRemove": bool(get("rm")),
        "RestartPolicy": restart_policy(inputs),
        "CapAdd": capabilities.get("adds") or [],
        "CapDrop": capabilities.get("drops") or [],
        "ExtraHosts": [f"{h['host']}:{h['ip']}" for h in get("hosts") or []],
        "Dns": get("dns") or [],
        "DnsOptions": get("dnsOpts") or [],
        "DnsSearch": get("dnsSearches") or [],
        "GroupAdd": get("groupAdds") or [],
        "Sysctls": get("sysctls") or {},
        "Tmpfs": get("tmpfs") or {},
        "StorageOpt": get("storageOpts") or None,
        "IpcMode": get("ipcMode") or "",
        "PidMode": get("pidMode") or "",
        "UsernsMode": get("usernsMode") or "",
        "CgroupnsMode": get("cgroupnsMode") or "",
        "CgroupParent": get("cgroupParent") or "",
        "Runtime": get("runtime") or "",
        "ShmSize": in_bytes(get("shmSize")),
        "LogConfig": {"Type": get("logDriver") or "", "Config": get("logOpts") or {}},
        "Init": bool(get("init")),
        "Ulimits": [
            {"Name": u["name"], "Soft": u["soft"], "Hard": u["hard"]} for u in get("ulimits") or []
        ],
        **_devices(inputs),
        **_security(get("securityOpts") or []),
        **resources(inputs),
    }
    if get("cpus"):  # the official provider ignores the other two then
        found |= {"NanoCpus": round(float(inputs["cpus"]) * 1e9), "CpuPeriod": 0, "CpuQuota": 0}
    return found


def _bindings(ports: list[Mapping[str, Any]]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for item in ports:
        external = str(item["external"]) if item.get("external") else ""
        found.setdefault(_port(item), []).append(
            {"HostIp": item.get("ip") or "", "HostPort": external}
        )
    return found


def _devices(inputs: Props) -> dict[str, Any]:
    get = inputs.get
    return {
        "DeviceCgroupRules": get("deviceCgroupRules") or [],
        "DeviceRequests": [
            {
                "Driver": r.get("driver") or "",
                "Count": r.get("count") or 0,
                "DeviceIDs": r.get("deviceIds") or [],
                "Capabilities": [r.get("capabilities") or []],
                "Options": r.get("options") or {},
            }
            for r in get("deviceRequests") or []
        ],
        "Devices": [
            {
                "PathOnHost": d["hostPath"],
                "PathInContainer": d.get("containerPath") or d["hostPath"],
                "CgroupPermissions": d.get("permissions") or "rwm",
            }
            for d in get("devices") or []
        ],
    }


def _security(options: list[str]) -> dict[str, Any]:
    """`systempaths=unconfined` is a word of the client's; the daemon knows it in another form."""
    sent: dict[str, Any] = {
        "SecurityOpt": [word for word in options if word != "systempaths=unconfined"] or None
    }
    if "systempaths=unconfined" in options:
        sent |= {"MaskedPaths": [], "ReadonlyPaths": []}
    return sent


def resources(inputs: Props) -> dict[str, Any]:
    """What can be changed while the container runs; limits in bytes."""
    get = inputs.get
    return {
        "Memory": in_bytes(get("memory")),
        "MemoryReservation": in_bytes(get("memoryReservation")),
        "MemorySwap": in_bytes(get("memorySwap")),
        "CpuShares": get("cpuShares") or 0,
        "CpusetCpus": get("cpuSet") or "",
        "CpuPeriod": get("cpuPeriod") or 0,
        "CpuQuota": get("cpuQuota") or 0,
        "BlkioDeviceReadBps": _throttles(get("deviceReadBps")),
        "BlkioDeviceReadIOps": _throttles(get("deviceReadIops")),
        "BlkioDeviceWriteBps": _throttles(get("deviceWriteBps")),
        "BlkioDeviceWriteIOps": _throttles(get("deviceWriteIops")),
    }


def _throttles(items: Any) -> list[dict[str, Any]]:
    return [{"Path": item["path"], "Rate": item["rate"]} for item in items or []]


def restart_policy(inputs: Props) -> dict[str, Any]:
    """Docker's form of `restart` and `maxRetryCount`."""
    return {
        "Name": inputs.get("restart") or "no",
        "MaximumRetryCount": inputs.get("maxRetryCount") or 0,
    }


def _bind(volume: Mapping[str, Any]) -> str:
    path, other = volume.get("containerPath"), volume.get("fromContainer")
    if bool(path) == bool(other):
        raise Refused("a volume needs either containerPath or fromContainer, and not both")
    source = volume.get("hostPath") or volume.get("volumeName")
    if not source or other:
        return ""
    options = ["ro" if volume.get("readOnly") else "rw"]
    if volume.get("selinuxRelabel"):
        options.append(str(volume["selinuxRelabel"]))
    return f"{source}:{path}:{','.join(options)}"


def _mount(mount: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "Type": mount["type"],
        "Source": mount.get("source") or "",
        "Target": mount["target"],
        "ReadOnly": bool(mount.get("readOnly")),
    }
    if (bind := mount.get("bindOptions")) and mount["type"] == "bind":
        found["BindOptions"] = {"Propagation": bind.get("propagation") or ""}
    if (tmpfs := mount.get("tmpfsOptions")) and mount["type"] == "tmpfs":
        found["TmpfsOptions"] = {
            "SizeBytes": tmpfs.get("sizeBytes") or 0,
            "Mode": tmpfs.get("mode") or 0,
        }
    if (volume := mount.get("volumeOptions")) and mount["type"] == "volume":
        found["VolumeOptions"] = {
            "NoCopy": bool(volume.get("noCopy")),
            "Labels": labels_of(volume.get("labels")),
            "DriverConfig": {
                "Name": volume.get("driverName") or "",
                "Options": volume.get("driverOptions") or {},
            },
        }
        if volume.get("subpath"):
            found["VolumeOptions"]["Subpath"] = volume["subpath"]
    return found
