"""Containers that compose or the vendor's script started: which is whose, and how it differs from
the one that would take its place. Pure, from what `docker inspect` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from oci.reference import parsed
from stack.layout import Instance

ASIDE = ".before-exec"
"""Put behind the name of a legacy container that was stopped to make room for ours."""
COMPOSE = "com.docker.compose."

Kind = Literal["ours", "legacy", "cut", "nothing", "refused"]


@dataclass(frozen=True)
class Container:
    """What matters of one container; variables that its image brings are left out."""

    id: str
    name: str
    state: str
    image: str
    image_id: str
    labels: Mapping[str, str]
    environment: Mapping[str, str]
    network: str
    restart: str
    log: str
    mounts: tuple[str, ...]
    ports: frozenset[int]
    """Ports of the host that Docker forwards to it."""
    more: tuple[str, ...]
    """Settings that compose can make and that an instance of ours hasn't."""

    @property
    def is_running(self) -> bool:
        return self.state in ("running", "restarting", "paused")

    @property
    def is_aside(self) -> bool:
        return self.name.endswith(ASIDE)

    @property
    def own_name(self) -> str:
        """Its name before it was set aside."""
        return self.name.removesuffix(ASIDE)


@dataclass(frozen=True)
class HostView:
    """What a host has: its containers, which of our ports something listens on, the ids of the
    images that we would use, and files of the vendor's with a password in clear."""

    containers: tuple[Container, ...]
    taken_ports: frozenset[int]
    image_ids: Mapping[str, str]
    clear_files: tuple[str, ...]


@dataclass(frozen=True)
class Situation:
    """Where one instance stands: `ours` already, `legacy` (to be adopted), `cut` (its legacy
    container was set aside by a run that didn't come to its end), `nothing` there, or `refused`."""

    instance: Instance
    kind: Kind
    container: Container | None = None
    why: str = ""


def containers_of(
    inspected: Sequence[Mapping[str, Any]], images: Mapping[str, Mapping[str, Any]]
) -> tuple[Container, ...]:
    """From `docker inspect` of containers, and of images by id."""
    return tuple(
        _container(found, (images.get(found["Image"]) or {}).get("Config") or {})
        for found in inspected
    )


def _container(found: Mapping[str, Any], image: Mapping[str, Any]) -> Container:
    config, host = found["Config"], found["HostConfig"]
    by_image = set(image.get("Env") or [])
    own = [word for word in config.get("Env") or [] if word not in by_image]
    policy = host.get("RestartPolicy") or {}
    count = policy.get("MaximumRetryCount") or 0
    log = host.get("LogConfig") or {}
    options = ", ".join(f"{k}={v}" for k, v in sorted((log.get("Config") or {}).items()))
    return Container(
        id=found["Id"],
        name=found["Name"].lstrip("/"),
        state=found["State"]["Status"],
        image=config["Image"],
        image_id=found["Image"],
        labels=config.get("Labels") or {},
        environment=dict(word.partition("=")[::2] for word in own),
        network=host.get("NetworkMode") or "",
        restart=(policy.get("Name") or "no") + (f":{count}" if count else ""),
        log=log.get("Type", "") + (f" ({options})" if options else ""),
        mounts=tuple(sorted(_mount(mount) for mount in found.get("Mounts") or [])),
        ports=frozenset(
            int(binding["HostPort"])
            for bindings in (host.get("PortBindings") or {}).values()
            for binding in bindings or []
            if binding.get("HostPort")
        ),
        more=tuple(_more(config, host, image)),
    )


def _mount(mount: Mapping[str, Any]) -> str:
    source = mount.get("Name") or mount.get("Source")
    return f"{source}:{mount['Destination']}{'' if mount.get('RW', True) else ':ro'}"


def _more(
    config: Mapping[str, Any], host: Mapping[str, Any], image: Mapping[str, Any]
) -> Iterable[str]:
    for name in ("User", "WorkingDir", "Entrypoint", "Cmd", "Healthcheck"):
        if (config.get(name) or None) != (image.get(name) or None):
            yield f"{name} of its own"
    for name in (
        *("ExtraHosts", "Dns", "CapAdd", "CapDrop", "Ulimits", "Tmpfs", "Devices", "Sysctls"),
        *("SecurityOpt", "Privileged", "GroupAdd", "PidsLimit", "VolumesFrom", "Links"),
    ):
        if host.get(name):
            yield name


def situation(instance: Instance, view: HostView, stack: str) -> Situation:
    """Where the instance stands; what isn't understood is `refused`, with what was found."""
    is_ours = {"exec.stack": stack, "exec.instance": instance.key}.items()
    ours = [c for c in view.containers if is_ours <= c.labels.items()]
    fitting = [c for c in view.containers if c not in ours and _fits(c, instance)]
    aside = [c for c in fitting if c.is_aside]
    running = [c for c in fitting if not c.is_aside and c.is_running]
    legacy = running or [c for c in fitting if not c.is_aside]
    why = _refusal(instance, view, ours, legacy, aside, stack)
    if why:
        return Situation(instance, "refused", why=why)
    if legacy:
        return Situation(instance, "legacy", legacy[0])
    if aside and (not ours or not ours[0].is_running or instance.is_stopped):
        return Situation(instance, "cut", aside[0])
    if ours:
        return Situation(instance, "ours", aside[0] if aside else None)
    return Situation(instance, "nothing")


