"""The image registry, asked from a host as that host's Docker daemon would ask it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from pathlib import Path

from health.preflight.finding import Finding, Verdict
from health.preflight.host_facts import HostFacts
from health.preflight.outcome import NOT_FORWARDED_FIX, Outcome, of_error
from health.preflight.subject import Subject
from health.preflight.tunnel import Tunnels, trusting, trusting_anybody
from hosts.docker import Image
from oci.errors import LoginError, RegistryError
from oci.login import login_of
from oci.manifest import size_and_part
from oci.reference import ImageReference, host_and_port
from oci.registry import RegistryClient
from stack.text import plain_text

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Manifest:
    """What the registry has under an image's tag: digest, compressed bytes of its layers, None
    if they weren't asked for or told."""

    digest: str
    size_bytes: int | None = None


Manifests = Mapping[str, Manifest | Outcome]
"""By image: its manifest, or why there is none; nothing if it couldn't be asked for."""


@dataclass(frozen=True)
class RegistryAnswer:
    """How the login went, and each image's manifest."""

    login: Outcome
    manifests: Manifests = field(default_factory=dict)


def with_login(subject: Subject, project: Path) -> Subject:
    """The subject with the registry's login, or why it can't be had: once a run, for all hosts."""
    registry = subject.config.registry
    if registry.needs_secret and "registryPassword" not in subject.secrets:
        return replace(subject, no_login=subject.no_secrets or "no registryPassword")
    try:
        login = login_of(registry, lambda: subject.secrets["registryPassword"], project)
    except LoginError as error:
        return replace(subject, no_login=str(error))
    return replace(subject, login=login)


def ask(
    subject: Subject, images: Iterable[str], facts: HostFacts, tunnels: Tunnels
) -> RegistryAnswer:
    """Logs in and looks up every image, from the host that the facts are of."""
    if subject.no_login:
        return RegistryAnswer(Outcome("not asked", subject.no_login))
    if not facts.docker:
        return RegistryAnswer(Outcome("not asked", "Docker can't be asked how it speaks with it"))
    has_proxy = facts.docker.get("HttpsProxy") or facts.docker.get("HttpProxy")
    no_proxy = str(facts.docker.get("NoProxy") or "")
    if has_proxy and not _goes_past_proxy(host_and_port(subject.registry_host)[0], no_proxy):
        return RegistryAnswer(Outcome("not asked", "the daemon asks it through a proxy"))
    client = _client(subject, facts, tunnels)
    found: dict[str, Manifest | Outcome] = {}
    try:
        client.log_in()
        for image in images:
            is_wanted = image_on_host(facts, image) is None
            found[image] = _manifest(client, ImageReference.parse(image), facts, is_wanted)
    except RegistryError as error:
        return RegistryAnswer(_outcome(subject, error, tunnels), found)
    return RegistryAnswer(Outcome("done"), found)


def _client(subject: Subject, facts: HostFacts, tunnels: Tunnels) -> RegistryClient:
    """As the host's daemon asks it: without TLS, or with any certificate, where it is told so."""
    if is_insecure(facts, subject.registry_host):
        session = tunnels.session(trusting_anybody())
        return RegistryClient(subject.registry_host, session, subject.login, ("https", "http"))
    context = trusting(subject.config.preflight.ca_path, facts.registry_certificates)
    return RegistryClient(subject.registry_host, tunnels.session(context), subject.login)


def _outcome(subject: Subject, error: RegistryError, tunnels: Tunnels) -> Outcome:
    if error.status in (401, 403):
        login = subject.login
        password = "registryPassword" if subject.config.registry.needs_secret else "its password"
        whom = f"{login.username} or {password}" if login else "whoever has no login"
        return Outcome("refused", f"it refuses {whom}")
    if error.status == 429:
        return Outcome("not asked", "it received too many requests (HTTP 429); wait a minute")
    if error.problem == "insecure login":
        return Outcome("failed", f"it wants the password sent to {error.place}, without TLS")
    if error.status:
        said = f" ({plain_text(error.said)})" if error.said else ""
        return Outcome("failed", f"it answers HTTP {error.status}{said}")
    return of_error(error, tunnels)


def _manifest(
    client: RegistryClient, image: ImageReference, facts: HostFacts, is_wanted: bool
) -> Manifest | Outcome:
    """The image's manifest; its size too if it `is_wanted`, to be pulled."""
    try:
        if not is_wanted:
            digest = client.digest(image)
            return Manifest(digest) if digest is not None else _NONE
        found = client.manifest(image)
        if found is None:
            return _NONE
        size, part = size_and_part(found.content, _architecture(facts))
        if part is not None:
            one = client.manifest(image.with_digest(part))
            size = size_and_part(one.content, "")[0] if one is not None else None
        return Manifest(found.digest, size)
    except RegistryError as error:
        if error.status in (0, 401, 403, 429):
            raise
        return Outcome("failed", f"the registry answers HTTP {error.status}")


_NONE = Outcome("refused", "the registry has no such image")


def _architecture(facts: HostFacts) -> str:
    machine = facts.facts.get("machine", "")
    return _ARCHITECTURES.get(machine, machine)


