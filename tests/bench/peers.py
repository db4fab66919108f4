"""Times what others would do it with beside ours, on more and more hosts, each in a lab of its own:

    EXEC_COMPOSE=docker-compose python -m tests.bench.peers 4 10 50

Plain ssh and docker; Ansible (Debian's packages ansible and python3-requests), if it is installed;
docker compose, if EXEC_COMPOSE names the program. `--only ours --only Ansible` leaves out the rest.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from lab.lab import Lab
from stack.layout import Layout
from tests.bench.__main__ import NEW_TAG, in_a_new_lab, logins, seconds_of
from tests.bench.ansible import FORKS, Ansible
from tests.bench.compose import Compose
from tests.bench.hosts import FEW_OBJECTS, layout_of_all, pairs_of
from tests.bench.plain import Plain, lab_secrets
from tests.lab.conftest import make_workspace
from tests.lab.workspace import STACK

TIMES = 3
COLUMNS = ("first", "plan", "nothing to do", "new tag of all pairs", "logins a host")
Measure = Callable[[Lab], dict[str, float]]


@click.command()
@click.argument("numbers", type=int, nargs=-1)
@click.option("--only", multiple=True)
def main(numbers: tuple[int, ...], only: tuple[str, ...]) -> None:
    print(f"| hosts | | {' | '.join(COLUMNS)} |\n|---|---|{'---|' * len(COLUMNS)}")
    for hosts in numbers or (4, 10, 50):
        for name, measure in peers().items():
            if only and name not in only:
                continue
            found = in_a_new_lab(measure, (hosts - 2) // 2, FEW_OBJECTS)
            cells = [f"{found[column]:.1f}" if column in found else "" for column in COLUMNS]
            print(f"| {hosts} | {name} | {' | '.join(cells)} |", flush=True)


def peers() -> dict[str, Measure]:
    """Those that this machine has."""
    found: dict[str, Measure] = {"ours": with_ours, "plain ssh and docker": with_script}
    if shutil.which("ansible-playbook"):
        found["Ansible"] = with_ansible
    if program := os.environ.get("EXEC_COMPOSE"):
        found["docker compose over ssh"] = partial(with_compose, program=program)
    return found


def with_ours(lab: Lab) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory:
        work = make_workspace(Path(directory), lab)
        work.variables["PULUMI_PARALLEL"] = str(FORKS)
        work.patience_seconds = 1200
        work.edit("excp.pairs", pairs_of(lab))
        assert work.pulumi("stack", "init", STACK).code == 0
        up = ("up", "--yes", "--skip-preview", "--stack", STACK)
        found = {"first": seconds_of(work, *up), **logins_of(lab)}
        found["plan"] = least(lambda: seconds_of(work, "preview", "--stack", STACK))
        found["nothing to do"] = least(lambda: seconds_of(work, *up))
        work.edit("excp.pairs", pairs_of(lab, NEW_TAG))
        found["new tag of all pairs"] = seconds_of(work, *up)
        return found


def with_script(lab: Lab) -> dict[str, float]:
    plain = Plain(layout_of_all(lab), lab.directory, lab_secrets())
    found = {"first": plain.deploy(), **logins_of(lab)}
    newer = Plain(layout_of_all(lab, NEW_TAG), lab.directory, lab_secrets())
    found["new tag of all pairs"] = newer.replace_pairs()
    return found


def with_ansible(lab: Lab) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory:

        def project(layout: Layout) -> Ansible:
            return Ansible(layout, lab.directory, lab_secrets(), Path(directory))

        now = project(layout_of_all(lab))
        found = {"first": now.deploy(), **logins_of(lab)}
        found["plan"] = least(lambda: now.deploy("--check"))
        found["nothing to do"] = least(now.deploy)
        found["new tag of all pairs"] = project(layout_of_all(lab, NEW_TAG)).deploy()
        return found


def with_compose(lab: Lab, program: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory:

        def project(layout: Layout) -> Compose:
            return Compose(layout, lab.directory, lab_secrets(), Path(directory), program)

        now = project(layout_of_all(lab))
        found = {"first": now.deploy(), **logins_of(lab)}
        found["nothing to do"] = least(now.deploy)
        found["new tag of all pairs"] = project(layout_of_all(lab, NEW_TAG)).deploy()
        return found


def logins_of(lab: Lab) -> dict[str, float]:
    return {"logins a host": logins(lab) / len(lab.exec_hosts)}


def least(measure: Callable[[], float]) -> float:
    return min(measure() for _ in range(TIMES))


if __name__ == "__main__":
    main()
