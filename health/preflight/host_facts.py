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
from enum import StrEnum
from typing import Any

from health.preflight.subject import ServerAddress, Subject, Watchers
from hosts.docker import Container, Image, container_of, image_of
from hosts.shell import DOCKER_SOCKET

CONNECT_SECONDS = 3
DOCKER_SECONDS = 5
"""Chosen: `docker info` takes well under 1 s on a busy host; what takes longer answers nothing."""
OPEN, TIMED_OUT = "open", "timeout"
BEGIN = "begin"
CONTAINERD_ROOT = "/var/lib/containerd"
"""Source: containerd's default `root`, where Docker's containerd image store keeps images."""
_DECIMAL, _OCTAL = re.compile(r"[0-9]{1,15}"), re.compile(r"[0-7]{1,6}")
_HEXADECIMAL = re.compile(r"[0-9A-F]{1,4}")


class DockerAccess(StrEnum):
    """Whether the user may use the host's Docker daemon, and what stands in the way."""

    ALLOWED = "allowed"
    NO_CLIENT = "no client"
    NO_SOCKET = "no socket"
    DENIED = "denied"
    STOPPED = "stopped"
    """The socket is there and may be used, and nothing answers on it."""
    FROZEN = "frozen"
    """Something holds the socket, and doesn't answer in time."""


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
    access: DockerAccess = DockerAccess.STOPPED
    docker: Mapping[str, Any] = field(default_factory=dict)
    """What `docker info` answered, empty if Docker couldn't be asked."""
    docker_server: Mapping[str, Any] = field(default_factory=dict)
    """The server's part of `docker version`."""
    containers: tuple[Container, ...] = ()
    images: tuple[Image, ...] = ()
    listeners: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Port → names of the users whose processes listen there."""
    logs: LogDirectory = LogDirectory("/")
    reached: Mapping[ServerAddress, str] = field(default_factory=dict)
    """Address → `open`, `timeout` or the reason in words; not in it if the host couldn't try."""
    registry_certificates: str = ""

    def number(self, name: str) -> int | None:
        text = self.facts.get(name, "")
        return int(text) if _DECIMAL.fullmatch(text) else None


def script(subject: Subject, host: str) -> str:
    """What is run on a host of the stack: prints lines of a key and its values, with tabs
    between."""
    ports = [i.port for i in subject.instances(host)]
    return _script(subject, subject.images(host), ports, subject.targets(host))


def watchers_script(subject: Subject, watchers: Watchers) -> str:
    """The same of what is to be placed at `monitoring.host`."""
    return _script(subject, watchers.images, watchers.ports, ())


def _script(
    subject: Subject, images: Iterable[str], ports: Iterable[int], to: Iterable[ServerAddress]
) -> str:
    logs = shlex.quote(subject.config.logs.host_path)
    registry = shlex.quote(subject.registry_host)
    return "\n".join(
        [
            "LC_ALL=C; export LC_ALL",
            r"""say() { printf '%s\t%s\n' "$1" "$2"; }""",
            f"say {BEGIN} 1",
            _MACHINE,
            _DOCKER,
            f"set -- {' '.join(map(shlex.quote, images))}",
            STORE,
            _SYNC,
            f"d={logs}",
            _LOGS,
            f"want=' {''.join(f'{port:04X} ' for port in ports)}'",
            _LISTENERS,
            f"registry={registry}",
            'say certificates "$([ -z "$registry" ] || cat "/etc/docker/certs.d/$registry"/*.crt'
            ' 2>/dev/null | base64 | tr -d "\\n")"',
            *_reach(to),
            "exit 0",
        ]
    )


