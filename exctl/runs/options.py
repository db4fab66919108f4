"""How a run is done, as the operator's options say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from exctl.runs.scope import EVERYTHING, Scope

PauseAfter = Literal["first", "pair"]


@dataclass(frozen=True)
class RunOptions:
    """`stay`: after a failure, leave things as they are. `restart`: keys of instances whose
    containers are replaced although nothing of them has changed. `preflight`: check the hosts
    first. `part`: one step of a longer operation, which shows the plan, asks, and records the
    release. `bake`: go on watching behind the gates, where the stack file says so. `scope`: what
    the operator has named; nothing else is touched. `is_way_back`: it takes back what has just
    failed, and does what it can. `pause_after`: the operator wants to look at the first instance,
    or pair, before the rest. `saved_plan`: the file of the one plan that may be carried out."""

    yes: bool = False
    allow_outage: bool = False
    message: str = ""
    stay: bool = True
    restart: tuple[str, ...] = ()
    preflight: bool = True
    part: bool = False
    bake: bool = True
    scope: Scope = EVERYTHING
    is_way_back: bool = False
    pause_after: PauseAfter | None = None
    saved_plan: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a run that ended well: the instances it was about, and whether it has paused
    with some of them left."""

    touched: tuple[str, ...] = ()
    is_paused: bool = False
