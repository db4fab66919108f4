"""The images of a host: the registry's word on them, and the host's own. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from config_schema import CheckName
from health.preflight import registry
from health.preflight.check import Check, HostView
from health.preflight.finding import Finding


def _login(view: HostView) -> Iterator[Finding]:
    answer = view.answers.registry
    if view.facts.docker and answer is not None and view.subject.registry is not None:
        yield registry.login_finding(view.subject, view.host, view.facts, answer.login)


def _images(view: HostView) -> Iterator[Finding]:
    if view.facts.docker:
        answer = view.answers.registry
        manifests = {} if answer is None else answer.manifests
        yield from registry.image_findings(view.subject, view.host, view.facts, manifests)


def _image(view: HostView) -> Iterator[Finding]:
    return (found for found in _images(view) if found.check == CheckName.IMAGE)


def _digest(view: HostView) -> Iterator[Finding]:
    return (found for found in _images(view) if found.check == CheckName.IMAGE_DIGEST)


LOGIN = Check(
    CheckName.REGISTRY_LOGIN, "the registry takes registry.username and registryPassword", _login
)
IMAGE = Check(CheckName.IMAGE, "the registry has the image, or the host has it already", _image)
DIGEST = Check(
    CheckName.IMAGE_DIGEST,
    "the registry's tag still means the image on the host",
    _digest,
    stops=False,
)