_MACHINE = """say kernel "$(uname -r)"; say machine "$(uname -m)"
say bits "$(getconf LONG_BIT 2>/dev/null)"
say machine_id "$(cat /etc/machine-id /var/lib/dbus/machine-id 2>/dev/null | head -n 1)"
say boot_id "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
say cpus "$(grep -c ^processor /proc/cpuinfo)"
say memory_mib "$(awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo)\""""
# A daemon that hangs must not hold the other questions. Whether the socket may be used is asked of
# the file system: the client's words differ between versions.
_DOCKER = f"""ask() {{ docker "$@"; }}
command -v timeout >/dev/null && ask() {{ timeout {DOCKER_SECONDS} docker "$@"; }}
socket={DOCKER_SOCKET}; docker=allowed; info=
if ! command -v docker >/dev/null; then docker='no client'
elif [ ! -S $socket ]; then docker='no socket'
elif [ ! -w $socket ]; then docker=denied
else
  info=$(ask info --format '{{{{json .}}}}' 2>/dev/null); code=$?
  case $code,$info in
    124,*) docker=frozen;;
    *'"ServerVersion":"'[!'"']*) ;;
    *) docker=stopped;;
  esac
fi
say access "$docker"
if [ "$docker" = allowed ]; then
  say info "$info"; say server "$(ask version --format '{{{{json .Server}}}}' 2>/dev/null)"
fi"""
STORE = f"""store=$(printf %s "$info" | sed -n 's/.*"DockerRootDir":"\\([^"]*\\)".*/\\1/p')
case $info in *io.containerd.snapshotter*)
  case $info in
    *'/docker/containerd/containerd.sock"'*) store=$store/containerd;;
    *) store=$(sed -n 's/^ *root *= *["'"'"']\\(.*\\)["'"'"'].*/\\1/p' \\
         /etc/containerd/config.toml 2>/dev/null | head -n 1); store=${{store:-{CONTAINERD_ROOT}}};;
  esac;;
esac
while [ -n "$store" ] && [ ! -e "$store" ]; do store=$(dirname "$store"); done
say store "$store"
say disk "$(df -Pm "${{store:-/}}" 2>/dev/null | awk 'NR == 2 {{print $2 " " $4}}')"
if [ "$docker" = allowed ]; then
  ids=$(ask ps -aq --no-trunc 2>/dev/null)
  [ -z "$ids" ] ||
    ask inspect --type container --format 'container\t{{{{json .}}}}' $ids 2>/dev/null
  [ $# -eq 0 ] || ask image inspect --format 'image\t{{{{json .}}}}' "$@" 2>/dev/null
fi"""
_SYNC = (
    'sync=$(timedatectl show -p NTPSynchronized --value 2>/dev/null); say sync "$sync"\n'
    '[ -n "$sync" ] || say chrony "$(chronyc -n tracking 2>/dev/null | grep \'^Leap status\')"'
)
_LOGS = r"""while [ ! -e "$d" ] && [ "$d" != / ]; do d=$(dirname "$d"); done
say logs "$d"; say logs_stat "$(stat -Lc '%u %a %F' "$d" 2>/dev/null)"
place=$(df -Pm "$d" 2>/dev/null | awk 'NR == 2 {print $2 " " $4 " " $6}'); say logs_df "$place"
mount=${place##* }
say logs_mount "$(awk -v m="$mount" '$2 == m {o = $4} END {print o}' /proc/mounts)" """
# Of a listening socket /proc tells everybody the port and whose it is, but only its owner and root
# may know the process.
_LISTENERS = r"""cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v want="$want" '$4 == "0A" {
  split($2, a, ":"); if (index(want, " " a[2] " ")) print a[2], $8 }' | sort -u |
while read -r port user; do
  printf 'listen\t%s\t%s\n' "$port" "$(id -nu "$user" 2>/dev/null || echo "user $user")"
done"""


def _reach(targets: Iterable[ServerAddress]) -> list[str]:
    """Tries every address at once; bash alone can open a TCP connection without a further tool."""
    lines = [
        "command -v bash >/dev/null && command -v timeout >/dev/null || exit 0",
        f"reach() {{ words=$(timeout {CONNECT_SECONDS} bash --norc -c"
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
    docker = _object(facts.get("info", ""))
    return HostFacts(
        facts=facts,
        access=_access(facts.get("access", ""), docker),
        docker=docker,
        docker_server=_object(facts.get("server", "")),
        containers=tuple(container_of(found) for found in _objects(lines, "container")),
        images=tuple(image_of(found) for found in _objects(lines, "image")),
        listeners=_listeners(_of(lines, "listen", 3)),
        logs=_log_directory(facts),
        reached={
            ServerAddress(name, int(port)): _reason(words)
            for _, name, port, words in _of(lines, "reach", 4)
            if _DECIMAL.fullmatch(port)
        },
        registry_certificates=_decoded(facts.get("certificates", "")),
    )


def _of(lines: list[list[str]], kind: str, width: int) -> list[list[str]]:
    return [line for line in lines if line[0] == kind and len(line) == width]


def _access(word: str, docker: Mapping[str, Any]) -> DockerAccess:
    if word in list(DockerAccess) and (docker or word != DockerAccess.ALLOWED):
        return DockerAccess(word)
    return DockerAccess.STOPPED


def _object(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _objects(lines: list[list[str]], kind: str) -> list[Mapping[str, Any]]:
    return [found for _, text in _of(lines, kind, 2) if (found := _object(text))]


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
