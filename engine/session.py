"""What every command starts from: the project, its backend, the stack and its secrets."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from engine import crypto
from engine.backend import (
    BackendError,
    FileBackend,
    StackNotFound,
    StackRef,
    Workspace,
    parse_stack,
)
from engine.codec import Codec
from engine.project import Project, ProjectError, find_project, load_project
from engine.rows import Secrets, Snapshot, StateError
from engine.stackfile import ConfigValue, StackFile
from engine.state import Deployment, checkpoint_text, decode_deployment
from engine.yamltext import YamlError

EXPECTED = (BackendError, ProjectError, StateError, YamlError, crypto.CryptoError)


class CommandFailed(Exception):
    """A command ends with this message and exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


NO_STACK = (
    "no stack selected; please use `pulumi stack select` or `pulumi stack init` to choose one"
)


@dataclass(frozen=True)
class Loaded:
    """A stack's state, opened."""

    deployment: Deployment
    snapshot: Snapshot
    codec: Codec


class Session:
    """One command's surroundings; everything is looked up when first asked for."""

    def __init__(self, environment: Mapping[str, str], interactive: bool) -> None:
        self.environment = environment
        self.interactive = interactive
        self.workspace = Workspace(environment)
        self._passphrases: dict[str, crypto.Passphrase] = {}
        self._passphrase: str | None = None

    @cached_property
    def project(self) -> Project:
        """The project at or above the current directory. ProjectError if there is none."""
        return load_project(Path.cwd())

    @property
    def has_project(self) -> bool:
        """True inside a project."""
        return find_project(Path.cwd()) is not None

    @cached_property
    def backend_url(self) -> str:
        """Where state is kept."""
        url = self.workspace.backend_url(self.project.backend_url if self.has_project else "")
        if not url:
            raise CommandFailed(
                "not logged in: run `pulumi login file://<directory>`, set PULUMI_BACKEND_URL, or "
                "give the project a backend.url"
            )
        return url

    @cached_property
    def backend(self) -> FileBackend:
        """The backend."""
        return FileBackend(self.backend_url)

    def stack(self, name: str | None) -> StackRef:
        """The stack of `--stack`, PULUMI_STACK or the selection. StackNotFound (exit code 6) if it
        isn't there; exit code 1 if none was chosen, as the CLI answers in a script."""
        project = self.project.name if self.has_project else ""
        chosen = name or self.environment.get("PULUMI_STACK") or self.selected_name()
        if not chosen:
            raise CommandFailed(NO_STACK)
        stack = parse_stack(chosen, project)
        if not self.backend.exists(stack):
            self.backend.load(stack)  # says why
            raise StackNotFound(f"no stack named '{stack.name}' found")
        return stack

    def selected_name(self) -> str:
        """The selected stack's full name; empty if none."""
        if not self.has_project:
            return ""
        project = self.project
        return self.workspace.selected(self.backend_url, project.name, project.path)

    def select(self, stack: StackRef | None) -> None:
        """Select a stack for this project."""
        self.workspace.select(self.backend_url, self.project.name, self.project.path, stack)

    def stack_file(self, stack: StackRef, path: str | None = None) -> StackFile:
        """The stack's configuration file."""
        where = Path(path) if path else self.project.stack_file(stack.name)
        return StackFile(where, self.project)

    # -- secrets

    def passphrase(self) -> str:
        """The passphrase, from the environment or (on a terminal) asked for."""
        if self._passphrase is None:
            try:
                self._passphrase = crypto.passphrase_from(self.environment)
            except crypto.CryptoError:
                if not self.interactive or "PULUMI_CONFIG_PASSPHRASE_FILE" in self.environment:
                    raise
                import getpass

                self._passphrase = getpass.getpass(
                    "Enter your passphrase to unlock config/secrets: "
                )
        return self._passphrase

    def sealer(self, salt: str) -> crypto.Passphrase:
        """The secrets provider of a salt; its key is being derived from now on."""
        if salt not in self._passphrases:
            self._passphrases[salt] = crypto.Passphrase(self.passphrase(), salt)
        return self._passphrases[salt]

    def stack_salt(self, stack_file: StackFile, deployment: Deployment) -> str:
        """The salt with which this stack's secrets are sealed; made, and written to the stack
        file, where there is none yet."""
        if stack_file.salt:
            return stack_file.salt
        salt = salt_of(deployment) or crypto.new_salt(self.passphrase())
        stack_file.set_salt(salt)
        return salt

    def secrets_of(self, deployment: Deployment, salt: str) -> Secrets:
        """Opens what the deployment's own salt sealed; seals with the stack's."""
        own = salt_of(deployment) or salt
        sealing = self.sealer(salt)
        opening = sealing if own == salt else self.sealer(own)
        if own != salt:
            opening.verify()
        return Secrets(sealing.secrets().provider, sealing.encrypt, opening.decrypt)

    def load(self, stack: StackRef, stack_file: StackFile | None = None) -> Loaded:
        """The stack's state with its secrets opened. CryptoError if the passphrase is wrong."""
        deployment = self.backend.load(stack)
        salt = salt_of(deployment)
        if stack_file is not None:
            salt = self.stack_salt(stack_file, deployment)
        secrets = self.secrets_of(deployment, salt) if salt else None
        if secrets is None:
            secrets = Secrets({}, _no_secrets, _no_secrets)
        snapshot, codec = decode_deployment(deployment, secrets)
        return Loaded(deployment, snapshot, codec)

    def config(self, stack_file: StackFile) -> dict[str, ConfigValue]:
        """The stack file's settings, decrypted."""

        def open_(ciphertext: str) -> str:
            if not stack_file.salt:
                raise CommandFailed(f"{stack_file.path} has secure values but no encryptionsalt")
            return self.sealer(stack_file.salt).decrypt(ciphertext)

        return stack_file.values(open_)

    def save(self, stack: StackRef, snapshot: Snapshot, codec: Codec) -> None:
        """Write a state outside an operation."""
        self.backend.save(stack, checkpoint_text(stack.full_name, snapshot, codec))


def salt_of(deployment: Deployment) -> str:
    """The salt that a state names; empty if it has none. StateError for other providers."""
    provider = deployment.secrets_provider
    if provider and provider.get("type") != "passphrase":
        raise StateError(
            f"the state's secrets are kept by {provider.get('type')!r}; this engine has "
            "'passphrase' only: use the Pulumi CLI, or change the provider with it"
        )
    return str((provider.get("state") or {}).get("salt") or "")


def _no_secrets(_text: str) -> str:
    raise StateError("the state holds secrets but names no secrets provider")


def make_session(non_interactive: bool) -> Session:
    """The session of this process."""
    interactive = not non_interactive and sys.stdin.isatty() and sys.stdout.isatty()
    return Session(os.environ, interactive)
