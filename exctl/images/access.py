"""The way into a stack's registry: with the stack file's login, from here or through a host."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import requests
from pulumi import automation as auto

from config_schema import ExecConfig, Runtime
from exctl.errors import ExctlError, NothingTouched
from exctl.hosts import on_host, reached
from exctl.images.wording import sentence
from exctl.pulumi.workspace import explained, open_stack
from exctl.site import Site
from hosts.tunnel import TunnelAdapter, dialled
from oci.errors import LoginError, RegistryError
from oci.login import Login, login_of
from oci.reference import ImageReference
from oci.registry import RegistryClient
from stack.paths import NAMESPACE
from stack.ssh import ssh_target
from vendor_facts import SERVICES, Service


def registry_of(site: Site, via: str | None = None) -> RegistryClient:
    """The stack's registry; with `via`, as that host reaches it. Use it within `registry_errors`.

    Raises NothingTouched if the stack has none, ExctlError if the login can't be had.
    """
    settings = site.config.registry
    if not settings.is_used:
        raise NothingTouched(
            "this stack has no registry (registry.repository: none); exctl images push brings an"
            " archive onto its hosts."
        )
    schemes = ("http",) if settings.insecure else ("https",)
    session = requests.Session()
    session.trust_env = False  # ~/.netrc and proxies are for other places than ours
    session.verify = _authorities()
    if via is not None:
        checked(site, "--via", via)
        reached(via, on_host(site, via)(["true"]))
        ssh = ssh_target(site.config.ssh, via).command
        adapter = TunnelAdapter(lambda host, port: dialled(ssh, host, port)[0])
        session.mount("http://", adapter)
        session.mount("https://", adapter)
    host = ImageReference.parse(f"{settings.repository}/excs").api_host
    return RegistryClient(host, session, _login(site), schemes)


def _login(site: Site) -> Login | None:
    """The password goes into this process's memory and from there to the registry: not into an
    argument, a file, or a host."""

    def secret() -> str:
        try:
            return open_stack(site).get_config(f"{NAMESPACE}:registryPassword").value
        except auto.CommandError as error:
            raise ExctlError(f"registryPassword can't be read: {explained(error, site)}") from None

    try:
        return login_of(site.config.registry, secret, site.project)
    except LoginError as error:
        raise ExctlError(f"{error}.") from None


def _authorities() -> str | bool:
    """The certificates to believe: the operator's variable, else this machine's own store."""
    named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
    return named or ssl.get_default_verify_paths().cafile or True


@contextmanager
def registry_errors(via: str | None = None) -> Iterator[None]:
    """Within, what goes wrong with the registry is an ExctlError in an operator's words."""
    try:
        yield
    except RegistryError as error:
        raise ExctlError(sentence(error, via is not None)) from None


def checked(site: Site, option: str, host: str) -> str:
    """The host, if it is the stack's. Raises NothingTouched with the hosts there are."""
    if host not in site.layout.hosts:
        raise NothingTouched(
            f"{option} {host}: the stack's hosts are {', '.join(site.layout.hosts)}."
        )
    return host


def image_named(config: ExecConfig, name: str) -> ImageReference:
    """The image of that name in the stack's repository, without tag and digest."""
    return ImageReference.parse(f"{config.registry.place}/{name}")


def names_of(config: ExecConfig, service: Service) -> tuple[str, ...]:
    """The names that a service's images have in the repository; pairs may differ."""
    parts: Mapping[Service, Sequence[Runtime]] = {
        "excs": [config.excs],
        "exas": [config.exas],
        "excp": list(config.excp.pairs.values()),
    }
    return tuple(dict.fromkeys(part.image or service for part in parts[service]))


def all_names(config: ExecConfig) -> tuple[str, ...]:
    """Every image name of the stack."""
    return tuple(dict.fromkeys(name for s in SERVICES for name in names_of(config, s)))
