"""How log lines leave the hosts: Docker's log driver, and what ships the services' log files."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from config_schema.base import Section
from config_schema.platform import Logging
from config_schema.services import Resources
from config_schema.values import Digest, Name, Port, Tag, Text, WebPage, pinned

_TAGS = {"alloy": "v1.8.3", "filebeat": "8.17.4"}
SHIPPING_PORTS = {"alloy": 12345, "filebeat": 5066}
"""Source: each program's own default for its HTTP server."""


class Shipping(Section):
    """A container on each host that has instances; its image is in registry.infra_repository."""

    agent: Literal["alloy", "filebeat"] = Field(
        default="alloy", description="what ships them: alloy to Loki, filebeat to Elasticsearch"
    )
    url: WebPage = Field(
        description="where to: Loki's push address, or Elasticsearch, as the hosts reach it"
    )
    user: Text | None = Field(
        default=None, description="user there; its password is the secret shippingPassword"
    )
    image: Name | None = Field(
        default=None, description="name of the image in the repository; none: the agent's name"
    )
    tag: Tag | None = Field(
        default=None, description="version of the image; none: v1.8.3 (Alloy), 8.17.4 (Filebeat)"
    )
    digest: Digest | None = Field(
        default=None, description="pins the image's content, whatever the tag leads to"
    )
    port: Port | None = Field(
        default=None,
        description="port on each host's loopback where the agent says that it runs; none: 12345"
        " (Alloy), 5066 (Filebeat)",
    )
    resources: Resources = Field(
        default=Resources(memory_mib=512, cpus=0.5), description="limits of each container"
    )

    @property
    def place(self) -> str:
        """The image without its repository."""
        return pinned(self.image or self.agent, self.tag or _TAGS[self.agent], self.digest)

    @property
    def own_port(self) -> int:
        return self.port or SHIPPING_PORTS[self.agent]


class StackLogging(Logging):
    """A whole stack's; a service may have a driver of its own."""

    shipping: Shipping | None = Field(
        default=None,
        description="a container on each host that ships the services' log files:"
        " {agent, url, user, image, tag, digest, port, resources}; none: nothing ships them",
    )
