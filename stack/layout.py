"""What a stack consists of: config → instances, their environment, order and connections. Pure.

Nothing here looks at a host, a clock or a random number: the same config gives the same layout, so
that a run without changes finds none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from typing import Any

import vendor_facts as vendor
from config_schema import (
    Exas,
    Excs,
    ExecConfig,
    Hardening,
    Logging,
    Logs,
    Pair,
    Resources,
    Runtime,
)
from stack import environment
from stack.connections import Connection, connections
from stack.text import in_url
from vendor_facts import Service


@dataclass(frozen=True)
class Instance:
    """One container of one service on one host."""

    key: str
    """Stable name: `excs`, `exas`, `excp-<pair>-<1|2>`; resources are named after it."""
    service: Service
    pair: str | None
    index: int | None
    container_name: str
    host: str
    port: int
    place: str
    """Repository and name of the image, without tag or digest."""
    image: str
    """What Docker is told: the place and the tag, or the digest that pins it."""
    tag: str
    digest: str | None
    environment: Mapping[str, str]
    """Plain variables, log patterns filled in."""
    secret_environment: Mapping[str, str]
    """Variable → name of the secret that it gets its value from."""
    log_host_path: str
    log_container_path: str
    log_max_size_mib: int
    log_max_files: int
    log_driver: str
    log_options: Mapping[str, str]
    """All of them, with the limits of the section logs where the driver has such."""
    resources: Resources
    hardening: Hardening
    stop_grace_seconds: int
    is_stopped: bool
    labels: Mapping[str, str] = field(default_factory=dict)
    spec_hash: str = ""
    """Of everything above but labels, digest and whether it's stopped; no secret's value is in it.

    Without the digest: to pin the image that runs already must not replace its container.
    """

    @property
    def base_url(self) -> str:
        return f"http://{in_url(self.host)}:{self.port}"

    @property
    def health_url(self) -> str:
        return self.base_url + vendor.HEALTH_PATH

    @property
    def status_url(self) -> str | None:
        return self.base_url + vendor.STATUS_PATH if self.service == "excs" else None

    @property
    def metrics_url(self) -> str:
        return self.base_url + vendor.METRICS_PATH


@dataclass(frozen=True)
class Layout:
    """All instances of a stack, in the order in which they are deployed."""

    instances: tuple[Instance, ...]
    connections: tuple[Connection, ...]

    @property
    def running(self) -> tuple[Instance, ...]:
        return tuple(i for i in self.instances if not i.is_stopped)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host's address once, in the order of first use; a stopped instance's too."""
        return tuple(dict.fromkeys(instance.host for instance in self.instances))

    @property
    def pairs(self) -> tuple[tuple[str, tuple[Instance, ...]], ...]:
        """Each pair's number with its two instances."""
        numbers = dict.fromkeys(i.pair for i in self.instances if i.pair is not None)
        return tuple((n, tuple(i for i in self.instances if i.pair == n)) for n in numbers)

    def of(self, service: Service) -> tuple[Instance, ...]:
        return tuple(i for i in self.instances if i.service == service)

    def peer_of(self, instance: Instance) -> Instance:
        """The other instance of an EXCP instance's pair."""
        (peer,) = (i for i in self.instances if i.pair == instance.pair and i.key != instance.key)
        return peer

    def endpoints(self) -> list[dict[str, Any]]:
        """The stack output: one entry for each instance that is meant to run."""
        return [
            {
                "instance": i.key,
                "service": i.service,
                "pair": i.pair,
                "index": i.index,
                "host": i.host,
                "port": i.port,
                "container": i.container_name,
                "health": i.health_url,
                "status": i.status_url,
                "metrics": i.metrics_url,
            }
            for i in self.running
        ]

    def prometheus_targets(self) -> list[dict[str, Any]]:
        """Targets in the form of Prometheus' `file_sd_configs`: one group an instance."""
        return [
            {
                "targets": [f"{in_url(i.host)}:{i.port}"],
                "labels": {"service": i.service, "instance": i.key, "pair": i.pair or ""},
            }
            for i in self.running
        ]


