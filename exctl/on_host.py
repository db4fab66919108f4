"""The containers a host has of this stack, or of its names: one question over SSH, read only."""

from __future__ import annotations

import json
from dataclasses import dataclass

from exctl.hosts import on_host
from exctl.site import Site

_FORMAT = (
    '{"id":{{json .Id}},"name":{{json .Name}},"state":{{json .State.Status}},'
    '"image":{{json .Config.Image}},"restart":{{json .HostConfig.RestartPolicy.Name}},'
    '"memory_bytes":{{json .HostConfig.Memory}},"nano_cpus":{{json .HostConfig.NanoCpus}}}'
)
# Each filter by itself: several of them in one command must all be met. A container that goes away
# between the two questions isn't there, and no error.
_SCRIPT = """
ids=$(for filter; do docker ps -aq --no-trunc --filter "$filter" || exit; done) || exit
[ -z "$ids" ] || docker inspect --type container --format "$FORMAT" $(echo "$ids" | sort -u) |
  grep '^{' || true
"""


@dataclass(frozen=True)
class OnHost:
    """A container: `id` in full, Docker's word for its state, its limits as Docker counts them."""

    id: str
    name: str
    state: str
    image: str
    restart: str = ""
    memory_bytes: int = 0
    nano_cpus: int = 0


def containers_on(site: Site, host: str) -> list[OnHost] | str:
    """The containers with this stack's label or one of its names; why not, if it can't be told."""
    ours = [i.container_name for i in site.layout.instances if i.host == host]
    filters = [f"label=exec.stack={site.stack}", *(f"name=^/{name}$" for name in ours)]
    words = ["env", f"FORMAT={_FORMAT}", "sh", "-c", _SCRIPT, "sh", *filters]
    answer = on_host(site, host)(words)
    if answer.code != 0:
        return answer.stderr.strip() or f"docker ps ended with {answer.code}"
    found = [json.loads(line) for line in answer.stdout.splitlines()]
    return [OnHost(**{**each, "name": each["name"].removeprefix("/")}) for each in found]
