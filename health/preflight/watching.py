"""The hosts on which something is placed beside EXEC: whether it will run there. Pure.

Nothing of this stops a deployment, `monitoring.required` or not: EXEC comes first, and alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from config_schema import CheckName, canonical_host
from health.preflight import docker, machine, registry
from health.preflight.check import Check, StackView
from health.preflight.finding import Finding, judged
from health.preflight.host_facts import DockerAccess, HostFacts
from health.preflight.registry import Manifest
from health.preflight.subject import Subject, Watchers
from oci.reference import ImageReference


@dataclass(frozen=True)
class _View:
    """What is to be placed, and what its host said, as far as it could be asked."""

    subject: Subject
    watchers: Watchers
    facts: HostFacts
    manifests: registry.Manifests

    @property
    def host(self) -> str:
        return self.watchers.host


def _views(stack: StackView) -> Iterator[_View]:
    """Each host but those whose Docker can't be asked: `monitoring-host`, or EXEC's own checks, say
    so."""
    for wanted in stack.subject.watchers:
        answers = stack.watchers.get(wanted.host)
        if answers is not None and answers.facts is not None and answers.facts.docker:
            manifests = {} if answers.registry is None else answers.registry.manifests
            yield _View(stack.subject, wanted, answers.facts, manifests)


def _host(stack: StackView) -> Iterator[Finding]:
    host = stack.subject.config.monitoring.host
    answers = stack.watchers.get(host or "")
    if host is None or answers is None:
        return
    found, fix = answers.login.why(), "check that SSH reaches it; or take monitoring.host out"
    if answers.facts is not None:
        user = stack.subject.config.ssh.at(host).user
        found, fix = docker.access_words(answers.facts.access, user)
    yield judged(
        answers.facts is not None and answers.facts.access is DockerAccess.ALLOWED,
        CheckName.MONITORING_HOST,
        host,
        found,
        "SSH, and docker without sudo",
        "warning",
        fix,
    )


def _apart(stack: StackView) -> Iterator[Finding]:
    host = stack.subject.config.monitoring.host
    if host is None or host not in stack.watchers:
        return
    name = canonical_host(host)
    there = [i.key for i in stack.subject.layout.instances if canonical_host(i.host) == name]
    yield judged(
        not there,
        CheckName.MONITORING_APART,
        host,
        f"it is the host of {', '.join(there)} too" if there else "none of EXEC's hosts",
        "a host that doesn't fail together with what it watches",
        "warning",
        "name another monitoring.host; or waive it, if that is intended",
    )


def _port(stack: StackView) -> Iterator[Finding]:
    return (finding for view in _views(stack) for finding in _ports_of(view))


def _ports_of(view: _View) -> Iterator[Finding]:
    label, value = view.watchers.label
    running = [c for c in view.facts.containers if c.is_running]
    ours = {c.name for c in running if c.labels.get(label) == value}
    for port, name in view.watchers.ports.items():
        users = view.facts.listeners.get(port, ())
        found = f"{port} is {name}'s" if name in ours else f"{port} is free"
        if users and name not in ours:
            found = f"{port} is taken by a process of {' and '.join(users)}"
        yield judged(
            not users or name in ours,
            CheckName.MONITORING_PORT,
            view.host,
            found,
            f"{port} is free, or {name}'s",
            "warning",
            f"on the host: sudo ss -ltnp 'sport = :{port}'; stop it, or give it another port",
        )


def _disk(stack: StackView) -> Iterator[Finding]:
    for view in _views(stack):
        to_pull = registry.to_pull(view.watchers.images, view.facts, view.manifests)
        fix = "a larger disk; for Prometheus fewer days of monitoring.prometheus.retention_days"
        check = CheckName.MONITORING_DISK
        yield machine.room_for(to_pull, check, view.host, view.facts, "warning", fix)


def _image(stack: StackView) -> Iterator[Finding]:
    return (_image_of(view, image) for view in _views(stack) for image in view.watchers.images)


def _image_of(view: _View, image: str) -> Finding:
    name, host = CheckName.MONITORING_IMAGE, view.host
    if registry.image_on_host(view.facts, image) is not None:
        return Finding(name, host, "on the host", image)
    manifest = view.manifests.get(image)
    if isinstance(manifest, Manifest):
        return Finding(name, host, "in the registry", image)
    if manifest is not None:
        fix = "bring it there: docs/monitoring.md, A Prometheus that exctl places and Logs"
        return Finding(name, host, manifest.words, image, "warning", fix)
    why = "not on the host, and the registry couldn't be asked"
    if not is_asked_for(view.subject, image):
        why = f"not on the host; {ImageReference.parse(image).api_host} isn't asked"
    return Finding(name, host, why, image, "unknown", f"on the host: docker pull {image}")


def is_asked_for(subject: Subject, image: str) -> bool:
    """Whether the image is in the registry of the services' images, whose login we have."""
    return ImageReference.parse(image).api_host == subject.registry_host


HOST = Check(
    CheckName.MONITORING_HOST,
    "`monitoring.host` is reached over SSH, and its Docker may be used",
    of_stack=_host,
    stops=False,
)
APART = Check(
    CheckName.MONITORING_APART,
    "`monitoring.host` isn't an EXEC host",
    of_stack=_apart,
    stops=False,
)
PORT = Check(
    CheckName.MONITORING_PORT,
    "each port of what is placed beside EXEC is free, or its own already",
    of_stack=_port,
    stops=False,
)
DISK = Check(
    CheckName.MONITORING_DISK,
    "Docker's disk there has room for its images",
    of_stack=_disk,
    stops=False,
)
IMAGE = Check(
    CheckName.MONITORING_IMAGE,
    "each image of it is on the host, or in the registry",
    of_stack=_image,
    stops=False,
)
