"""The image registry, asked from a host as that host's Docker daemon would ask it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import requests

from health.preflight.finding import Finding, Verdict
from health.preflight.host_facts import HostFacts
from health.preflight.outcome import Outcome, of_error
from health.preflight.subject import Subject
from health.preflight.tunnel import Tunnels, trusting, trusting_anybody
from hosts.docker import Image

MANIFESTS = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "docker.distribution.manifest.v2",
        "docker.distribution.manifest.list.v2",
        "oci.image.manifest.v1",
        "oci.image.index.v1",
    )
)
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


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


class _RefusedError(Exception):
    pass


def ask(subject: Subject, host: str, facts: HostFacts, tunnels: Tunnels) -> RegistryAnswer:
    """Logs in and looks up every image of the host."""
    registry = subject.config.registry
    password = subject.secrets.get("registryPassword")
    if registry.username is not None and password is None:
        return RegistryAnswer(Outcome("not asked", subject.no_secrets or "no registryPassword"))
    if not facts.docker:
        return RegistryAnswer(Outcome("not asked", "Docker can't be asked how it speaks with it"))
    has_proxy = facts.docker.get("HttpsProxy") or facts.docker.get("HttpProxy")
    no_proxy = str(facts.docker.get("NoProxy") or "")
    if has_proxy and not _goes_past_proxy(subject.registry.host, no_proxy):
        return RegistryAnswer(Outcome("not asked", "the daemon asks it through a proxy"))
    login = (registry.username, password) if registry.username and password else None
    client = _Client(subject, facts, tunnels, login)
    found: dict[str, Manifest | Outcome] = {}
    try:
        client.log_in()
        for image in subject.images(host):
            found[image] = client.manifest(image, is_wanted=image_on_host(facts, image) is None)
    except _RefusedError:
        whom = f"{registry.username} or registryPassword" if login else "whoever has no login"
        return RegistryAnswer(Outcome("refused", f"it refuses {whom}"))
    except (requests.RequestException, OSError) as error:
        return RegistryAnswer(of_error(error, tunnels), found)
    return RegistryAnswer(Outcome("done"), found)


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
    host = registry.partition(":")[0]
    return any(_is_in(host, cidr) for cidr in config.get("InsecureRegistryCIDRs") or ())


class _Client:
    """The registry's HTTP API, as far as it is needed. Source: OCI Distribution Specification."""

    def __init__(
        self,
        subject: Subject,
        facts: HostFacts,
        tunnels: Tunnels,
        login: tuple[str, str] | None,
    ) -> None:
        self._name = subject.config.registry.repository.split("/")[0]
        self._login = login
        self._machine = _MACHINES.get(facts.facts.get("machine", ""), facts.facts.get("machine"))
        self._is_insecure = is_insecure(facts, self._name)
        if self._is_insecure:
            context = trusting_anybody()
        else:
            context = trusting(subject.config.preflight.ca_path, facts.registry_certificates)
        self._session = tunnels.session(context)
        self._tokens: dict[str, str] = {}
        self._base = f"https://{self._name}"

    def log_in(self) -> None:
        """Finds out how it wants to be spoken to, as the daemon does: without TLS only if that was
        allowed, and if it has none."""
        try:
            answer = self._get("/v2/", "")
        except requests.ConnectionError:
            if not self._is_insecure:
                raise
            self._base = f"http://{self._name}"
            answer = self._get("/v2/", "")
        answer.raise_for_status()

    def manifest(self, image: str, is_wanted: bool) -> Manifest | Outcome:
        """The image's manifest; its size too if it `is_wanted`, to be pulled."""
        path, reference = named(image.removeprefix(f"{self._name}/"))
        place = f"/v2/{path}/manifests/"
        answer = self._get(place + reference, path, "GET" if is_wanted else "HEAD")
        if answer.status_code == 404:
            return Outcome("refused", "the registry has no such image")
        if not answer.ok:
            return Outcome("failed", f"the registry answers HTTP {answer.status_code}")
        digest = answer.headers.get("Docker-Content-Digest", "")
        return Manifest(digest, self._size(place, path, answer) if is_wanted else None)

    def _size(self, place: str, path: str, answer: requests.Response) -> int | None:
        try:
            content = answer.json()
            if "manifests" in content:
                mine = next(m for m in content["manifests"] if self._is_for_host(m))
                content = self._get(place + mine["digest"], path).json()
            return sum(int(layer["size"]) for layer in content["layers"])
        except (ValueError, KeyError, TypeError, StopIteration):
            return None

    def _is_for_host(self, entry: Mapping[str, Any]) -> bool:
        platform = entry.get("platform") or {}
        return platform.get("os") == "linux" and platform.get("architecture") == self._machine

    def _get(self, path: str, repository: str, method: str = "GET") -> requests.Response:
        answer = self._send(method, path, repository)
        if answer.status_code == 401 and self._has_answered(answer, repository):
            answer = self._send(method, path, repository)
        if answer.status_code in (401, 403):
            raise _RefusedError
        return answer

    def _send(self, method: str, path: str, repository: str) -> requests.Response:
        headers = {"Accept": MANIFESTS}
        if repository in self._tokens:
            headers["Authorization"] = self._tokens[repository]
        return self._session.request(method, self._base + path, headers=headers)

    def _has_answered(self, answer: requests.Response, repository: str) -> bool:
        """Whether there is now something to answer the registry's challenge with."""
        kind, _, rest = answer.headers.get("WWW-Authenticate", "").partition(" ")
        if kind.lower() == "basic" and self._login is not None:
            request = requests.Request(auth=self._login, url=self._base).prepare()
            self._tokens[repository] = request.headers["Authorization"]
            return True
        if kind.lower() == "bearer":
            token = self._token(dict(_PARAMETER.findall(rest)), repository)
            self._tokens[repository] = f"Bearer {token}"
            return bool(token)
        return False

    def _token(self, challenge: Mapping[str, str], repository: str) -> str:
        realm = challenge.get("realm", "")
        if urlsplit(realm).scheme != "https" and not self._is_insecure:
            return ""
        wanted = {"service": challenge.get("service", "")}
        if repository:
            wanted["scope"] = f"repository:{repository}:pull"
        answer = self._session.get(realm, params=wanted, auth=self._login)
        if answer.status_code in (401, 403):
            raise _RefusedError
        try:
            found = answer.json()
            return str(found.get("token") or found.get("access_token") or "")
        except (ValueError, AttributeError):
            return ""


