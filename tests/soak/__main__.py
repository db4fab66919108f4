"""Operates a site of a lab of its own for a while: updates, rollbacks, restarts, stops and repairs
by chance, faults in some of them, and after each one a look at what must hold.

    python -m tests.soak --operations 200 --seed 7 [--minutes 60] [--to docs/reliability.json]

Ends with exit code 1 if an invariant didn't hold. The same seed makes the same operations.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from lab import settings
from lab.lab import Lab, locked
from tests.lab.conftest import Site, free_plan, make_workspace
from tests.lab.operator import NEW, OLD, Running, pair_urls
from tests.lab.prober import Watch
from tests.lab.workspace import CLONE, STACK
from tests.soak.held import Held, broken, look, processes, table
from tests.soak.plan import BEFORE, Step, plan, words

CODES = {
    None: {0},
    # And 1 for a second command, which meets the lock of the first.
    "kill -9": {0, 1, -signal.SIGKILL},
    "Ctrl-C": {0, 1, 130},
}
FAULTY_CODES = {0, 1, 3, 4}
KEEP = 3
"""Releases that the stack file keeps images of, by default."""
END_SECONDS = 240.0
REPAIR_SECONDS = 90.0


class Soak:
    """The site, and what was found while it was operated."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        self.temporary = directory / "temporary"
        self.temporary.mkdir()
        self.site = Site(lab, make_workspace(_made(directory / "clone"), lab))
        work = self.site.work
        work.variables["TMPDIR"] = str(self.temporary)
        work.edit("gate.interval_seconds", 0.2)
        work.edit("gate.deadline_seconds", 20)
        work.edit("excs.sync_gate.interval_seconds", 0.2)
        work.up()
        self.held: list[Held] = []
        self.done: list[Step] = []
        self.findings: list[str] = []
        self._settle()
        self.least = look(self.site, self.temporary)
        self.held.append(self.least)

    def run(self, step: Step) -> None:
        with Watch(self.site.health_urls()) as watch:
            found = self._operate(step)
            self._repair(step, found)
        for pair, urls in pair_urls(self.site).items():
            # 503 is an answer: Redis may be what is broken.
            if seconds := watch.longest_without_any(urls, {200, 503}):
                found.append(f"{pair} was wholly down for {seconds:.1f} s")
        self._settle()
        self.held.append(look(self.site, self.temporary))
        if step.fault == "kill -9":
            # Nobody can remove the files of a process that was killed, but those are all.
            self.least = replace(self.least, temporary_files=self.held[-1].temporary_files)
        found += broken(self.least, self.held[-1], len(self.site.hosts), KEEP)
        self.done.append(step)
        number = len(self.done)
        fault = f", {step.fault} ({step.fault_instance})" if step.fault else ""
        self.findings += [f"operation {number}, {step.operation}{fault}: {each}" for each in found]
        print(f"{number}: {step.operation} {step.instance}{fault}", *found, sep="\n  ", flush=True)

    def _operate(self, step: Step) -> list[str]:
        """Runs the operator's commands with the fault; what they shouldn't have said or done."""
        site, found = self.site, []
        if step.operation == "drift repair":
            site.docker(step.instance, "rm", "--force", step.instance)
        if step.fault in BEFORE:
            _begin(site, step)
            time.sleep(1)
        tag = OLD if site.work.setting("excp.pairs.1.tag") == NEW else NEW
        for command in words(step, tag):
            running = Running(site, *command, "--yes")
            if step.fault and step.fault not in BEFORE:
                self._during(step, running)
            try:
                code = running.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                running.kill()
                found.append(f"didn't end within {END_SECONDS:.0f} s")
                break
            allowed = CODES.get(step.fault, FAULTY_CODES)
            if code not in allowed:
                found.append(
                    f"`exctl {' '.join(command)}` ended with {code}: {running.said[-600:]}"
                )
            if "Traceback" in running.said:
                found.append(f"a traceback: {running.said[-2000:]}")
            found += ["a secret was told" for secret in site.secrets if secret in running.said]
            _end_faults(site)
        _end_faults(site)
        return found

    def _during(self, step: Step, running: Running) -> None:
        _wait(lambda: running.process.poll() is not None, step.after_seconds)
        if step.fault == "kill -9":
            running.kill()
        elif step.fault == "Ctrl-C":
            if running.process.poll() is None:
                running.cut(signal.SIGINT)
        else:
            _begin(self.site, step)

    def _repair(self, step: Step, found: list[str]) -> None:
        """What an operator does after a failure: unlock if need be, and `up`."""
        site = self.site
        if step.fault is None:
            if not self._is_well():
                found.append(f"not well afterwards: {site.codes()}")
            else:
                return
        _wait(lambda: None not in site.codes().values(), REPAIR_SECONDS)
        if step.fault == "kill -9":
            site.work.exctl("unlock", "--yes", "--stack", STACK)
        if step.operation == "stop and start":
            site.work.exctl("start", "excp", "--yes", "--stack", STACK)
        run = site.work.exctl("up", "--yes", "--stack", STACK)
        if run.code != 0:
            found.append(f"`exctl up` afterwards ended with {run.code}: {run.text[-600:]}")
        _wait(self._is_well, REPAIR_SECONDS)
        if not self._is_well():
            found.append(f"not well after `exctl up`: {site.codes()}")

    def _is_well(self) -> bool:
        """All healthy, and the pair in the version that the stack file names."""
        site = self.site
        tag = site.work.setting("excp.pairs.1.tag")
        answers = [site.answer(key, "/health") for key in site.hosts]
        pair = [a for key, a in zip(site.hosts, answers, strict=True) if key.startswith("excp")]
        return all(answers) and {answer["version"] for answer in pair} == {tag}

    def _settle(self) -> None:
        """What is ending by itself ends: Pulumi after a kill, ssh's connections after a minute."""
        _wait(lambda: processes(self.site) == 0, 20)


