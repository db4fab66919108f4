"""The properties of docker:index/container:Container.

Source: the schema of the Terraform provider that pulumi-docker 5.2.0 is made from (types, defaults,
ForceNew, Computed); proved by the recordings and by going to and fro with the official plugin.
"""

from __future__ import annotations

from plugins.docker.fields import (
    DURATION,
    FLAG,
    MAP,
    NUMBER,
    TEXT,
    TEXT_SET,
    TEXTS,
    Fields,
    at_least,
    given,
    in_place,
    list_of,
    matches,
    one,
    set_of,
)

LABEL: Fields = {"label": given(TEXT, required=True), "value": given(TEXT, required=True)}
_THROTTLE: Fields = {
    "path": given(TEXT, required=True),
    "rate": given(NUMBER, required=True, refusal=at_least(0)),
}
_MOUNT: Fields = {
    "target": given(TEXT, required=True),
    "source": TEXT,
    "type": given(
        TEXT, required=True, refusal=matches("bind|volume|tmpfs", "bind, volume or tmpfs")
    ),
    "readOnly": FLAG,
    "bindOptions": one(
        {
            "propagation": given(
                TEXT,
                refusal=matches(
                    "r?(private|shared|slave)",
                    "private, rprivate, shared, rshared, slave or rslave",
                ),
            )
        }
    ),
    "volumeOptions": one(
        {
            "noCopy": FLAG,
            "labels": set_of(LABEL),
            "driverName": TEXT,
            "driverOptions": MAP,
            "subpath": TEXT,
        }
    ),
    "tmpfsOptions": one({"sizeBytes": NUMBER, "mode": NUMBER}),
}
_VOLUME: Fields = {
    "fromContainer": TEXT,
    "containerPath": TEXT,
    "hostPath": given(TEXT, refusal=matches(r"/.*|[a-zA-Z]:.*", "an absolute path")),
    "volumeName": TEXT,
    "readOnly": FLAG,
    "selinuxRelabel": given(TEXT, refusal=matches("z|Z", "z or Z")),
}
_PORT: Fields = {
    "internal": given(NUMBER, required=True),
    "external": given(NUMBER, computed=True),
    "ip": given(TEXT, default="0.0.0.0"),
    "protocol": given(TEXT, default="tcp"),
}
_NETWORK: Fields = {
    "name": given(TEXT, required=True),
    "aliases": TEXT_SET,
    "ipv4Address": TEXT,
    "ipv6Address": TEXT,
    "linkLocalIps": TEXT_SET,
    "macAddress": TEXT,
    "driverOpts": TEXT_SET,
    "gwPriority": given(NUMBER, refusal=at_least(0)),
}
_UPLOAD: Fields = {
    "content": TEXT,
    "contentBase64": TEXT,
    "file": given(TEXT, required=True),
    "executable": given(FLAG, default=False),
    "permissions": given(TEXT, refusal=matches("0[0-7]{3}", "four octal digits like 0644")),
    "source": TEXT,
    "sourceHash": TEXT,
}
_HEALTHCHECK: Fields = {
    "tests": given(TEXTS, name="test"),
    "interval": given(TEXT, default="0s", refusal=DURATION),
    "timeout": given(TEXT, default="0s", refusal=DURATION),
    "startPeriod": given(TEXT, default="0s", refusal=DURATION),
    "startInterval": given(TEXT, default="0s", refusal=DURATION),
    "retries": given(NUMBER, default=0, refusal=at_least(0)),
}
_NETWORK_DATA: Fields = {
    "networkName": TEXT,
    "ipAddress": TEXT,
    "ipPrefixLength": NUMBER,
    "gateway": TEXT,
    "globalIpv6Address": TEXT,
    "globalIpv6PrefixLength": NUMBER,
    "ipv6Gateway": TEXT,
    "macAddress": TEXT,
}
_DEVICE_REQUEST: Fields = {
    "driver": given(TEXT, default="cdi"),
    "count": given(NUMBER, default=0),
    "deviceIds": TEXT_SET,
    "capabilities": TEXT_SET,
    "options": MAP,
}

