"""Where the login of a registry comes from: a secret, a command, or this user's Docker config."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from config_schema import Registry
from oci.errors import LoginError
from oci.reference import HUB, ImageReference

COMMAND_SECONDS = 60
"""Chosen: a cloud's command line tool starts in a few seconds; one that asks a question never
ends."""
PASSWORD_BYTES = 64 << 10
"""Chosen: the longest password in use, a token of a cloud, has some 3 kB."""


@dataclass(frozen=True)
class Login:
    """A user and a password; with `is_identity_token` the password is one that tokens are had for,
    and the user doesn't count."""

    username: str
    password: str = field(repr=False)
    is_identity_token: bool = False


def login_of(registry: Registry, secret: Callable[[], str], project: Path) -> Login | None:
    """The login that the stack file means; None: without one. `secret` gives registryPassword; a
    command runs in the project's directory.

    Raises LoginError if a command or a credential helper doesn't give it.
    """
    if registry.docker_config:
        return from_docker_config(ImageReference.parse(f"{registry.place}/x").registry)
    if registry.username is None:
        return None
    if registry.password_command is not None:
        return Login(registry.username, password_from(registry.password_command, project))
    return Login(registry.username, secret())


def password_from(command: str, project: Path, seconds: float = COMMAND_SECONDS) -> str:
    """What the command prints, without the end of the line. No shell runs it.

    Raises LoginError if it fails, takes too long, or prints what can't be a password: what it
    printed is in no message.
    """
    said = f"registry.password_command ({shlex.split(command)[0]})"
    try:
        done = subprocess.run(
            shlex.split(command),
            cwd=project,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LoginError(f"{said} didn't end within {seconds:g} seconds") from None
    except OSError as error:
        raise LoginError(f"{said} can't be started: {error.strerror or error}") from None
    output = done.stdout.removesuffix(b"\n").removesuffix(b"\r")
    if done.returncode != 0:
        words = _last_line(done.stderr, output)
        raise LoginError(f"{said} ended with {done.returncode}{f': {words}' if words else ''}")
    if not output.strip():
        raise LoginError(f"{said} printed nothing; its output must be the password")
    if len(output) > PASSWORD_BYTES or any(c in output for c in b"\n\r\0"):
        raise LoginError(
            f"{said} printed {len(output)} bytes that aren't one line; its output must be the"
            f" password alone"
        )
    try:
        return output.decode()
    except UnicodeDecodeError:
        raise LoginError(f"{said} printed what isn't UTF-8") from None


def _last_line(stderr: bytes, output: bytes) -> str:
    """The last of what a command complains, unless the password is in it."""
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines()]
    last = next((line for line in reversed(lines) if line), "")
    secret = output.decode("utf-8", "replace").strip()
    return "" if secret and secret in last else last[:200]


def from_docker_config(registry: str) -> Login:
    """The login that `docker login` left in this user's Docker config: from a credential helper
    (credHelpers), the store of all (credsStore), or the file itself (auths).

    Raises LoginError if there is none, or its helper fails.
    """
    # Here: every run of the program imports this module, and few need 0.1 s of Docker's library.
    from docker import auth as docker_auth
    from docker.credentials.errors import StoreError
    from docker.errors import DockerException

    name = docker_auth.INDEX_NAME if registry == HUB else registry
    try:
        found = docker_auth.load_config().resolve_authconfig(name) or {}
    except (DockerException, StoreError) as error:
        words = " ".join(str(error).split())[:200]
        raise LoginError(f"the credential helper of Docker's config fails: {words}") from None
    token = found.get("IdentityToken") or found.get("identitytoken") or ""
    username = found.get("Username") or found.get("username") or ""
    password = found.get("Password") or found.get("password") or ""
    if token or (username and password):
        return Login(username, token or password, bool(token))
    raise LoginError(
        f"Docker's config (~/.docker/config.json, or DOCKER_CONFIG) has no login for {registry};"
        f" docker login {registry} makes one"
    )
