"""What Docker, ssh and the registry say when a step fails, in an operator's words. Pure.

Their own words stay, for those who know them; before them stands what it is about, and after them
what to do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from stack.text import plain_text


@dataclass(frozen=True)
class Cause:
    """A pattern in somebody's words, what it means, and what to do. `{0}` is what it has found."""

    pattern: re.Pattern[str]
    meaning: str
    remedy: str


def _cause(pattern: str, meaning: str, remedy: str) -> Cause:
    return Cause(re.compile(pattern, re.IGNORECASE | re.DOTALL), meaning, remedy)


NAME_IS_TAKEN = _cause(
    r"container name \"/?([^\"]+)\" is already in use|container (\S+): one of this name is",
    "a container of that name already exists, and this stack didn't create it",
    "If EXEC runs in it (compose, the bootstrap script): exctl adopt takes it over. If nobody"
    " needs it: stop and remove it on that host (docker stop, docker rm), then exctl up.",
)
PULL = r"unable to pull image (\S+): "
CAUSES = (
    _cause(
        r"unable to pull image (no-registry\.invalid/\S+|sha256:\w+): ",
        "the image {0} isn't on the host, and this stack has no registry",
        "Copy it there: exctl images push ARCHIVE; `exctl images list` shows what each host has.",
    ),
    _cause(
        PULL + r".*(?:manifest unknown|manifest for \S+ not found|name unknown|: not found)",
        "the registry has no image {0}",
        "Load it, or correct the tag; `exctl images list` shows what there is.",
    ),
    _cause(
        PULL + r".*(?:unauthorized|authentication required|denied|no basic auth credentials)",
        "the registry refuses our login for {0}",
        "Correct registry.username, or the password with: exctl rotate registryPassword",
    ),
    _cause(
        PULL + r".*no space left",
        "no disk space is left for the image {0}",
        "Make room on that host: docker system df shows what uses it.",
    ),
    _cause(
        PULL + r".*(?:toomanyrequests|too many requests|\b429\b)",
        "the registry's rate limit is reached; it doesn't serve {0} for now",
        "Wait, or log in (registry.username): registries allow more to those who do.",
    ),
    _cause(
        PULL + r".*server gave HTTP response to HTTPS client",
        "the registry of {0} speaks plain HTTP, and that host's Docker isn't set to allow it",
        "Add it to insecure-registries in /etc/docker/daemon.json there, and reload Docker.",
    ),
    _cause(
        PULL + r".*x509: ",
        "that host doesn't trust the certificate of the registry of {0}",
        "Install its CA as /etc/docker/certs.d/REGISTRY/ca.crt there.",
    ),
    _cause(
        PULL + r".*(?:connection refused|no such host|i/o timeout|no route to host|network is"
        r" unreachable|deadline exceeded|request canceled|handshake timeout|connection reset|EOF)",
        "the image {0} can't be pulled, since the registry can't be reached from there",
        "Check that the registry runs and that the host can reach it.",
    ),
    _cause(
        PULL + r"(.+)",
        "the image {0} can't be pulled: {1}",
        "These are Docker's own words; on that host, `docker pull` with the image says the same.",
    ),
    NAME_IS_TAKEN,
    _cause(
        r"no space left on device",
        "no disk space is left on that host",
        "Make room there: df -h, docker system df.",
    ),
    _cause(
        r"host key verification failed|remote host identification has changed",
        "the host's key isn't the known one",
        "Make sure that it is that host, then put its key into known_hosts.",
    ),
    _cause(
        r"permission denied \(",
        "the host refuses our SSH login",
        "Fix ssh.user and ssh.key_path, or the host's authorized_keys.",
    ),
    _cause(
        r"cannot connect to the docker daemon|docker\.sock",
        "the host is reached, but its Docker daemon isn't",
        "On the host: systemctl status docker; and the SSH user must be in the group docker.",
    ),
    _cause(
        r"timed out|no answer within|connection reset by peer|broken pipe|no route to"
        r" host|ssh: connect to host|connection closed by|remote end closed connection",
        "the host can't be reached over SSH, or the connection to it was lost",
        "Check that the host runs and that its SSH port can be reached from here.",
    ),
)


def worded(errors: Mapping[str, str], hosts: Mapping[str, str]) -> list[str]:
    """Errors as an operator reads them: what several instances share is said once.

    `errors`: resource name (`image-excp-1-1`) → its error; `hosts`: instance → host.
    """
    groups: dict[tuple[str, str], _Group] = {}
    for name, said in errors.items():
        cause, meaning = _found(said)
        instance = name.partition("-")[2]
        where = f"{instance} on {hosts[instance]}" if instance in hosts else name
        group = groups.setdefault((meaning, cause.remedy if cause else ""), _Group(said))
        group.where[where] = None
    return [_text(*key, group) for key, group in groups.items()]


def caused(errors: Mapping[str, str]) -> frozenset[Cause]:
    """The causes that are known of these errors."""
    return frozenset(cause for cause, _ in map(_found, errors.values()) if cause is not None)


@dataclass
class _Group:
    """Who met the same: the first one's error, and where, each once."""

    said: str
    where: dict[str, None] = field(default_factory=dict)


def _found(said: str) -> tuple[Cause | None, str]:
    for cause in CAUSES:
        if match := cause.pattern.search(said):
            return cause, cause.meaning.format(*map(plain_text, match.groups()))
    return None, said


def _text(meaning: str, remedy: str, group: _Group) -> str:
    text = f"{', '.join(group.where)}: {meaning}"
    return f"{text}.\n  {remedy}\n  In its own words: {group.said}" if remedy else text
