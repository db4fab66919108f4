"""Who we are to a registry: what the provider's settings say, else what `docker login` left on the
operator's machine, credential helpers and stores among it."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from plugins.docker.errors import Refused

Credentials: TypeAlias = Mapping[str, str]
_HUB = "docker.io"
_HUB_NAMES = ("registry-1.docker.io", "index.docker.io", _HUB, "registry.hub.docker.com")
_ECR = re.compile(r"public\.ecr\.aws|.*dkr\.ecr\..*\.amazonaws\.com(\.cn)?")


def registry_of(image: str) -> str:
    """The registry of an image's name; `docker.io` where it names none."""
    first, slash, _ = image.partition("@")[0].partition("/")
    is_host = slash and ("." in first or ":" in first or first == "localhost")
    return _canonical(first) if is_host else _HUB


def _canonical(address: str) -> str:
    host = re.sub(r"^https?://", "", address).partition("/")[0]
    return _HUB if host in _HUB_NAMES else host


def credentials_for(
    image: str, entries: Sequence[Mapping[str, Any]], within: Callable[[Callable[[], Any]], Any]
) -> Credentials | None:
    """The credentials for an image's registry; None for an anonymous pull. `within` runs what may
    start a program of the operator's, a credential helper, and limits its time. Refused names the
    file or helper that doesn't work."""
    registry = registry_of(image)
    for entry in entries:
        if _canonical(str(entry.get("address") or "")) == registry:
            return _of_entry(registry, entry, within)
    return _of_file(registry, _own_file(), within)


def _of_entry(
    registry: str, entry: Mapping[str, Any], within: Callable[[Callable[[], Any]], Any]
) -> Credentials | None:
    if entry.get("authDisabled") in (True, "true"):
        return None
    user = str(entry.get("username") or os.environ.get("DOCKER_REGISTRY_USER") or "")
    password = str(entry.get("password") or os.environ.get("DOCKER_REGISTRY_PASS") or "")
    if user:
        secret = _of_ecr(password) if _ECR.fullmatch(registry) else password
        return {"username": user, "password": secret, "serveraddress": registry}
    if content := entry.get("configFileContent"):
        return _of_config(registry, str(content), "configFileContent", within)
    path = entry.get("configFile")
    return _of_file(registry, Path(str(path)).expanduser() if path else _own_file(), within)


def _of_ecr(password: str) -> str:
    """The token itself, in whichever of Amazon's forms it is given."""
    if password.startswith("ey"):
        return password
    if not password.startswith("AWS:"):
        try:
            password = base64.b64decode(password, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return password
    return password.removeprefix("AWS:")


def _own_file() -> Path:
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    return folder / "config.json" if folder.is_dir() or not folder.exists() else folder


def _of_file(
    registry: str, path: Path, within: Callable[[Callable[[], Any]], Any]
) -> Credentials | None:
    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as problem:
        raise Refused(f"{path}: the registry's credentials can't be read: {problem}") from None
    return _of_config(registry, content, str(path), within)


def _of_config(
    registry: str, content: str, where: str, within: Callable[[Callable[[], Any]], Any]
) -> Credentials | None:
    from docker.auth import AuthConfig
    from docker.errors import DockerException

    try:
        config = json.loads(content)
        known = ("auths", "credsStore", "credHelpers")
        parts = {key: config[key] for key in known if config.get(key)}
        auths = AuthConfig.parse_auth(parts.pop("auths", {}), raise_on_error=True)
    except (ValueError, TypeError, AttributeError, DockerException):
        raise Refused(
            f"{where}: is no Docker configuration; correct it, or set DOCKER_CONFIG"
        ) from None
    found = AuthConfig({"auths": auths, **parts})
    try:
        credentials = within(lambda: found.resolve_authconfig(registry))
    except DockerException as problem:
        helper = found.get_credential_store(registry)
        raise Refused(
            f"{where}: the credential helper docker-credential-{helper} gives nothing for"
            f" {registry}: {_words(problem)}"
        ) from None
    return credentials or None


def _words(problem: Exception) -> str:
    """The helper's own words, without the library's frames around them."""
    match = re.search(r"StoreError\(['\"](.*)['\"]\)", str(problem), re.S)
    return match.group(1) if match else str(problem)
