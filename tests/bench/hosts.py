"""Times a deployment on more and more hosts, and weighs it: python -m tests.bench.hosts 4 10 50

Memory is that of the command with all its processes at the worst moment (proportional set size,
so that what processes share is counted once). Where EXEC_OFFICIAL_PLUGINS names a directory, the
official plugins are measured too.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from functools import partial
from pathlib import Path

from lab.lab import Lab
from stack.layout import Layout
from tests.bench.__main__ import in_a_new_lab, layout_in, plugins, seconds_of
from tests.lab.conftest import make_workspace
from tests.lab.workspace import STACK, Workspace

SAMPLE_SECONDS = 0.05
FEW_OBJECTS = 10
TAG = "100.0.100.11"


def main() -> None:
    columns = ["first up", "no-op preview", "no-op up", "peak MiB of a preview"]
    print(f"| hosts | | {' | '.join(columns)} |\n|---|---|{'---|' * len(columns)}")
    for hosts in map(int, sys.argv[1:] or ("4", "10", "50")):
        for name, variables in plugins().items():
            measure = partial(with_pulumi, variables=variables)
            seconds = in_a_new_lab(measure, (hosts - 2) // 2, FEW_OBJECTS)
            cells = " | ".join(f"{seconds[column]:.1f}" for column in columns)
            print(f"| {hosts} | {name} | {cells} |", flush=True)


def with_pulumi(lab: Lab, variables: dict[str, str]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory:
        work = make_workspace(Path(directory), lab)
        work.variables = variables
        work.edit("excp.pairs", pairs_of(lab))
        assert work.pulumi("stack", "init", STACK).code == 0
        up = ("up", "--yes", "--skip-preview", "--stack", STACK)
        preview = ("preview", "--stack", STACK)
        found = {"first up": seconds_of(work, *up)}
        found["no-op preview"] = min(seconds_of(work, *preview) for _ in range(5))
        found["no-op up"] = min(seconds_of(work, *up) for _ in range(5))
        # Weighed apart: to look takes a tenth of the time of a preview of 50 hosts.
        found["peak MiB of a preview"] = max(peak_mib(work, *preview) for _ in range(3))
        return found


def layout_of_all(lab: Lab, tag: str = TAG) -> Layout:
    """The layout of a stack with all the lab's hosts."""
    with tempfile.TemporaryDirectory() as directory:
        work = make_workspace(Path(directory), lab)
        work.edit("excp.pairs", pairs_of(lab, tag))
        return layout_in(work)


def pairs_of(lab: Lab, tag: str = TAG) -> dict[str, object]:
    """A pair for every two of the lab's EXCP hosts, all beside the same SIP Server pair."""
    primary, backup = (f"{address}:8000" for address in lab.plan.sip_servers)
    servers = [f"{primary}/{backup}"]
    addresses = list(lab.plan.exec_hosts.values())[2:]
    return {
        str(number + 1): {
            "hosts": addresses[2 * number : 2 * number + 2],
            "tag": tag,
            "voice_servers": {kind: [*servers] for kind in ("vq", "agent", "call")},
            "log": {"path": "/logs"},
        }
        for number in range(len(addresses) // 2)
    }


def peak_mib(work: Workspace, *arguments: str) -> float:
    """The MiB of a command's processes at the worst moment."""
    process = work.start("pulumi", *arguments)
    peaks = [0.0]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            peaks.append(sum(map(pss_mib, tree(process.pid))))

    watching = threading.Thread(target=watch)
    watching.start()
    stdout, stderr = process.communicate()
    ended.set()
    watching.join()
    assert process.returncode == 0, stdout + stderr
    return max(peaks)


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(c) for task in tasks for c in (task / "children").read_text().split()]
    except OSError:
        return []
    return [pid, *(below for child in children for below in tree(child))]


def pss_mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


if __name__ == "__main__":
    main()
