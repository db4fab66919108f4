"""Runs that were under way when the fleet's command ended: what their records say of them."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from exctl.errors import ExctlError
from exctl.fleet import rollout
from exctl.fleet.child import outcome_of
from exctl.fleet.rollout import Rollout, StackRun
from exctl.fleet.schedule import Outcome
from exctl.history import store as history
from exctl.history.run import KILLED, NO_END, UNDER_WAY
from exctl.releases import store as releases
from exctl.site import StackPlace
from exctl.terminal.messages import say
from health.runlock import Holder
from stack.text import parse_time


def settled(project: Path, found: Rollout) -> None:
    """What became of runs that were under way when the fleet's command ended, from their records;
    waits for those that still are. Raises ExctlError where that can't be told."""
    for run in found.of(Outcome.RUNNING):
        is_said = False
        while _is_alive(run) or _settle(project, found, run):
            if not is_said:
                say(
                    f"{run.stack}: its run (process {run.pid}) is still running; waiting for it"
                    f" to end"
                )
                is_said = True
            time.sleep(1.0)
    rollout.save(project, found)


def _is_alive(run: StackRun) -> bool:
    holder = Holder(run.pid, "", socket.gethostname(), parse_time(run.began))
    return bool(run.pid and holder.lives)


def _settle(project: Path, found: Rollout, run: StackRun) -> bool:
    """Whether its run still goes on; else its outcome is set."""
    place = StackPlace(project, run.stack)
    of = [each for each in history.read(place).runs if each.begun.get("rollout") == found.id]
    if not of or of[-1].at < run.began:
        run.outcome = Outcome.WAITING  # it never began
        return False
    last = of[-1]
    if last.result == UNDER_WAY:
        return True
    if last.result == NO_END:
        raise ExctlError(
            f"{run.stack}: its run began on {last.who}, and whether it ended can't be seen from"
            f" here; resume there",
            touched=False,
        )
    run.release_after = next(iter(reversed(releases.numbers(place))), None)
    if last.result == KILLED or last.ended is None:
        run.outcome, run.reason = Outcome.INTERRUPTED, "its run was killed"
        return False
    run.exit_code = int(last.ended.get("exit_code", 1))
    run.outcome = outcome_of(run.exit_code, last.ended.get("touched"))
    run.reason = last.error.partition("\n")[0]
    return False
