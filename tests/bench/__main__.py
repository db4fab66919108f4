"""Times a first `up`, previews and updates without changes, and a new tag, in a lab of its own.

Prints one table: the engine's numbers, those of the services themselves on the longest chain, and
those of a plain script. The lab is made anew for each, so that every one of them pulls its images.
"""

from __future__ import annotations

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
    engines = {"embedded engine": CLONE / "engine/bin"}
    if found := shutil.which("pulumi"):
        engines["Pulumi CLI"] = Path(found).parent
    rows: dict[str, dict[str, float]] = {}
    for name, directory in engines.items():
        rows[name] = in_a_new_lab(partial(with_engine, engine=directory))
    rows["plain ssh and docker"] = in_a_new_lab(with_script)
    chain = rows["plain ssh and docker"].pop("chain")
    columns = ["first up", "no-op preview", "no-op up", "new tag of the pair", "logins a host"]
    print(f"| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, seconds in rows.items():
        cells = [f"{seconds[c]:.1f}" if c in seconds else "" for c in columns]
        print(f"| {name} | {' | '.join(cells)} |")
    print(f"\nthe services' own start-up on the longest chain: {chain:.1f} s")


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


def with_engine(lab: Lab, engine: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory:
        work = make_workspace(Path(directory), lab)
        work.engine = engine
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
    found["new tag of the pair"] = newer.replace_pair()
    return found


def layout_of(lab: Lab, pair_tag: str | None) -> Layout:
    with tempfile.TemporaryDirectory() as directory:
        work = make_workspace(Path(directory), lab)
        if pair_tag:
            work.edit("excp.pairs.1.tag", pair_tag)
        values, secret_keys = read_stack_file(work.directory / f"Pulumi.{STACK}.yaml")
    config, problems = parse(values, secret_keys, {})
    assert config is not None, problems
    return build_layout(config, STACK)


if __name__ == "__main__":
    main()
