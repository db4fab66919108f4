"""A survey as a document, for a terminal or a change board, and as JSON. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engage.objects import STATES, dn_type_name
from engage.results import Survey, Wanted
from exctl.points import Point, as_block, count_of
from exctl.report.markup import (
    BAD,
    CAUTION,
    GOOD,
    Block,
    Cell,
    Chapter,
    Document,
    Notes,
    Paragraph,
    Table,
)
from health.gates.clock import duration_text
from stack.text import counted

ROWS_SHOWN = 40
"""Chosen: what a person reads; `--json` has all of them."""


@dataclass(frozen=True)
class Taken:
    """A survey with what was asked, and when."""

    stack: str
    at: str
    database: str
    wanted: Wanted
    survey: Survey
    points: Sequence[Point]

    @property
    def problems(self) -> int:
        return count_of("problem", self.points)


def as_json(taken: Taken) -> dict[str, Any]:
    """Stable: `points` by code, `survey` with every fact. Of secrets no value."""
    return {
        "stack": taken.stack,
        "at": taken.at,
        "folders": taken.wanted.folders,
        "points": [asdict(point) for point in taken.points],
        "survey": asdict(taken.survey),
    }


def document(taken: Taken) -> Document:
    found = taken.survey
    tenant = (
        f"tenant {found.tenant.name} (DBID {found.tenant.dbid})" if found.tenant else "no tenant"
    )
    return Document(
        f"Survey of Engage for the stack {taken.stack}",
        f"{taken.at}: {tenant} in {taken.database}, schema {found.schema}. Read only.",
        list(_facts(taken)),
        [chapter for chapter in _chapters(taken) if chapter.blocks],
    )


def _facts(taken: Taken) -> Iterator[Cell]:
    found, warnings = taken.survey, count_of("warning", taken.points)
    unknown = count_of("unknown", taken.points)
    yield Cell(counted(taken.problems, "problem"), BAD if taken.problems else GOOD)
    yield Cell(counted(warnings, "warning"), CAUTION if warnings else GOOD)
    yield Cell(f"{unknown} unknown", CAUTION if unknown else GOOD)
    if found.persons is not None:
        yield Cell(counted(found.persons, "person"))
    if found.estimate is not None:
        yield Cell(f"first sync {_range(found.estimate.seconds)}")


def _chapters(taken: Taken) -> Iterator[Chapter]:
    found = taken.survey
    yield Chapter("What to do", [as_block(taken.points)])
    yield Chapter("Objects", _objects(found))
    yield Chapter("Folder filter", _folders(taken))
    yield Chapter("Names that differ by case", _conflicts(found))
    yield Chapter("Supervisors", _supervisors(found))
    yield Chapter("Agent groups and their queues", _groups(found))
    yield Chapter("The transaction hybrid_integration", _transaction(found))
    yield Chapter("First sync", _estimate(found))


def _objects(found: Survey) -> list[Block]:
    """Per tenant, switch and type; a state that no constant names is shown by its number."""
    tenants = {tenant.dbid: tenant.name for tenant in found.tenants}
    switches = {switch.dbid: switch.name for switch in found.switches}
    counts: dict[tuple[str, str, str], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for total in found.totals:
        kind = total.kind if total.type is None else f"DN: {dn_type_name(total.type)}"
        of = switches.get(total.switch or 0, "") if total.switch else ""
        key = (tenants.get(total.tenant, f"tenant {total.tenant}"), of, kind)
        counts[key][total.state] += total.objects
    states = sorted({state for each in counts.values() for state in each} | {1, 2})
    head = ("TENANT", "SWITCH", "TYPE", *(STATES.get(s, f"state {s}").upper() for s in states))
    rows = [
        (*key, *(f"{counts[key][state]:,}" for state in states))
        for key in sorted(counts, key=lambda key: (key[0], bool(key[1]), key))
    ]
    return [Table(head, rows)] if rows else []


def _folders(taken: Taken) -> list[Block]:
    facts = taken.survey.folders
    if not facts.is_on:
        return [Paragraph("Off: every object of the tenant is synced.")]
    named = ", ".join(taken.wanted.folders or ())
    if not facts.is_recognised:
        return [Paragraph(f"Folders: {named}. Folder mapping not recognised.")]
    rows = [(m.name, m.kind, m.path, m.owner, f"{m.objects:,}") for m in facts.matches]
    head = ("NAME", "UNIT", "FOLDER", "SWITCH", "ENABLED OBJECTS, WITH THOSE BELOW")
    return [Table(head, rows)] if rows else [Paragraph(f"Folders: {named}. None was found.")]


def _conflicts(found: Survey) -> list[Block]:
    rows = [
        (
            conflict.kind,
            conflict.field,
            conflict.scope,
            ", ".join(f"{each.name} (DBID {each.dbid})" for each in conflict.spellings),
        )
        for conflict in found.conflicts
    ]
    return _shown(("TYPE", "FIELD", "WHERE", "SPELLINGS"), rows)


def _supervisors(found: Survey) -> list[Block]:
    if found.supervisors is None:
        return []
    rows = [(str(n.dbid), n.user_name, n.why, n.found) for n in found.near_supervisors]
    fit = "fits" if found.supervisors == 1 else "fit"
    persons = counted(found.supervisors, "person")
    said = f"{persons} {fit} the vendor's rule; near misses: {len(rows)}."
    return [Paragraph(said), *_shown(("DBID", "USER NAME", "WHY NOT", "FOUND"), rows)]


def _groups(found: Survey) -> list[Block]:
    if not found.groups:
        return []
    linked = sum(group.link == "linked" for group in found.groups)
    rows = [
        (str(g.dbid), f"{g.name} (virtual)" if g.is_virtual else g.name, g.link, g.value, g.dn_type)
        for g in found.groups
        if g.link != "linked"
    ]
    said = f"{linked} of {counted(len(found.groups), 'agent group')} name a Virtual Queue."
    head = ("DBID", "AGENT GROUP", "WFM_queue_number", "VALUE", "DN")
    return [Paragraph(said), *_shown(head, rows)]


def _transaction(found: Survey) -> list[Block]:
    facts = found.transaction
    if facts is None:
        return []
    rows = [
        (key.section, key.key, key.standing, "(not shown)" if _is_kept_back(key.key) else key.found)
        for key in facts.keys
    ]
    blocks: list[Block] = [Table(("SECTION", "KEY", "STATE", "FOUND"), rows)] if rows else []
    if facts.others:
        blocks.append(Notes([f"possibly for another use: {', '.join(facts.others)}"]))
    return blocks or [Paragraph(f"Not as it should be: {facts.found}.")]


def _is_kept_back(key: str) -> bool:
    from engage.transactions import SECRET_KEYS

    return key in SECRET_KEYS


def _estimate(found: Survey) -> list[Block]:
    estimate = found.estimate
    if estimate is None:
        return [Paragraph("Unknown: see what wasn't read.")] if found.tenant else []
    least, most = estimate.requests
    return [
        Notes(
            [
                f"{estimate.objects:,} objects would be created in Genesys Cloud,"
                f" {estimate.persons:,} of them persons; business attributes aren't counted",
                f"time: {_range(estimate.seconds)}; requests at the API's rate: {least:,} to"
                f" {most:,}",
                f"Redis: {estimate.redis_gb:g} GB of memory",
                f"the sync gate gives up after {duration_text(estimate.deadline_seconds)}",
            ]
        ),
        Paragraph(
            "From the vendor's figures for 1,000 agents (30 to 40 minutes, 2 GB), assumed to"
            " grow with the number of agents, which isn't documented."
        ),
    ]


def _range(seconds: tuple[int, int]) -> str:
    least, most = (max(1, round(each / 60)) for each in seconds)
    return f"{least} to {counted(most, 'minute')}" if least != most else counted(most, "minute")


def _shown(head: tuple[str, ...], rows: Sequence[Sequence[str]]) -> list[Block]:
    if not rows:
        return []
    blocks: list[Block] = [Table(head, rows[:ROWS_SHOWN])]
    if len(rows) > ROWS_SHOWN:
        blocks.append(Paragraph(f"and {len(rows) - ROWS_SHOWN} more; --json lists all"))
    return blocks