def _fits(container: Container, instance: Instance) -> bool:
    """Whether it is a container for this instance: by its name, or by its image or compose's word
    for it where nothing says that it listens on another port."""
    if container.own_name == instance.container_name or instance.port in container.ports:
        return True
    said = container.environment.get("PORT")
    if container.ports or (said is not None and said != str(instance.port)):
        return False
    service = container.labels.get(f"{COMPOSE}service", "").lower()
    image, its_own = parsed(container.image), parsed(instance.place)
    is_its_image = image is not None and its_own is not None and image.name == its_own.name
    return is_its_image or service.startswith(instance.service)


def _refusal(
    instance: Instance,
    view: HostView,
    ours: Sequence[Container],
    legacy: Sequence[Container],
    aside: Sequence[Container],
    stack: str,
) -> str:
    if len(legacy) > 1:
        names = " and ".join(_described(c) for c in legacy)
        return f"{names} could both be it; remove or rename the one that isn't"
    if len(aside) > 1:
        return f"{' and '.join(c.name for c in aside)} were both set aside; remove one"
    for container in legacy:
        other = container.labels.get("exec.stack")
        if other is not None and other != stack:
            return f"{_described(container)} is the stack {other}'s"
        org = container.environment.get("ORG_ID")
        if org not in (None, instance.labels["exec.org"]):
            return f"{_described(container)} serves another EX organization, {org}"
        if ours:
            return f"{ours[0].name} is ours, but {_described(container)} is there as well; stop it"
        if aside:
            return (
                f"{aside[0].name} was set aside before, and now there is {_described(container)}:"
                " did the vendor's script run again? Remove one of them"
            )
    is_taken = instance.port in view.taken_ports
    if is_taken and not ours and not any(c.is_running for c in legacy):
        return (
            f"something listens on port {instance.port} that isn't a container known here; see"
            f" what: sudo ss -ltnp sport = :{instance.port}"
        )
    return ""


def _described(container: Container) -> str:
    return f"the container {container.name} ({container.image}, {container.state})"


def difference(
    container: Container, instance: Instance, view: HostView, secrets: Mapping[str, str]
) -> list[str]:
    """What will be otherwise, a line each; of secrets only whether they differ, and of variables
    that aren't ours only the name."""
    wanted_mount = f"{instance.log_host_path}:{instance.log_container_path}"
    log = f"json-file (max-file={instance.log_max_files}, max-size={instance.log_max_size_mib}m)"
    lines = [_image(container, instance, view), *_variables(container, instance, secrets)]
    for what, before, after in (
        ("mounts", ", ".join(container.mounts) or "none", wanted_mount),
        ("network", container.network, "host"),
        ("restart", container.restart, "unless-stopped"),
        ("log", container.log, log),
    ):
        if before != after:
            lines.append(f"{what}: {before} -> {after}")
    project = container.labels.get(f"{COMPOSE}project")
    if project is not None:
        files = container.labels.get(f"{COMPOSE}project.config_files", "its files")
        lines.append(f"compose: project {project}, {files}: compose no longer knows it")
    lines += [f"not kept: {more}" for more in container.more]
    return lines


def _image(container: Container, instance: Instance, view: HostView) -> str:
    here = view.image_ids.get(instance.image)
    if here == container.image_id:
        same = "" if container.image == instance.image else f", called {instance.image}"
        return f"image: the same, {container.image} ({_short(here)}){same}"
    there = _short(here) if here is not None else "pulled before anything is stopped"
    return f"image: {container.image} ({_short(container.image_id)}) -> {instance.image} ({there})"


def _short(image_id: str) -> str:
    return image_id.removeprefix("sha256:")[:12]


def _variables(
    container: Container, instance: Instance, secrets: Mapping[str, str]
) -> Iterable[str]:
    has, plain = container.environment, instance.environment
    hidden = {v: secrets[n] for v, n in instance.secret_environment.items() if n in secrets}
    same = [name for name, value in plain.items() if has.get(name) == value]
    yield f"variables: {len(same)} the same"
    for name, value in hidden.items():
        if name in has:
            yield f"variable {name} (secret): {'same' if has[name] == value else 'DIFFERS'}"
        else:
            yield f"variable {name} (secret): new"
    for name, value in plain.items():
        if name not in has:
            yield f"variable {name}: new, {value!r}"
        elif name not in same:
            yield f"variable {name}: {has[name]!r} -> {value!r}"
    for name in sorted(has.keys() - plain.keys() - hidden.keys()):
        section = instance.service if instance.pair is None else f"excp.pairs.{instance.pair}"
        yield f"variable {name}: not kept; to keep it, write it into {section}.environment"
