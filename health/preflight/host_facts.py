"""What a host says of itself: one read-only shell script, and its answer as data.

The script needs a POSIX shell, awk, df and stat; what a host lacks beyond that leaves its fact
empty, never the script cut short. No secret is in it: its text is in the host's process list.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from health.preflight.subject import Address, Subject
from oci.reference import ImageReference, parsed

CONNECT_SECONDS = 3
OPEN, TIMED_OUT = "open", "timeout"
BEGIN = "begin"
_DECIMAL, _OCTAL = re.compile(r"[0-9]{1,15}"), re.compile(r"[0-7]{1,6}")
_HEXADECIMAL = re.compile(r"[0-9A-F]{1,4}")


@dataclass(frozen=True)
class HostContainer:
    """A container on the host, running or not, and whose it is."""

    name: str
    status: str
    image: str
    since: str
    stack: str
    compose_project: str
    network: str


@dataclass(frozen=True)
class HostImage:
    """An image on the host: all its names, by tag (`place/excs:1.2`) and by digest in a registry
    (`place/excs@sha256:…`), and the user that it runs as."""

    names: tuple[str, ...]
    user: str
    id: str = ""

    @property
    def references(self) -> frozenset[ImageReference]:
        return frozenset(r for r in map(parsed, self.names) if r is not None)

    @property
    def digests(self) -> tuple[str, ...]:
        return tuple(sorted({r.digest for r in self.references if r.digest}))

    def is_named(self, image: str) -> bool:
        """Whether this is the image of that name, or of that id."""
        return image == self.id or parsed(image) in self.references


@dataclass(frozen=True)
class LogDirectory:
    """The log directory, or the nearest directory above it that is there."""

    nearest: str
    owner: int | None = None
    mode: int | None = None
    is_directory: bool = True
    size_mib: int | None = None
    free_mib: int | None = None
    mount_options: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostFacts:
    """Everything the script found; empty or None where the host didn't say."""

    facts: Mapping[str, str] = field(default_factory=dict)
    docker: Mapping[str, Any] = field(default_factory=dict)
    docker_said: str = ""
    containers: tuple[HostContainer, ...] = ()
    images: tuple[HostImage, ...] = ()
    listeners: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Port → names of the users whose processes listen there."""
    logs: LogDirectory = LogDirectory("/")
    reached: Mapping[Address, str] = field(default_factory=dict)
    """Address → `open`, `timeout` or the reason in words; not in it if the host couldn't try."""
    registry_certificates: str = ""

    def number(self, name: str) -> int | None:
        text = self.facts.get(name, "")
        return int(text) if _DECIMAL.fullmatch(text) else None


def script(subject: Subject, host: str) -> str:
    """What is run on the host: prints lines of a key and its values, with tabs between."""
    logs = shlex.quote(subject.config.logs.host_path)
    images = " ".join(shlex.quote(image) for image in subject.images(host))
    ports = "".join(f"{i.port:04X} " for i in subject.instances(host))
    registry = shlex.quote(subject.registry_host)
    return "\n".join(
        [
            "LC_ALL=C; export LC_ALL",
            r"""say() { printf '%s\t%s\n' "$1" "$2"; }""",
            f"say {BEGIN} 1",
            'say kernel "$(uname -r)"; say machine "$(uname -m)"',
            'say bits "$(getconf LONG_BIT 2>/dev/null)"',
            'say cpus "$(grep -c ^processor /proc/cpuinfo)"',
            "say memory_mib \"$(awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo)\"",
            "info=$(docker info --format '{{json .}}' 2>&1); say docker \"$info\"",
            'root=$(printf %s "$info" | sed -n \'s/.*"DockerRootDir":"\\([^"]*\\)".*/\\1/p\')',
            'say disk "$(df -Pm "${root:-/}" | awk \'NR == 2 {print $2 " " $4}\')"',
            _SYNC,
            f"d={logs}",
            _LOGS,
            _CONTAINERS,
            f"docker image inspect --format '{_IMAGE}' {images} 2>/dev/null",
            f"want=' {ports}'",
            _LISTENERS,
            f"registry={registry}",
            'say certificates "$([ -z "$registry" ] || cat "/etc/docker/certs.d/$registry"/*.crt'
            ' 2>/dev/null | base64 | tr -d "\\n")"',
            *_reach(subject.targets(host)),
            "exit 0",
        ]
    )