def _begin(site: Site, step: Step) -> None:
    target, host = step.fault_instance, site.host(step.fault_instance).name
    begin: dict[str, Callable[[], None]] = {
        "host without power": lambda: site.set_fault(host, "power-cut"),
        "daemon stopped": lambda: site.set_fault(host, "daemon-stopped"),
        "instance hangs": lambda: site.set_fault(target, "hang"),
        "registry down": lambda: site.set_fault("infra", "registry-down"),
        "instance crashes at its start": lambda: site.set_fault(target, "crash_at_start"),
        "SSH dropped": lambda: site.set_fault(host, "ssh-dropped"),
        "daemon frozen": lambda: site.set_fault(host, "daemon-frozen"),
        "Redis restarted and emptied": lambda: site.set_fault("infra", "redis-down"),
    }
    begin[step.fault or ""]()
    if step.fault == "Redis restarted and emptied":
        site.clear_faults("infra")


def _end_faults(site: Site) -> None:
    for target in (*(host.name for host in site.lab.hosts.values()), *site.hosts):
        site.clear_faults(target)


def _wait(is_so: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not is_so():
        time.sleep(0.2)


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory


@click.command()
@click.option("--operations", type=int, default=50, show_default=True)
@click.option("--minutes", type=float, default=600.0, help="begin none after so long")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--to", type=click.Path(path_type=Path), help="note the result there, for this seed")
def main(operations: int, minutes: float, seed: int, to: Path | None) -> None:
    directory = settings.CLONE / ".lab/soak"
    lab = Lab(free_plan(), directory)
    began = time.monotonic()
    with locked(directory), tempfile.TemporaryDirectory() as clone:
        lab.start(30, settings.RATE_PER_MINUTE)
        try:
            soak = Soak(lab, Path(clone))
            for step in plan(seed, operations):
                if time.monotonic() - began > 60 * minutes:
                    break
                soak.run(step)
        finally:
            lab.remove()
            shutil.rmtree(directory, ignore_errors=True)
    found = result(soak, operations, seed, (time.monotonic() - began) / 60)
    print(json.dumps(found, indent=1))
    if to is not None:
        content = json.loads(to.read_text())
        others = [run for run in content["soak"] if run["seed"] != seed]
        content["soak"] = [*others, found]
        to.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    sys.exit(1 if soak.findings else 0)


def result(soak: Soak, asked: int, seed: int, minutes: float) -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "-C", str(CLONE), "rev-parse", "--short=7", "HEAD"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit,
        "seed": seed,
        "asked": asked,
        "done": len(soak.done),
        "minutes": round(minutes, 1),
        "operations": dict(Counter(step.operation for step in soak.done)),
        "faults": dict(Counter(step.fault for step in soak.done if step.fault)),
        "held": table(soak.held),
        "findings": soak.findings,
    }


if __name__ == "__main__":
    main()
