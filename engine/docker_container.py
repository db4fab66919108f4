"""docker:index/container:Container: from inputs to Docker's words, and back to outputs."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Mapping
from typing import Any

from engine.docker_api import Docker, DockerError, escaped
from engine.docker_schema import CONTAINER, outputs_of, read_inputs
from engine.provider import InitFailed, ProviderError
from engine.values import UNKNOWN, Props

MIB = 1024 * 1024
# How long a container that has just been started must live to be called running. Measured: a
# command that ends at once has ended after 20 ms.
SETTLE_SECONDS = 0.15
UPDATED = (
    "memory",
    "memoryReservation",
    "memorySwap",
    "cpuSet",
    "cpuShares",
    "cpuPeriod",
    "cpuQuota",
    "restart",
    "maxRetryCount",
)
COMPUTED = ("bridge", "containerLogs", "exitCode", "networkDatas", *sorted(CONTAINER.computed))
# Fields of nested objects that the provider's outputs hold even if they weren't given.
NESTED: dict[str, dict[str, Any]] = {
    "volumes": {
        "containerPath": "",
        "fromContainer": "",
        "hostPath": "",
        "readOnly": None,
        "selinuxRelabel": "",
        "volumeName": "",
    },
    "networksAdvanced": {
        "aliases": [],
        "driverOpts": [],
        "gwPriority": None,
        "ipv4Address": "",
        "ipv6Address": "",
        "linkLocalIps": [],
        "macAddress": "",
    },
}
_SETTLED = {"readOnly": False, "gwPriority": 0}  # once the state has been read or changed


def _mib(value: Any) -> int:
    return -1 if value == -1 else int(value or 0) * MIB


def _nanoseconds(text: str) -> int:
    """Docker's nanoseconds of a Go duration: `1m30s`, `500ms`. ProviderError if malformed."""
    import re

    units = {"h": 3600e9, "m": 60e9, "s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1}
    found = re.findall(r"(\d+(?:\.\d+)?)(ms|us|ns|h|m|s)", text)
    if "".join(n + u for n, u in found) != text:
        raise ProviderError(f"'{text}' is not a duration (like 30s or 1m30s)")
    return int(sum(float(n) * units[u] for n, u in found))


def create_body(inputs: Props) -> dict[str, Any]:
    """The request that makes the container."""
    get = inputs.get
    ports = get("ports") or []
    body: dict[str, Any] = {
        "Image": inputs["image"],
        "Cmd": get("command"),
        "Entrypoint": get("entrypoints") or None,
        "Env": get("envs") or [],
        "Labels": {item["label"]: item["value"] for item in get("labels") or []},
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
            if not v.get("hostPath") and not v.get("volumeName") and v.get("containerPath")
        },
        "HostConfig": host_config(inputs),
    }
    if get("stopTimeout"):
        body["StopTimeout"] = get("stopTimeout")
    if check := get("healthcheck"):
        body["Healthcheck"] = {
            "Test": check.get("tests") or [],
            "Interval": _nanoseconds(check.get("interval") or "0s"),
            "Timeout": _nanoseconds(check.get("timeout") or "0s"),
            "StartPeriod": _nanoseconds(check.get("startPeriod") or "0s"),
            "StartInterval": _nanoseconds(check.get("startInterval") or "0s"),
            "Retries": check.get("retries") or 0,
        }
    return body


def _port(item: Mapping[str, Any]) -> str:
    return f"{item['internal']}/{item.get('protocol') or 'tcp'}"


