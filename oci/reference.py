"""An image's name, read as Docker reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from config_schema.values import TAG

HUB = "docker.io"
"""What Docker takes as the registry where a name has none."""
_HUB_NAMES = (HUB, "index.docker.io")
_HUB_API = "registry-1.docker.io"
"""Source: distribution/reference and Docker's registry client, which treat these names as one."""
_PATH = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
"""Source: OCI distribution specification 1.1, "Pulling manifests"."""


@dataclass(frozen=True)
class ImageReference:
    """`registry.example.com:5000/exec/excs:100.0.100.11`, or with `@sha256:…`, or with neither.

    Two spellings of one image are equal: `acme/excs:1` is `docker.io/acme/excs:1`.
    """

    registry: str
    path: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> ImageReference:
        """The reference; ValueError says what of it isn't one. No tag stays no tag."""
        bare, at, digest = text.partition("@")
        if at and not is_digest(digest):
            raise ValueError(f"{text!r}: there is no digest after the @ (sha256: and 64 digits)")
        head, colon, tag = bare.rpartition(":")
        if not colon or "/" in tag:
            head, tag = bare, ""
        elif not is_tag(tag):
            raise ValueError(f"{text!r}: {tag!r} is not a tag")
        first, slash, rest = head.partition("/")
        is_registry = bool(slash) and (first == "localhost" or "." in first or ":" in first)
        registry, path = (first.lower(), rest) if is_registry else (HUB, head)
        if registry in _HUB_NAMES:
            registry, path = HUB, path if "/" in path else f"library/{path}"
        if not _PATH.fullmatch(path):
            raise ValueError(f"{text!r}: {path!r} is not an image's name (lower case, no scheme)")
        return cls(registry, path, tag or None, digest or None)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.place}{tag}{f'@{self.digest}' if self.digest else ''}"

    @property
    def place(self) -> str:
        """The name without tag and digest."""
        return f"{self.registry}/{self.path}"

    @property
    def name(self) -> str:
        """The last word of the path: `excs`."""
        return self.path.rpartition("/")[2]

    @property
    def api_host(self) -> str:
        """The host, and port if one is named, whose HTTP API has the image."""
        return _HUB_API if self.registry == HUB else self.registry

    def with_tag(self, tag: str) -> ImageReference:
        return replace(self, tag=tag, digest=None)

    def with_digest(self, digest: str) -> ImageReference:
        return replace(self, tag=None, digest=digest)


def parsed(text: str) -> ImageReference | None:
    """The reference; None for what isn't one, such as `<none>:<none>` or an image's id."""
    try:
        return ImageReference.parse(text)
    except ValueError:
        return None


def is_tag(text: str) -> bool:
    return TAG.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


def host_and_port(registry: str, default_port: int = 443) -> tuple[str, int]:
    """`registry.example.com:5000` or `[2001:db8::1]:5000` as a host and its port."""
    host, colon, port = registry.rpartition(":")
    if colon and port.isdecimal():
        return host.strip("[]"), int(port)
    return registry.strip("[]"), default_port