def build_layout(config: ExecConfig, stack: str) -> Layout:
    """The layout of `stack`; the config has been validated, so nothing here can fail."""
    instances = [
        _instance(config, stack, config.excs, "excs", config.excs.host, config.excs.port),
        _instance(config, stack, config.exas, "exas", config.exas.host, config.exas.port),
    ]
    for number in sorted(config.excp.pairs, key=int):
        pair = config.excp.pairs[number]
        for index, host in enumerate(pair.hosts, 1):
            key = f"excp-{number}-{index}"
            instances.append(_instance(config, stack, pair, key, host, pair.port))
    found = [connections(config, i.key, i.host, i.service, i.pair) for i in instances]
    return Layout(tuple(instances), tuple(chain.from_iterable(found)))


def _instance(
    config: ExecConfig, stack: str, part: Excs | Exas | Pair, key: str, host: str, port: int
) -> Instance:
    service, pair, index = _parse_key(key)
    prefix = f"{config.tenant.container_prefix}-" if config.tenant.container_prefix else ""
    logging = part.logging or config.logging
    place = f"{config.registry.place}/{part.image or service}"
    plain = environment.plain(config, service, pair, host)
    instance = Instance(
        key=key,
        service=service,
        pair=pair,
        index=index,
        container_name=prefix + key,
        host=host,
        port=port,
        place=place,
        image=_image(config.registry.is_used, place, part),
        tag=part.tag,
        digest=part.digest,
        environment=dict(sorted({**plain, **part.environment}.items())),
        secret_environment=environment.secret(config, service),
        log_host_path=config.logs.host_path,
        log_container_path=config.logs.container_path,
        log_max_size_mib=config.logs.max_size_mib,
        log_max_files=config.logs.max_files,
        log_driver=logging.driver,
        log_options=_log_options(config, logging),
        resources=part.resources,
        hardening=part.hardening,
        stop_grace_seconds=part.stop_grace_seconds,
        is_stopped=is_stopped(key, config.stopped),
    )
    return _with_labels(instance, config, stack)


def _image(has_registry: bool, place: str, part: Runtime) -> str:
    """The image as Docker is told; by digest alone where that is pinned, so that no tag counts.

    Without a registry no manifest has a digest: the pin is the image's id then.
    """
    if not part.digest:
        return f"{place}:{part.tag}"
    return f"{place}@{part.digest}" if has_registry else part.digest


def _log_options(config: ExecConfig, logging: Logging) -> dict[str, str]:
    has_limits = logging.driver in ("json-file", "local")
    return {**(log_limits(config.logs) if has_limits else {}), **logging.options}


def log_limits(logs: Logs) -> dict[str, str]:
    """How much of a container's stdout Docker keeps, as the options of json-file."""
    return {"max-size": f"{logs.max_size_mib}m", "max-file": str(logs.max_files)}


def _parse_key(key: str) -> tuple[Service, str | None, int | None]:
    if key in ("excs", "exas"):
        return ("excs" if key == "excs" else "exas"), None, None
    _, pair, index = key.split("-")
    return "excp", pair, int(index)


def is_stopped(key: str, stopped: list[str]) -> bool:
    """Whether `stopped` names the instance, its pair or its service."""
    return any(key == entry or key.startswith(f"{entry}-") for entry in stopped)


def stoppable(pairs: list[str]) -> list[str]:
    """All that may stand in `stopped`, for a stack with these pairs."""
    names = ["excs", "exas", "excp"]
    for pair in pairs:
        names += [f"excp-{pair}", f"excp-{pair}-1", f"excp-{pair}-2"]
    return names


def _with_labels(instance: Instance, config: ExecConfig, stack: str) -> Instance:
    content = asdict(instance) | {
        "resources": instance.resources.model_dump(),
        "hardening": instance.hardening.model_dump(),
    }
    for name in ("labels", "spec_hash", "is_stopped", "digest", "place"):
        del content[name]
    # What stacks had before there was a choice keeps its hash, and so its container.
    if (instance.log_driver, instance.log_options) == ("json-file", log_limits(config.logs)):
        del content["log_driver"], content["log_options"]
    if instance.hardening == Hardening():
        del content["hardening"]
    if instance.digest:
        content["image"] = f"{instance.place}:{instance.tag}"
    spec_hash = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    labels = {
        "exec.stack": stack,
        "exec.tenant": config.tenant.id,
        "exec.org": config.tenant.org_id,
        "exec.service": instance.service,
        "exec.pair": instance.pair or "",
        "exec.instance": instance.key,
        "exec.spec": spec_hash,
    }
    return replace(instance, labels=labels, spec_hash=spec_hash)
