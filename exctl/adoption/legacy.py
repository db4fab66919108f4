"""Containers that compose or the vendor's script started: which is whose, and how it differs from
the one that would take its place. Pure, from what `docker inspect` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

from hosts.docker import ASIDE, Container, Image
from oci.reference import parsed
from stack.layout import Instance

MIB, NANO = 1024 * 1024, 1_000_000_000
COMPOSE = "com.docker.compose."

Kind = Literal["ours", "lost", "legacy", "cut", "nothing", "refused"]


NO_IMAGE = Image("")


@dataclass(frozen=True)
class Candidate(Container):
    """A container that may be adopted, beside its image: what the image brings isn't its own."""

    base: Image = NO_IMAGE

    @property
    def is_aside(self) -> bool:
        return self.name.endswith(ASIDE)

    @property
    def own_name(self) -> str:
        """Its name before it was set aside."""
        return self.name.removesuffix(ASIDE)

    @property
    def own_environment(self) -> Mapping[str, str]:
        """Its variables but for those that its image brings."""
        return dict(self.environment.items() - self.base.environment.items())

    @property
    def more(self) -> Iterable[str]:
        """Settings that compose can make and that an instance of ours hasn't."""
        config, host = self.inspected["Config"], self.inspected["HostConfig"]
        image = self.base.inspected.get("Config") or {}
        for name in ("User", "WorkingDir", "Entrypoint", "Cmd", "Healthcheck"):
            if (config.get(name) or None) != (image.get(name) or None):
                yield f"{name} of its own"
        for name in (
            *("ExtraHosts", "Dns", "CapAdd", "CapDrop", "Ulimits", "Tmpfs", "Devices", "Sysctls"),
            *("SecurityOpt", "Privileged", "GroupAdd", "PidsLimit", "VolumesFrom", "Links"),
        ):
            if host.get(name):
                yield name


@dataclass(frozen=True)
class LegacyHost:
    """What a host has: its containers, which of our ports something listens on, the ids of the
    images that we would use, and files of the vendor's with a password in plaintext."""

    containers: tuple[Candidate, ...]
    taken_ports: frozenset[int]
    image_ids: Mapping[str, str]
    clear_files: tuple[str, ...]


@dataclass(frozen=True)
class Situation:
    """Where one instance stands: `ours` already, `lost` (ours as the stack file has it, but not in
    the state: taken back as it runs), `legacy` (to be adopted by replacing it), `cut` (its legacy
    container was set aside by a run that didn't come to its end), `nothing` there, or `refused`."""

    instance: Instance
    kind: Kind
    container: Candidate | None = None
    why: str = ""


def candidates(
    containers: Iterable[Container], images: Mapping[str, Image]
) -> tuple[Candidate, ...]:
    """Each container beside its image, which is found by id."""
    return tuple(
        Candidate(
            **{field.name: getattr(found, field.name) for field in fields(found)},
            base=images.get(found.image_id, NO_IMAGE),
        )
        for found in containers
    )


def situation(instance: Instance, view: LegacyHost, stack: str) -> Situation:
    """Where the instance stands; what isn't understood is `refused`, with what was found."""
    is_ours = {"exec.stack": stack, "exec.instance": instance.key}.items()
    ours = [c for c in view.containers if is_ours <= c.labels.items() and not c.is_aside]
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


def _fits(container: Candidate, instance: Instance) -> bool:
    """Whether it is a container for this instance: by its name, or by its image or compose's word
    for it where nothing says that it listens on another port."""
    if container.own_name == instance.container_name or instance.port in container.ports:
        return True
    said = container.own_environment.get("PORT")
    if container.ports or (said is not None and said != str(instance.port)):
        return False
    service = container.labels.get(f"{COMPOSE}service", "").lower()
    image, its_own = parsed(container.image), parsed(instance.place)
    is_its_image = image is not None and its_own is not None and image.name == its_own.name
    return is_its_image or service.startswith(instance.service)