def _goes_past_proxy(host: str, no_proxy: str) -> bool:
    names = [name.strip().lstrip(".") for name in no_proxy.split(",") if name.strip()]
    if any(name == "*" or host == name or host.endswith(f".{name}") for name in names):
        return True
    return any(_is_in(host, name) for name in names)


def _is_in(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False


def is_insecure(facts: HostFacts, registry: str) -> bool:
    """Whether the daemon is told to speak with it without a certificate, or without TLS."""
    config = facts.docker.get("RegistryConfig") or {}
    known = (config.get("IndexConfigs") or {}).get(registry)
    if known is not None:
        return known.get("Secure") is False
    host, _ = host_and_port(registry)
    return any(_is_in(host, cidr) for cidr in config.get("InsecureRegistryCIDRs") or ())


def image_on_host(facts: HostFacts, image: str) -> Image | None:
    """The host's image of that name and tag, or digest."""
    return next((found for found in facts.images if found.is_named(image)), None)


def has_all_images(subject: Subject, host: str, facts: HostFacts) -> bool:
    """Whether the host needs nothing of the registry."""
    return all(image_on_host(facts, image) for image in subject.images(host))


def to_pull(images: Iterable[str], facts: HostFacts, manifests: Manifests) -> dict[str, int | None]:
    """Those of the images that the host lacks, with their compressed bytes where they are known."""
    found: dict[str, int | None] = {}
    for image in images:
        if image_on_host(facts, image) is None:
            manifest = manifests.get(image)
            found[image] = manifest.size_bytes if isinstance(manifest, Manifest) else None
    return found


def login_finding(subject: Subject, host: str, facts: HostFacts, login: Outcome) -> Finding:
    """A registry that can't be used is only a warning where the host has every image already: a
    rollback then doesn't need it. Pure."""
    has_all = has_all_images(subject, host, facts)
    name = subject.registry
    user = subject.login.username if subject.login else subject.config.registry.username
    needed = f"{name} takes {user or 'requests without a login'}"
    if login.kind == "done":
        return Finding("registry-login", host, "it answers, and takes us", needed)
    words = f"{login.words}; every image is on the host" if has_all else login.words
    fixes = {
        "refused": _password_fix(subject),
        "not trusted": f"put its authority into /etc/docker/certs.d/{name} on the host; for this"
        " check alone, into preflight.ca_path",
        "not asked": "set what is missing, and run it again",
        "not forwarded": NOT_FORWARDED_FIX,
    }
    verdict: Verdict = "warning" if has_all else "failed"
    if login.is_unknown or login.kind == "not trusted":
        # The daemon trusts what its host's own store says as well, which isn't seen from here.
        verdict = "unknown"
    fix = fixes.get(login.kind, "check that the registry runs")
    return Finding("registry-login", host, words, needed, verdict, fix)


def _password_fix(subject: Subject) -> str:
    registry = subject.config.registry
    if registry.docker_config:
        return f"docker login {subject.registry_host} on this machine, as who runs exctl"
    if registry.password_command is not None:
        return "see what registry.password_command gives, or correct registry.username"
    return "exctl rotate registryPassword, or correct registry.username"


def image_findings(
    subject: Subject, host: str, facts: HostFacts, manifests: Manifests
) -> Iterator[Finding]:
    """Where each of the host's images is, and whether both places mean the same; pure."""
    for image in subject.images(host):
        on_host, manifest = image_on_host(facts, image), manifests.get(image)
        if subject.registry is None:
            yield _brought(host, image, on_host)
            continue
        yield _image(host, image, on_host, manifest)
        if on_host is not None and isinstance(manifest, Manifest) and manifest.digest:
            yield _digest(host, image, on_host, manifest)


def _brought(host: str, image: str, on_host: Image | None) -> Finding:
    """Of a stack without a registry."""
    if on_host is not None:
        return Finding("image", host, f"on the host, {on_host.id[:19]}", image)
    found = "not on the host, and the stack has no registry"
    fix = f"exctl images push ARCHIVE --host {host}"
    return Finding("image", host, found, image, "failed", fix)


def _image(
    host: str, image: str, on_host: Image | None, manifest: Manifest | Outcome | None
) -> Finding:
    if isinstance(manifest, Manifest):
        where = "on the host and in the registry" if on_host else "in the registry"
        return Finding("image", host, where, image)
    reference = ImageReference.parse(image)
    fix = (
        "load it (exctl images load), or name a tag that is there:"
        f" {reference.digest or reference.tag} isn't"
    )
    if on_host is not None:
        if manifest is not None:
            return Finding(
                "image", host, f"on the host, but {manifest.words}", image, "warning", fix
            )
        return Finding("image", host, "on the host; the registry wasn't asked", image)
    if manifest is None:
        why = "not on the host, and the registry couldn't be asked"
        return Finding("image", host, why, image, "unknown", "see registry-login")
    return Finding("image", host, manifest.words, image, "failed", fix)


def _digest(host: str, image: str, on_host: Image, manifest: Manifest) -> Finding:
    if manifest.digest in on_host.digests:
        return Finding("image-digest", host, manifest.digest, f"that of {image} in the registry")
    return Finding(
        "image-digest",
        host,
        f"{', '.join(on_host.digests) or 'none'} on the host",
        f"{manifest.digest}, which the registry has for {image} now",
        "warning",
        "somebody pushed another image under this tag; give each image a tag of its own",
    )
