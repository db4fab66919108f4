"""One instance of a service: its container and the gate that says when it is healthy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_docker as docker

from components.host import Host
from config_schema import ExecConfig, Hardening, Resources
from health.gates.bake import BakeRule
from health.gates.guard import GuardRule
from health.gates.health import HealthRule
from health.gates.resources import BakeGate, HealthGate, PairGuard, Reach
from stack.layout import Instance
from stack.loader import Secrets, left_out


@dataclass(frozen=True)
class StackContext:
    """What every component of a stack needs: config, secrets, hosts and the pulled images."""

    config: ExecConfig
    secrets: Secrets
    hosts: Mapping[str, Host]
    images: Mapping[str, docker.RemoteImage]
    """By the key of the instance they are for."""

    @property
    def reach(self) -> Reach:
        ssh = self.config.ssh
        return Reach(self.config.gate.via, ssh.model_dump_json(exclude_unset=True))


class ServiceInstance(pulumi.ComponentResource):
    """An instance that runs: guard (in a pair), container, health gate, each after the other.

    Waits for `after`, which every image of the stack comes before: a dead registry or a missing tag
    so stops the run while every container is still as it was.
    """

    def __init__(
        self,
        instance: Instance,
        context: StackContext,
        after: Sequence[pulumi.Resource],
        guard: GuardRule | None = None,
        waiting: Sequence[str] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("exec:components:Service", instance.key, None, opts)
        self.instance, self.context = instance, context
        before = list(after)
        if guard is not None:
            before.append(self._guard(guard, context, before))
        self.container = self._container(context, before)
        self.health = self._health(context, waiting)
        self.register_outputs({"container": self.container.name, "health": instance.health_url})

    def bake(self, after: Sequence[pulumi.Resource]) -> list[pulumi.Resource]:
        """The gate that goes on watching once `after` is done; none where the stack file wants none
        or this run leaves the instance out."""
        gate, instance = self.context.config.gate, self.instance
        if gate.bake is None or instance.key in left_out():
            return []
        rule = BakeRule(
            instance=instance.key,
            host=instance.host,
            url=instance.health_url,
            stack=instance.labels["exec.stack"],
            seconds=gate.bake.seconds,
            interval_seconds=gate.interval_seconds,
            in_a_row=gate.successes,
            pair=instance.pair,
            prometheus_url=gate.bake.prometheus_url,
        )
        return [
            BakeGate(
                f"bake-{instance.key}",
                rule,
                self.context.reach,
                instance.container_name,
                self.container.id,
                pulumi.ResourceOptions(parent=self, depends_on=list(after)),
            )
        ]

    def _guard(
        self, rule: GuardRule, context: StackContext, before: Sequence[pulumi.Resource]
    ) -> pulumi.Resource:
        return PairGuard(
            f"guard-{self.instance.key}",
            rule,
            context.reach,
            _fingerprint(self.instance, context),
            pulumi.ResourceOptions(parent=self, depends_on=list(before)),
        )

    def _container(
        self, context: StackContext, before: Sequence[pulumi.Resource]
    ) -> docker.Container:
        provider = context.hosts[self.instance.host].provider
        return docker.Container(
            f"container-{self.instance.key}",
            image=context.images[self.instance.key].image_id,
            envs=_envs(self.instance, context.secrets),
            **container_args(self.instance),
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=provider,
                depends_on=list(before),
                # Two can't have one name, also where only `exctl restart` wants a new one.
                delete_before_replace=True,
            ),
        )

    def _health(self, context: StackContext, waiting: Sequence[str]) -> HealthGate:
        gate = context.config.gate
        rule = HealthRule(
            instance=self.instance.key,
            host=self.instance.host,
            url=self.instance.health_url,
            deadline_seconds=gate.deadline_seconds,
            interval_seconds=gate.interval_seconds,
            in_a_row=gate.successes,
            waiting=tuple(waiting),
        )
        return HealthGate(
            f"health-{self.instance.key}",
            rule,
            context.reach,
            self.instance.container_name,
            self.container.id,
            pulumi.ResourceOptions(parent=self),
        )


def container_args(instance: Instance) -> dict[str, Any]:
    """All arguments of a container but its image and its variables.

    The host's network is what the vendor's port table amounts to.
    """
    return {
        "name": instance.container_name,
        "network_mode": "host",
        "restart": "unless-stopped",
        "destroy_grace_seconds": instance.stop_grace_seconds,
        "log_driver": instance.log_driver,
        "log_opts": dict(instance.log_options),
        "volumes": [
            docker.ContainerVolumeArgs(
                host_path=instance.log_host_path, container_path=instance.log_container_path
            )
        ],
        "labels": [
            docker.ContainerLabelArgs(label=label, value=value)
            for label, value in instance.labels.items()
        ],
        **limits_of(instance.resources),
        **_restrictions(instance.hardening),
    }


def _restrictions(hardening: Hardening) -> dict[str, Any]:
    """A container's arguments for what it may not do; none of those that are off."""
    found: dict[str, Any] = {}
    if hardening.no_new_privileges:
        found["security_opts"] = ["no-new-privileges"]
    if hardening.drop_capabilities:
        dropped = sorted(hardening.drop_capabilities)
        found["capabilities"] = docker.ContainerCapabilitiesArgs(drops=dropped)
    if hardening.read_only:
        found["read_only"] = True
    if hardening.tmpfs:
        found["tmpfs"] = dict.fromkeys(hardening.tmpfs, "")
    return found


def limits_of(resources: Resources) -> dict[str, Any]:
    """A container's arguments for its limits, none where there is none.

    Memory and swap are set together: with memory alone every refresh reports a change of swap
    (Measured: pulumi-docker 5.1.0).
    """
    found: dict[str, Any] = {}
    if resources.memory_mib is not None:
        found |= {"memory": resources.memory_mib, "memory_swap": resources.memory_mib}
    if resources.cpus is not None:
        found["cpus"] = f"{resources.cpus:g}"
    return found


def _envs(instance: Instance, secrets: Secrets) -> list[pulumi.Input[str]]:
    """`NAME=value` each; those with a secret are secret, so that the state holds them encrypted."""
    plain: list[pulumi.Input[str]] = [f"{k}={v}" for k, v in instance.environment.items()]
    secret: list[pulumi.Input[str]] = [
        pulumi.Output.concat(f"{variable}=", secrets[name])
        for variable, name in sorted(instance.secret_environment.items())
        if name in secrets
    ]
    return plain + secret


def _fingerprint(instance: Instance, context: StackContext) -> pulumi.Output[str]:
    """Changes whenever the instance's container would be replaced or changed."""

    def digest(parts: list[Any]) -> str:
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    envs = _envs(instance, context.secrets)
    image_id = context.images[instance.key].image_id
    return pulumi.Output.all(instance.spec_hash, image_id, *envs).apply(digest)