def _refusal(
    instance: Instance,
    view: LegacyHost,
    ours: Sequence[Candidate],
    legacy: Sequence[Candidate],
    aside: Sequence[Candidate],
    stack: str,
) -> str:
    if len(legacy) > 1:
        names = " and ".join(_described(c) for c in legacy)
        return f"{names} could both be this instance; remove or rename the wrong one"
    if len(aside) > 1:
        return f"{' and '.join(c.name for c in aside)} were both set aside; remove one"
    for container in legacy:
        other = container.labels.get("exec.stack")
        if other is not None and other != stack:
            return f"{_described(container)} is the stack {other}'s"
        org = container.own_environment.get("ORG_ID")
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


def lost(
    found: Situation, ours: Candidate, view: LegacyHost, secrets: Mapping[str, str]
) -> Situation:
    """Where an instance stands whose own container isn't in the state: one that is as the stack
    file has it is taken back as it runs, any other is replaced as a legacy one is."""
    kind: Kind = "lost" if _is_as_wanted(ours, found.instance, view, secrets) else "legacy"
    return replace(found, kind=kind, container=ours)


def own_container(instance: Instance, view: LegacyHost, stack: str) -> Candidate | None:
    """The container with this stack's labels for the instance; not one that was set aside."""
    wanted = {"exec.stack": stack, "exec.instance": instance.key}.items()
    found = (c for c in view.containers if wanted <= c.labels.items() and not c.is_aside)
    return next(found, None)


def _is_as_wanted(
    container: Candidate, instance: Instance, view: LegacyHost, secrets: Mapping[str, str]
) -> bool:
    """Whether the run would make the very same: the docker plugin takes only such a one as made.
    A secret that isn't known is doubt, and no."""
    names = instance.secret_environment
    if not set(names.values()) <= secrets.keys():
        return False
    wanted = {**instance.environment, **{v: secrets[n] for v, n in names.items()}}
    memory_mib, cpus = instance.resources.memory_mib, instance.resources.cpus
    return (
        container.name == instance.container_name
        and instance.labels.items() <= container.labels.items()
        and wanted.items() <= container.environment.items()
        and container.image == container.image_id == view.image_ids.get(instance.image)
        and container.memory_bytes == (memory_mib or 0) * MIB
        and container.nano_cpus == round((cpus or 0) * NANO)
        and not any(_settings(container, instance))
    )


def _described(container: Candidate) -> str:
    return f"the container {container.name} ({container.image}, {container.state.word})"


def difference(
    container: Candidate, instance: Instance, view: LegacyHost, secrets: Mapping[str, str]
) -> list[str]:
    """What will be otherwise, a line each; of secrets only whether they differ, and of variables
    that aren't ours only the name."""
    lines = [_image(container, instance, view), *_variables(container, instance, secrets)]
    lines += _settings(container, instance)
    project = container.labels.get(f"{COMPOSE}project")
    if project is not None:
        files = container.labels.get(f"{COMPOSE}project.config_files", "its files")
        lines.append(f"compose: project {project}, {files}: compose no longer knows it")
    lines += [f"not kept: {more}" for more in container.more]
    return lines


def _settings(container: Candidate, instance: Instance) -> Iterator[str]:
    """What differs of mounts, network, restart policy and log."""
    mount = f"{instance.log_host_path}:{instance.log_container_path}"
    options = ", ".join(f"{name}={value}" for name, value in sorted(instance.log_options.items()))
    log = f"{instance.log_driver}{f' ({options})' if options else ''}"
    for what, before, after in (
        ("mounts", ", ".join(sorted(map(str, container.mounts))) or "none", mount),
        ("network", container.network, "host"),
        ("restart", container.restart, "unless-stopped"),
        ("log", container.log, log),
    ):
        if before != after:
            yield f"{what}: {before} -> {after}"


def _image(container: Candidate, instance: Instance, view: LegacyHost) -> str:
    here = view.image_ids.get(instance.image)
    if here == container.image_id:
        same = "" if container.image == instance.image else f", called {instance.image}"
        return f"image: the same, {container.image} ({_short(here)}){same}"
    there = _short(here) if here is not None else "pulled before anything is stopped"
    return f"image: {container.image} ({_short(container.image_id)}) -> {instance.image} ({there})"


def _short(image_id: str) -> str:
    return image_id.removeprefix("sha256:")[:12]


def _variables(
    container: Candidate, instance: Instance, secrets: Mapping[str, str]
) -> Iterable[str]:
    has, plain = container.own_environment, instance.environment
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