def host_config(inputs: Props) -> dict[str, Any]:
    """The part of the request that belongs to the host."""
    get = inputs.get
    bindings: dict[str, list[dict[str, str]]] = {}
    for item in get("ports") or []:
        external = str(item["external"]) if item.get("external") else ""
        bindings.setdefault(_port(item), []).append(
            {"HostIp": item.get("ip") or "", "HostPort": external}
        )
    volumes = get("volumes") or []
    capabilities = get("capabilities") or {}
    found: dict[str, Any] = {
        "NetworkMode": get("networkMode") or "default",
        "PortBindings": bindings,
        "PublishAllPorts": bool(get("publishAllPorts")),
        "Binds": [bind for v in volumes if (bind := _bind(v))],
        "VolumesFrom": [v["fromContainer"] for v in volumes if v.get("fromContainer")],
        "Mounts": [_mount(m) for m in get("mounts") or []],
        "Privileged": bool(get("privileged")),
        "ReadonlyRootfs": bool(get("readOnly")),
        "AutoRemove": bool(get("rm")),
        "RestartPolicy": _restart(inputs),
        "CapAdd": capabilities.get("adds") or [],
        "CapDrop": capabilities.get("drops") or [],
        "ExtraHosts": [f"{h['host']}:{h['ip']}" for h in get("hosts") or []],
        "Dns": get("dns") or [],
        "DnsOptions": get("dnsOpts") or [],
        "DnsSearch": get("dnsSearches") or [],
        "GroupAdd": get("groupAdds") or [],
        "SecurityOpt": get("securityOpts") or None,
        "Sysctls": get("sysctls") or {},
        "Tmpfs": get("tmpfs") or {},
        "StorageOpt": get("storageOpts") or None,
        "IpcMode": get("ipcMode") or "",
        "PidMode": get("pidMode") or "",
        "UsernsMode": get("usernsMode") or "",
        "CgroupnsMode": get("cgroupnsMode") or "",
        "CgroupParent": get("cgroupParent") or "",
        "Runtime": get("runtime") or "",
        "ShmSize": _mib(get("shmSize")),
        "LogConfig": {"Type": get("logDriver") or "", "Config": get("logOpts") or {}},
        "Ulimits": [
            {"Name": u["name"], "Soft": u["soft"], "Hard": u["hard"]} for u in get("ulimits") or []
        ],
        "Devices": [
            {
                "PathOnHost": d["hostPath"],
                "PathInContainer": d.get("containerPath") or d["hostPath"],
                "CgroupPermissions": d.get("permissions") or "rwm",
            }
            for d in get("devices") or []
        ],
        **resources(inputs),
    }
    if get("init") is not None:
        found["Init"] = bool(get("init"))
    if get("cpus"):
        found["NanoCpus"] = int(float(inputs["cpus"]) * 1e9)
    return found


def resources(inputs: Props) -> dict[str, Any]:
    """What can be changed while the container runs; limits in bytes."""
    get = inputs.get
    return {
        "Memory": _mib(get("memory")),
        "MemoryReservation": _mib(get("memoryReservation")),
        "MemorySwap": _mib(get("memorySwap")),
        "CpuShares": get("cpuShares") or 0,
        "CpusetCpus": get("cpuSet") or "",
        "CpuPeriod": get("cpuPeriod") or 0,
        "CpuQuota": get("cpuQuota") or 0,
    }


def _restart(inputs: Props) -> dict[str, Any]:
    return {
        "Name": inputs.get("restart") or "no",
        "MaximumRetryCount": inputs.get("maxRetryCount") or 0,
    }


def _bind(volume: Mapping[str, Any]) -> str:
    source = volume.get("volumeName") or volume.get("hostPath")
    if not source:
        return ""
    options = ["ro" if volume.get("readOnly") else "rw"]
    if volume.get("selinuxRelabel"):
        options.append(str(volume["selinuxRelabel"]))
    return f"{source}:{volume['containerPath']}:{','.join(options)}"


def _mount(mount: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "Type": mount["type"],
        "Source": mount.get("source") or "",
        "Target": mount["target"],
        "ReadOnly": bool(mount.get("readOnly")),
    }
    if bind := mount.get("bindOptions"):
        found["BindOptions"] = {"Propagation": bind.get("propagation") or ""}
    if tmpfs := mount.get("tmpfsOptions"):
        found["TmpfsOptions"] = {
            "SizeBytes": tmpfs.get("sizeBytes") or 0,
            "Mode": tmpfs.get("mode") or 0,
        }
    if volume := mount.get("volumeOptions"):
        found["VolumeOptions"] = {
            "NoCopy": bool(volume.get("noCopy")),
            "Labels": {item["label"]: item["value"] for item in volume.get("labels") or []},
            "DriverConfig": {
                "Name": volume.get("driverName") or "",
                "Options": volume.get("driverOptions") or {},
            },
        }
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


