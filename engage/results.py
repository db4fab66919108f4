"""What a survey is to look at, and what it finds, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engage.conflicts import Conflict
from engage.estimate import Estimate
from engage.folders import Doubt, Match
from engage.groups import GroupLink
from engage.objects import Switch, Tenant
from engage.reading import Total
from engage.supervisors import NearSupervisor
from engage.transactions import TransactionFacts

Topic = Literal[
    "tenants", "switches", "totals", "folders", "persons", "skills", "dns", "agent groups",
    "skill levels", "supervisors", "transaction", "dn types",
]  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What the stack file says. `folders` is None where the filter is off. `annex`: section → key
    → value of the transaction, None where it isn't known."""

    tenant_id: str
    org_id: str
    folders: tuple[str, ...] | None
    deadline_seconds: float
    annex: Mapping[str, Mapping[str, str | None]] = field(repr=False)


@dataclass(frozen=True)
class Unknown:
    """What couldn't be found out: a table or columns that aren't recognised, or the error of the
    database (`denied`, `timeout`, `failed`) with its code."""

    topic: Topic
    why: str
    table: str = ""
    columns: tuple[str, ...] = ()
    code: str = ""


@dataclass(frozen=True)
class Missed:
    """A name of the filter that finds no folder, and folders that differ from it by case only."""

    name: str
    in_other_case: tuple[str, ...] = ()


@dataclass(frozen=True)
class FolderFacts:
    """The folder filter: `doubts` say why the mapping isn't recognised; then it isn't applied."""

    is_on: bool
    is_recognised: bool
    doubts: tuple[Doubt, ...] = ()
    matches: tuple[Match, ...] = ()
    missed: tuple[Missed, ...] = ()


@dataclass(frozen=True)
class SkillLevels:
    """Of enabled persons: the least and the greatest level, and how many are outside the range
    that the transaction names (None where it names none)."""

    least: int
    greatest: int
    allowed: tuple[int, int] | None
    outside: int


@dataclass
class Survey:
    """What a survey found. `persons` and the rest count what the filter takes, enabled objects
    only; a count is None where it isn't known."""

    schema: str
    tenant: Tenant | None
    tenants: list[Tenant] = field(default_factory=list)
    switches: list[Switch] = field(default_factory=list)
    totals: list[Total] = field(default_factory=list)
    folders: FolderFacts = FolderFacts(False, False)
    persons: int | None = None
    skills: int | None = None
    agent_groups: int | None = None
    dns: dict[int, int] | None = None
    """DN type → how many; of those that EXCS takes."""
    conflicts: list[Conflict] = field(default_factory=list)
    supervisors: int | None = None
    near_supervisors: list[NearSupervisor] = field(default_factory=list)
    groups: list[GroupLink] = field(default_factory=list)
    skill_levels: SkillLevels | None = None
    transaction: TransactionFacts | None = None
    strange_dn_types: dict[int, str] = field(default_factory=dict)
    """Types whose name in the database isn't what their number means to us."""
    estimate: Estimate | None = None
    unknowns: list[Unknown] = field(default_factory=list)