_SYNC = (
    'sync=$(timedatectl show -p NTPSynchronized --value 2>/dev/null); say sync "$sync"\n'
    '[ -n "$sync" ] || say chrony "$(chronyc -n tracking 2>/dev/null | grep \'^Leap status\')"'
)
_LOGS = r"""while [ ! -e "$d" ] && [ "$d" != / ]; do d=$(dirname "$d"); done
say logs "$d"; say logs_stat "$(stat -Lc '%u %a %F' "$d" 2>/dev/null)"
place=$(df -Pm "$d" 2>/dev/null | awk 'NR == 2 {print $2 " " $4 " " $6}'); say logs_df "$place"
mount=${place##* }
say logs_mount "$(awk -v m="$mount" '$2 == m {o = $4} END {print o}' /proc/mounts)" """
_CONTAINERS = (
    "docker ps -a --no-trunc --format 'container\t{{.Names}}\t{{.Status}}\t{{.Image}}\t"
    '{{.CreatedAt}}\t{{.Label "exec.stack"}}\t{{.Label "com.docker.compose.project"}}\t'
    "{{.Networks}}' 2>/dev/null"
)
_IMAGE = "image\t{{json .RepoTags}}\t{{json .RepoDigests}}\t{{json .Config.User}}\t{{json .Id}}"
# Of a listening socket /proc tells everybody the port and whose it is, but only its owner and root
# may know the process.
_LISTENERS = r"""cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v want="$want" '$4 == "0A" {
  split($2, a, ":"); if (index(want, " " a[2] " ")) print a[2], $8 }' | sort -u |
while read -r port user; do
  printf 'listen\t%s\t%s\n' "$port" "$(id -nu "$user" 2>/dev/null || echo "user $user")"
done"""


def _reach(targets: Iterable[Address]) -> list[str]:
    """Tries every address at once; bash alone can open a TCP connection without a further tool."""
    lines = [
        "command -v bash >/dev/null && command -v timeout >/dev/null || exit 0",
        f"reach() {{ words=$(timeout {CONNECT_SECONDS} bash -c"
        ' "exec 3<>/dev/tcp/$1/$2" 2>&1); case $? in',
        f' 0) words={OPEN};; 124) words={TIMED_OUT};; *) words=$(echo "$words" | head -n 1);;',
        r" esac; printf 'reach\t%s\t%s\t%s\n' "
        '"$1" "$2" "$words"; }',
    ]
    lines += [f"reach {shlex.quote(to.host)} {to.port} &" for to in targets]
    return [*lines, "wait"]


def parse(text: str) -> HostFacts | None:
    """The facts; None if the script didn't run."""
    lines = [line.split("\t") for line in text.splitlines()]
    facts = {line[0]: line[1] for line in lines if len(line) == 2}
    if BEGIN not in facts:
        return None
    docker, said = _docker(text)
    return HostFacts(
        facts=facts,
        docker=docker,
        docker_said=said,
        containers=tuple(HostContainer(*line[1:]) for line in _of(lines, "container", 8)),
        images=tuple(filter(None, map(_image, _of(lines, "image", 5)))),
        listeners=_listeners(_of(lines, "listen", 3)),
        logs=_log_directory(facts),
        reached={
            Address(name, int(port)): _reason(words)
            for _, name, port, words in _of(lines, "reach", 4)
            if _DECIMAL.fullmatch(port)
        },
        registry_certificates=_decoded(facts.get("certificates", "")),
    )


def _of(lines: list[list[str]], kind: str, width: int) -> list[list[str]]:
    return [line for line in lines if line[0] == kind and len(line) == width]


def _docker(text: str) -> tuple[Mapping[str, Any], str]:
    """What `docker info` answered, empty if it has no daemon to ask; and its complaint."""
    _, _, rest = text.partition("\ndocker\t")
    said, _, _ = rest.partition("\ndisk\t")
    start = said.find('{"')
    try:
        found = json.loads(said[start:].splitlines()[0]) if start >= 0 else {}
    except (ValueError, RecursionError):
        found = {}
    errors = found.get("ServerErrors") or ([] if found else said.strip().splitlines()[-1:])
    if errors or not found.get("ServerVersion"):
        return {}, " ".join(map(str, errors)) or "no answer"
    return found, ""


def _image(line: list[str]) -> HostImage | None:
    try:
        tags, digests, user, identity = (json.loads(part) for part in line[1:])
        names = tuple(map(str, [*(tags or ()), *(digests or ())]))
        return HostImage(names, str(user or ""), str(identity))
    except (ValueError, TypeError):
        return None


def _listeners(lines: list[list[str]]) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    for _, port, user in lines:
        if _HEXADECIMAL.fullmatch(port):
            found[int(port, 16)] = (*found.get(int(port, 16), ()), user)
    return found


def _log_directory(facts: Mapping[str, str]) -> LogDirectory:
    owner, mode, kind = (*facts.get("logs_stat", "").split(" ", 2), "", "", "")[:3]
    size, free = (*facts.get("logs_df", "").split(" "), "", "")[:2]
    return LogDirectory(
        nearest=facts.get("logs", "/"),
        owner=int(owner) if _DECIMAL.fullmatch(owner) else None,
        mode=int(mode, 8) if _OCTAL.fullmatch(mode) else None,
        is_directory=kind in ("directory", ""),
        size_mib=int(size) if _DECIMAL.fullmatch(size) else None,
        free_mib=int(free) if _DECIMAL.fullmatch(free) else None,
        mount_options=tuple(facts.get("logs_mount", "").split(",")),
    )


def _reason(words: str) -> str:
    """bash's first complaint without the name of the shell: `connect: Connection refused`."""
    return words.rpartition(": ")[2].lower() if words not in (OPEN, TIMED_OUT) else words


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode("ascii", "replace")
    except (binascii.Error, ValueError):
        return ""