def seen_now(seen: Mapping[str, Any], wanted: Props) -> Props:
    """What can differ from what was asked for, as it is now."""
    host, state = seen["HostConfig"], seen["State"]
    policy = host.get("RestartPolicy") or {}
    swap = host.get("MemorySwap") or 0
    running = bool(state.get("Running"))
    return {
        "memory": (host.get("Memory") or 0) // MIB,
        "memoryReservation": (host.get("MemoryReservation") or 0) // MIB,
        "memorySwap": -1 if swap == -1 else swap // MIB,
        "cpuShares": host.get("CpuShares") or 0,
        "cpuSet": host.get("CpusetCpus") or "",
        "cpuPeriod": host.get("CpuPeriod") or 0,
        "cpuQuota": host.get("CpuQuota") or 0,
        "restart": policy.get("Name") or "no",
        "maxRetryCount": policy.get("MaximumRetryCount") or 0,
        "mustRun": running if wanted.get("mustRun", True) else False,
        "exitCode": None if running else state.get("ExitCode"),
        "networkDatas": network_datas(seen),
        "name": str(seen["Name"]).lstrip("/"),
    }


def computed(seen: Mapping[str, Any]) -> Props:
    """What Docker fills in, as the provider's outputs name it."""
    config, host = seen["Config"], seen["HostConfig"]
    return {
        "bridge": (seen.get("NetworkSettings") or {}).get("Bridge") or "",
        "command": config.get("Cmd") or [],
        "entrypoints": config.get("Entrypoint") or [],
        "hostname": config.get("Hostname") or "",
        "init": bool(host.get("Init")),
        "ipcMode": host.get("IpcMode") or "",
        "logDriver": (host.get("LogConfig") or {}).get("Type") or "",
        "platform": seen.get("Platform") or "",
        "runtime": host.get("Runtime") or "",
        "securityOpts": host.get("SecurityOpt") or [],
        "shmSize": (host.get("ShmSize") or 0) // MIB,
        "stopSignal": config.get("StopSignal") or "",
        "stopTimeout": config.get("StopTimeout") or 0,
    }


def _settled(value: Any) -> Any:
    """Outputs with the zeros that the provider writes in place of nulls later on."""
    if isinstance(value, list):
        return [_settled(item) for item in value]
    if isinstance(value, dict):
        return {
            k: _SETTLED[k] if v is None and k in _SETTLED else _settled(v) for k, v in value.items()
        }
    return value


# What the plugin notes of each container, though nobody asks for it. Where the state hasn't got it,
# its refresh says so, and its next update makes the container anew (seen on 5.1.0).
_FLAGS = ("attach", "logs", "privileged", "publishAllPorts", "readOnly", "rm", "stdinOpen", "tty")
_NOTED: Props = {**dict.fromkeys((*_FLAGS, "wait"), False), "envs": []}