def named(image: str) -> tuple[str, str]:
    """An image's repository, and the tag or the digest that it is called by there."""
    repository, _, reference = image.rpartition("@" if "@" in image else ":")
    return repository, reference


def image_on_host(facts: HostFacts, image: str) -> Image | None:
    """The host's image of that name and tag, or digest."""
    return next((found for found in facts.images if image in found.names), None)


def has_all_images(subject: Subject, host: str, facts: HostFacts) -> bool:
    """Whether the host needs nothing of the registry."""
    return all(image_on_host(facts, image) for image in subject.images(host))


def to_pull(
    subject: Subject, host: str, facts: HostFacts, manifests: Manifests
) -> dict[str, int | None]:
    """The images that the host lacks, with their compressed bytes where they are known."""
    found: dict[str, int | None] = {}
    for image in subject.images(host):
        if image_on_host(facts, image) is None:
            manifest = manifests.get(image)
            found[image] = manifest.size_bytes if isinstance(manifest, Manifest) else None
    return found


def login_finding(subject: Subject, host: str, facts: HostFacts, login: Outcome) -> Finding:
    """A registry that can't be used is only a warning where the host has every image already: a
    rollback then doesn't need it. Pure."""
    has_all = has_all_images(subject, host, facts)
    name = subject.registry
    user = subject.config.registry.username
    needed = f"{name} takes {user or 'requests without a login'}"
    if login.kind == "done":
        return Finding("registry-login", host, "it answers, and takes us", needed)
    words = f"{login.words}; every image is on the host" if has_all else login.words
    fixes = {
        "refused": "exctl rotate registryPassword, or correct registry.username",
        "not trusted": f"put its authority into /etc/docker/certs.d/{name} on the host; for this"
        " check alone, into preflight.ca_path",
        "not asked": "set what is missing, and run it again",
    }
    verdict: Verdict = "warning" if has_all else "stops"
    if login.kind in ("not asked", "not trusted"):
        # The daemon trusts what its host's own store says as well, which isn't seen from here.
        verdict = "not known"
    fix = fixes.get(login.kind, "see that the registry runs")
    return Finding("registry-login", host, words, needed, verdict, fix)


def image_findings(
    subject: Subject, host: str, facts: HostFacts, manifests: Manifests
) -> Iterator[Finding]:
    """Where each of the host's images is, and whether both places mean the same; pure."""
    for image in subject.images(host):
        on_host, manifest = image_on_host(facts, image), manifests.get(image)
        yield _image(host, image, on_host, manifest)
        if on_host is not None and isinstance(manifest, Manifest) and manifest.digest:
            yield _digest(host, image, on_host, manifest)


def _image(
    host: str, image: str, on_host: Image | None, manifest: Manifest | Outcome | None
) -> Finding:
    if isinstance(manifest, Manifest):
        where = "on the host and in the registry" if on_host else "in the registry"
        return Finding("image", host, where, image)
    fix = f"push it (exctl images), or name a tag that is there: {named(image)[1]} isn't"
    if on_host is not None:
        if manifest is not None:
            return Finding(
                "image", host, f"on the host, but {manifest.words}", image, "warning", fix
            )
        return Finding("image", host, "on the host; the registry wasn't asked", image)
    if manifest is None:
        why = "not on the host, and the registry couldn't be asked"
        return Finding("image", host, why, image, "not known", "see registry-login")
    return Finding("image", host, manifest.words, image, "stops", fix)


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
