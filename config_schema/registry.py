"""Where images come from."""

from __future__ import annotations

import shlex
from typing import Annotated, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from config_schema.base import Section
from config_schema.values import NO_REGISTRY, NO_REGISTRY_PLACE, Text, is_place_of_images


class Registry(Section):
    repository: Annotated[str, AfterValidator(is_place_of_images)] = Field(
        description="where the images are: registry host, port and path, without a scheme; none:"
        " there is no registry, `exctl images push` brings them onto the hosts"
    )
    infra_repository: Text | None = Field(
        default=None,
        description="the vendor's EXEC_INFRA_DOCKER_REPOSITORY: where the images of what"
        " monitoring.host places come from",
    )
    username: str | None = Field(
        default=None,
        description="user of the registry; its password is the secret registryPassword",
    )
    password_command: Text | None = Field(
        default=None,
        description="a command that prints the password, in place of registryPassword, for"
        " registries whose passwords are short-lived",
    )
    docker_config: bool = Field(
        default=False,
        description="take user and password from the Docker config of whoever runs this: its"
        " credential helpers, or what docker login left",
    )
    insecure: bool = Field(
        default=False,
        description="the registry speaks HTTP without TLS (the hosts' Docker has it among its"
        " insecure-registries then)",
    )

    @property
    def is_used(self) -> bool:
        """Whether there is a registry at all."""
        return self.repository != NO_REGISTRY

    @property
    def place(self) -> str:
        """What the images' names begin with."""
        return self.repository if self.is_used else NO_REGISTRY_PLACE

    @property
    def needs_secret(self) -> bool:
        """Whether its password is the secret registryPassword."""
        return self.username is not None and self.password_command is None

    @model_validator(mode="after")
    def _has_one_login(self) -> Self:
        if not self.is_used and (self.username or self.password_command or self.docker_config):
            raise ValueError("repository is none, so there is nothing to log in to")
        if self.docker_config and (self.username or self.password_command):
            raise ValueError(
                "docker_config is true, so the user and the password come from Docker's config;"
                " remove username and password_command, or docker_config"
            )
        if self.password_command is not None and self.username is None:
            raise ValueError("password_command is set, but username isn't (for ECR it is AWS)")
        return self

    @field_validator("password_command")
    @classmethod
    def _is_command(cls, value: str | None) -> str | None:
        try:
            words = shlex.split(value) if value is not None else ["-"]
        except ValueError:
            words = []
        if not words:
            raise ValueError("is not a command: words as a shell has them, with quotes closed")
        return value