class Containers:
    """The containers of one host."""

    def __init__(self, docker: Docker, interrupted: frozenset[str]) -> None:
        self._docker = docker
        self._interrupted = interrupted

    def planned(self, inputs: Props, old: Props | None) -> Props:
        """The outputs as far as they are known before the update."""
        unknown = dict.fromkeys(COMPUTED, UNKNOWN)
        before = unknown if old is None else old
        return {**before, **outputs_of(inputs, NESTED)}

    def create(self, urn: str, inputs: Props) -> tuple[str, Props]:
        """Make it, connect it, start it."""
        name = str(inputs["name"])
        query = {"name": name}
        if inputs.get("platform"):
            query["platform"] = inputs["platform"]
        body = create_body(inputs)
        try:
            if urn in self._interrupted:
                self._clear_away(name, body)
            made = self._docker.post("/containers/create", body, query=query)
        except DockerError as problem:
            raise ProviderError(self._why(name, inputs, problem)) from None
        identifier = str(made["Id"])
        try:
            self._connect(identifier, inputs)
            self._upload(identifier, inputs)
            if inputs.get("start", True):
                self._docker.post(f"/containers/{identifier}/start")
            seen = self._settle(identifier, inputs)
        except DockerError as problem:
            # It exists: noted as it is, so that the next run replaces it instead of meeting it.
            seen = self._docker.get(f"/containers/{identifier}/json")
            outputs = self._outputs(seen, inputs) if seen else {}
            reason = f"{self._docker.url}: container {name}: {problem.message}"
            if not seen:
                raise ProviderError(reason) from None
            raise InitFailed(identifier, outputs, [reason], inputs) from None
        return identifier, self._outputs(seen, inputs)

    def _clear_away(self, name: str, body: Mapping[str, Any]) -> None:
        """Remove what a killed run has left of this very container; one that differs in image,
        variables or labels isn't ours, and stays."""
        other = self._docker.get(f"/containers/{escaped(name)}/json")
        if other is None:
            return
        config = other.get("Config") or {}
        labels = config.get("Labels") or {}
        if (
            config.get("Image") == body["Image"]
            and set(body["Env"]) <= set(config.get("Env") or [])
            and all(labels.get(key) == value for key, value in body["Labels"].items())
        ):
            self._docker.request("DELETE", f"/containers/{other['Id']}", query={"force": "1"})

    def _why(self, name: str, inputs: Props, problem: DockerError) -> str:
        """What went wrong, and for a name that's taken: by what, and what to do (golden 25)."""
        url = self._docker.url
        if problem.status == 404:
            return (
                f"{url}: container {name}: Unable to create container: {problem.message} "
                f"(image {inputs['image']})"
            )
        if problem.status != 409:
            return f"{url}: container {name}: Unable to create container: {problem.message}"
        other = self._docker.get(f"/containers/{escaped(name)}/json") or {}
        state = (other.get("State") or {}).get("Status", "?")
        image = (other.get("Config") or {}).get("Image", "?")
        labels = (other.get("Config") or {}).get("Labels") or {}
        project = labels.get("com.docker.compose.project")
        maker = (
            f"by Docker Compose (project {project})" if project else "by hand or by another tool"
        )
        created = str(other.get("Created", "?"))[:19]
        return (
            f"{url}: container {name}: one of this name is there already, and this stack's state "
            f"doesn't know it (id {str(other.get('Id', '?'))[:12]}, image {image}, created "
            f"{created} {maker}, {state}); nothing was changed. Look at it with `docker inspect "
            f"{name}` on the host; then remove it (`docker rm -f {name}`) or rename it, or give "
            "this one another name, and run again. "
            f"Docker says: {problem.message}"
        )

    def _connect(self, identifier: str, inputs: Props) -> None:
        """Put it on its networks, instead of the default one."""
        wanted = inputs.get("networksAdvanced") or []
        if not wanted:
            return
        if inputs.get("networkMode") in ("bridge", "default", None):
            self._docker.post(
                "/networks/bridge/disconnect", {"Container": identifier, "Force": True}
            )
        for item in wanted:
            settings: dict[str, Any] = {"Aliases": item.get("aliases") or []}
            ipam = {
                "IPv4Address": item.get("ipv4Address") or "",
                "IPv6Address": item.get("ipv6Address") or "",
            }
            if any(ipam.values()):
                settings["IPAMConfig"] = ipam
            self._docker.post(
                f"/networks/{escaped(item['name'])}/connect",
                {"Container": identifier, "EndpointConfig": settings},
            )

    def _upload(self, identifier: str, inputs: Props) -> None:
        """Put files into it before it's started."""
        for item in inputs.get("uploads") or []:
            import base64
            from pathlib import Path

            if item.get("contentBase64"):
                data = base64.b64decode(item["contentBase64"])
            elif item.get("source"):
                data = Path(item["source"]).read_bytes()
            else:
                data = (item.get("content") or "").encode()
            mode = 0o744 if item.get("executable") else 0o644
            if item.get("permissions"):
                mode = int(str(item["permissions"]), 8)
            archive = io.BytesIO()
            with tarfile.open(fileobj=archive, mode="w") as tar:
                entry = tarfile.TarInfo(str(item["file"]).lstrip("/"))
                entry.size, entry.mode, entry.mtime = len(data), mode, int(time.time())
                tar.addfile(entry, io.BytesIO(data))
            self._docker.request(
                "PUT",
                f"/containers/{identifier}/archive",
                archive.getvalue(),
                query={"path": "/"},
                headers={"Content-Type": "application/x-tar"},
            )

    def _settle(self, identifier: str, inputs: Props) -> Mapping[str, Any]:
        """The container once it runs or has ended; with `wait`, once it's healthy."""
        if not inputs.get("start", True):
            return self._inspect(identifier)
        time.sleep(SETTLE_SECONDS)
        seen = self._inspect(identifier)
        deadline = time.monotonic() + float(inputs.get("waitTimeout") or 60)
        while inputs.get("wait"):
            health = (seen["State"].get("Health") or {}).get("Status")
            if health == "healthy":
                break
            if health is None:
                raise DockerError(self._docker.url, "wait: the image has no healthcheck")
            if time.monotonic() > deadline or not seen["State"].get("Running"):
                raise DockerError(self._docker.url, f"wait: the container is {health}")
            time.sleep(0.5)
            seen = self._inspect(identifier)
        return seen

    def _inspect(self, identifier: str) -> Mapping[str, Any]:
        seen = self._docker.get(f"/containers/{identifier}/json")
        if seen is None:
            raise DockerError(self._docker.url, f"No such container: {identifier[:12]}", 404)
        found: Mapping[str, Any] = seen
        return found

    def _outputs(self, seen: Mapping[str, Any], inputs: Props) -> Props:
        filled = computed(seen)
        given = outputs_of(inputs, NESTED)
        kept = {k: v for k, v in given.items() if v not in (None, [], "") or k not in filled}
        return {**_NOTED, **filled, **kept, **seen_now(seen, inputs)}

    def read(
        self, identifier: str, inputs: Props, outputs: Props
    ) -> tuple[str, Props, Props] | None:
        """As it is now; None if it's gone."""
        seen = self._docker.get(f"/containers/{escaped(identifier)}/json")
        if seen is None:
            return None
        now = seen_now(seen, inputs or {"mustRun": True})
        filled = computed(seen)
        kept = {
            k: v for k, v in _settled(outputs).items() if v not in (None, []) or k not in filled
        }
        return str(seen["Id"]), read_inputs(inputs, now), {**_NOTED, **filled, **kept, **now}

    def update(self, identifier: str, olds: Props, outputs: Props, news: Props) -> Props:
        """Change what Docker changes in place; start it if it must run and doesn't."""
        name = news.get("name")
        try:
            if any(olds.get(k) != news.get(k) or outputs.get(k) != news.get(k) for k in UPDATED):
                self._change(identifier, news)
            if news.get("mustRun", True) and not outputs.get("mustRun", True):
                self._docker.post(f"/containers/{identifier}/start")
        except DockerError as problem:
            raise ProviderError(
                f"{self._docker.url}: container {name}: Unable to update: {problem.message}"
            ) from None
        removed = {key: None for key in CONTAINER.in_place if outputs.get(key) and key not in news}
        return {**_settled(outputs), **removed, **_settled(outputs_of(news, NESTED))}

    def _change(self, identifier: str, news: Props) -> None:
        wanted = {k: v for k, v in resources(news).items() if v}
        if "Memory" in wanted and "MemorySwap" not in wanted:
            # Docker refuses a limit above the swap limit that it chose itself at the beginning.
            swap = self._inspect(identifier)["HostConfig"].get("MemorySwap") or 0
            if 0 < swap < wanted["Memory"]:
                wanted["MemorySwap"] = 2 * wanted["Memory"]
        wanted["RestartPolicy"] = _restart(news)
        self._docker.post(f"/containers/{identifier}/update", wanted)

    def delete(self, identifier: str, inputs: Props, outputs: Props) -> None:
        """Stop it with its time of grace, and remove it; one that's gone already is fine."""
        known = inputs or outputs
        grace = int(known.get("destroyGraceSeconds") or 0) or 10
        try:
            self._docker.post(
                f"/containers/{identifier}/stop", query={"t": grace}, timeout_seconds=grace + 30
            )
            volumes = "true" if known.get("removeVolumes", True) else "false"
            self._docker.request(
                "DELETE", f"/containers/{identifier}", query={"v": volumes, "force": "true"}
            )
        except DockerError as problem:
            if problem.status not in (304, 404):
                raise ProviderError(
                    f"{self._docker.url}: container {known.get('name')}: "
                    f"Unable to remove: {problem.message}"
                ) from None