CONTAINER: Fields = {
    "attach": in_place(FLAG, default=False, is_supported=False),
    "bridge": given(TEXT, is_output=True),
    "capabilities": one(
        {"adds": given(TEXT_SET, name="add"), "drops": given(TEXT_SET, name="drop")}
    ),
    "cgroupParent": TEXT,
    "cgroupnsMode": given(TEXT, refusal=matches("private|host|", "private or host")),
    "command": given(TEXTS, computed=True),
    "containerLogs": given(TEXT, is_output=True),
    "containerReadRefreshTimeoutMilliseconds": in_place(NUMBER, default=15000),
    "cpuPeriod": in_place(NUMBER, refusal=at_least(0)),
    "cpuQuota": in_place(NUMBER, refusal=at_least(0)),
    "cpuSet": in_place(TEXT, refusal=matches(r"\d+([,-]\d+)*", "cores like 0-3 or 0,2")),
    "cpuShares": in_place(NUMBER, refusal=at_least(0)),
    "cpus": given(TEXT, refusal=matches(r"\d*\.?\d+", "a number of cores like 1.5")),
    "destroyGraceSeconds": in_place(NUMBER),
    "deviceCgroupRules": TEXT_SET,
    "deviceReadBps": set_of(_THROTTLE, replaces=False),
    "deviceReadIops": set_of(_THROTTLE, replaces=False),
    "deviceRequests": set_of(_DEVICE_REQUEST),
    "deviceWriteBps": set_of(_THROTTLE, replaces=False),
    "deviceWriteIops": set_of(_THROTTLE, replaces=False),
    "devices": set_of(
        {
            "hostPath": given(TEXT, required=True),
            "containerPath": TEXT,
            "permissions": given(TEXT, default="rwm"),
        }
    ),
    "dns": TEXT_SET,
    "dnsOpts": TEXT_SET,
    "dnsSearches": given(TEXT_SET, name="dns_search"),
    "domainname": TEXT,
    "entrypoints": given(TEXTS, computed=True, name="entrypoint"),
    "envs": given(TEXT_SET, computed=True, name="env"),
    "exitCode": given(NUMBER, is_output=True),
    "gpus": given(TEXT, is_supported=False),
    "groupAdds": given(TEXT_SET, name="group_add"),
    "healthcheck": one(_HEALTHCHECK, replaces=False, computed=True),
    "hostname": given(TEXT, computed=True),
    "hosts": set_of(
        {"ip": given(TEXT, required=True), "host": given(TEXT, required=True)}, name="host"
    ),
    "image": given(TEXT, required=True),
    "init": in_place(FLAG, computed=True),
    "ipcMode": given(TEXT, computed=True),
    "labels": set_of(LABEL, computed=True),
    "logDriver": given(TEXT, computed=True),
    "logOpts": MAP,
    "logs": in_place(FLAG, default=False, is_supported=False),
    "maxRetryCount": in_place(NUMBER),
    "memory": in_place(NUMBER, refusal=at_least(0)),
    "memoryReservation": in_place(NUMBER, default=0, refusal=at_least(0)),
    "memorySwap": in_place(NUMBER, refusal=at_least(-1)),
    "mounts": set_of(_MOUNT),
    "mustRun": in_place(FLAG, default=True),
    "name": given(TEXT, required=True),
    "networkDatas": list_of(_NETWORK_DATA, is_output=True, name="network_data"),
    "networkMode": given(TEXT, default="bridge"),
    "networksAdvanced": set_of(_NETWORK),
    "pidMode": TEXT,
    "platform": given(TEXT, computed=True),
    "ports": list_of(_PORT),
    "privileged": FLAG,
    "publishAllPorts": FLAG,
    "readOnly": given(FLAG, default=False),
    "removeVolumes": in_place(FLAG, default=True),
    "restart": in_place(
        TEXT,
        default="no",
        refusal=matches(
            "no|on-failure|always|unless-stopped", "no, on-failure, always or unless-stopped"
        ),
    ),
    "rm": in_place(FLAG, default=False),
    "runtime": given(TEXT, computed=True),
    "securityOpts": given(TEXT_SET, computed=True),
    "shmSize": given(NUMBER, computed=True, refusal=at_least(0)),
    "start": in_place(FLAG, default=True),
    "stdinOpen": given(FLAG, default=False),
    "stopSignal": given(TEXT, computed=True),
    "stopTimeout": given(NUMBER, computed=True),
    "storageOpts": MAP,
    "sysctls": MAP,
    "tmpfs": in_place(MAP),
    "tty": given(FLAG, default=False),
    "ulimits": set_of(
        {
            "name": given(TEXT, required=True),
            "soft": given(NUMBER, required=True),
            "hard": given(NUMBER, required=True),
        },
        name="ulimit",
    ),
    "uploads": set_of(_UPLOAD, name="upload"),
    "user": given(TEXT, computed=True),
    "usernsMode": TEXT,
    "volumes": set_of(_VOLUME),
    "wait": in_place(FLAG, default=False),
    "waitTimeout": in_place(NUMBER, default=60),
    "workingDir": given(TEXT, computed=True),
}
"""`user` and `workingDir` aren't computed there, but their absence is no change either."""
