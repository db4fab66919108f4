"""Times a first `up`, previews and updates without changes, and a new tag, in a lab of its own.

Prints one table: Pulumi's numbers (with the official plugins too, where EXEC_OFFICIAL_PLUGINS names
their directory), those of the services on the longest chain, and
those of a plain script. The lab is new for each, so that every one of them pulls its images.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from exctl.site import read_stack_file
from lab import settings
from lab.lab import Lab, locked
from stack.layout import Layout, build_layout
from stack.loader import parse
from tests.bench.plain import Plain, lab_secrets
from tests.lab.conftest import free_plan, logins_at, make_workspace
from tests.lab.workspace import CLONE, STACK, Workspace

OBJECTS = 100
NEW_TAG = "100.0.100.12"


def main() -> None:
    rows = {
        name: in_a_new_lab(partial(with_pulumi, variables=variables))
        for name, variables in plugins().items()
    }
    rows["plain ssh and docker"] = in_a_new_lab(with_script)
    chain = rows["plain ssh and docker"].pop("chain")
    columns = ["first up", "no-op preview", "no-op up", "new tag of the pair", "logins a host"]
    print(f"| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, seconds in rows.items():
        cells = [f"{seconds[c]:.1f}" if c in seconds else "" for c in columns]
        print(f"| {name} | {' | '.join(cells)} |")
    print(f"\nthe services' own start-up on the longest chain: {chain:.1f} s")


def plugins() -> dict[str, dict[str, str]]:
    """Whose plugins the CLI takes, and the variables for that."""
    found: dict[str, dict[str, str]] = {"our plugins": {}}
    if directory := os.environ.get("EXEC_OFFICIAL_PLUGINS"):
        path = f"{directory}:{CLONE / '.venv/bin'}:{os.environ['PATH']}"
        found["official plugins"] = {"EXEC_PLUGINS": "official", "PATH": path}
    return found


def in_a_new_lab(
    measure: Callable[[Lab], dict[str, float]], pairs: int = 1, objects: int = OBJECTS
) -> dict[str, float]:
    """What `measure` finds in a lab that is made for it and goes with it."""
    directory = settings.CLONE / ".lab/bench"
    lab = Lab(free_plan(pairs), directory)
    with locked(directory):
        lab.start(objects, settings.RATE_PER_MINUTE)
    try:
        return measure(lab)
    finally:
        lab.remove()
        shutil.rmtree(directory, ignore_errors=True)


def with_pulumi(lab: Lab, variables: dict[str, str]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory:
        work = make_workspace(Path(directory), lab)
        work.variables = variables
        assert work.pulumi("stack", "init", STACK).code == 0
        up = ("up", "--yes", "--skip-preview", "--stack", STACK)
        found = {"first up": seconds_of(work, *up)}
        found["logins a host"] = logins(lab) / len(lab.exec_hosts)
        found["no-op preview"] = min(
            seconds_of(work, "preview", "--stack", STACK) for _ in range(5)
        )
        found["no-op up"] = min(seconds_of(work, *up) for _ in range(5))
        work.edit("excp.pairs.1.tag", NEW_TAG)
        found["new tag of the pair"] = seconds_of(work, *up)
        return found


def seconds_of(work: Workspace, *arguments: str) -> float:
    run = work.pulumi(*arguments)
    assert run.code == 0, run.text
    return run.seconds


def logins(lab: Lab) -> int:
    return sum(map(logins_at, lab.exec_hosts))


def with_script(lab: Lab) -> dict[str, float]:
    plain = Plain(layout_of(lab, None), lab.directory, lab_secrets())
    found = {"first up": plain.deploy(), "logins a host": logins(lab) / len(lab.exec_hosts)}
    found["chain"] = plain.chain_seconds()
    newer = Plain(layout_of(lab, NEW_TAG), lab.directory, lab_secrets())
    found["new tag of the pair"] = newer.replace_pairs()
    return found


def layout_of(lab: Lab, pair_tag: str | None) -> Layout:
    with tempfile.TemporaryDirectory() as directory:
        work = make_workspace(Path(directory), lab)
        if pair_tag:
            work.edit("excp.pairs.1.tag", pair_tag)
        return layout_in(work)


def layout_in(work: Workspace) -> Layout:
    """The layout that the stack file says."""
    values, secret_keys = read_stack_file(work.directory / f"Pulumi.{STACK}.yaml")
    config, problems = parse(values, secret_keys, {})
    assert config is not None, problems
    return build_layout(config, STACK)


if __name__ == "__main__":
    main()
