"""The fleet's stacks against their services, for a terminal and as a page. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from config_schema.fleet import Fleet
from exctl.fleet.rollout import Rollout
from exctl.fleet.status import ServiceRow, StackRow, frozen, wave_of
from exctl.report.markup import BAD, CAUTION, GOOD, Cell, Chapter, Document, Notes, Table
from stack.text import aligned, counted
from vendor_facts import SERVICES

HEAD = ("STACK", "TENANT", "WAVE", "RELEASE", *map(str.upper, SERVICES), "SYNC", "DRIFT",
        "PREFLIGHT", "LAST RUN", "FROZEN")  # fmt: skip


def lines(rows: Sequence[StackRow], fleet: Fleet | None) -> list[str]:
    """A line a stack; below, why those that aren't well aren't."""
    found = aligned([HEAD, *([cell.text for cell in cells(row, fleet)] for row in rows)])
    return found + [f"{row.stack}: {row.trouble}" for row in rows if row.trouble]


def cells(row: StackRow, fleet: Fleet | None) -> list[Cell]:
    """The cells of a stack, as HEAD names them."""
    wave, freeze = wave_of(fleet, row.stack), frozen(fleet, row.stack)
    first = [
        Cell(row.stack, BAD if row.trouble else GOOD),
        Cell(row.tenant or "?"),
        Cell(wave or "(none)"),
    ]
    if row.problem:
        unknown = [Cell("UNKNOWN", BAD)] * (len(HEAD) - len(first) - 1)
        return [*first, *unknown, Cell(freeze)]
    pins = fleet.of(row.stack).pins if fleet is not None else {}
    services = [_service(row.services[name], pins.get(name, "")) for name in SERVICES]
    return [
        *first,
        _release(row),
        *services,
        Cell(row.sync, GOOD if row.sync.startswith("sync complete") else CAUTION),
        Cell(row.drift, "" if row.drift.startswith("none ") else CAUTION),
        Cell(row.preflight, BAD if "failed" in row.preflight else ""),
        Cell(row.last_run or "none"),
        Cell(freeze, CAUTION if freeze else ""),
    ]


def _service(row: ServiceRow, pin: str) -> Cell:
    pinned = " (pinned)" if pin else ""
    text = f"{'/'.join(row.tags)}{pinned} {row.healthy}/{row.wanted}"
    if not row.wanted:
        return Cell(f"{'/'.join(row.tags)} stopped", CAUTION)
    return Cell(text, GOOD if row.is_well else BAD)


def _release(row: StackRow) -> Cell:
    if row.release is None:
        return Cell("none", CAUTION)
    return Cell(f"{row.release}{'' if row.is_deployed else ', edited since'}",
                "" if row.is_deployed else CAUTION)  # fmt: skip


def document(
    rows: Sequence[StackRow], fleet: Fleet | None, last: Rollout | None, at: str
) -> Document:
    """The same as a page."""
    ill = [row for row in rows if row.trouble]
    facts = [
        Cell(counted(len(rows), "stack")),
        Cell(f"{len(rows) - len(ill)} well", "" if ill else GOOD),
        Cell(f"{len(ill)} not well", BAD if ill else ""),
    ]
    chapters = [Chapter("Stacks", [Table(HEAD, [cells(row, fleet) for row in rows])])]
    if ill:
        notes = Notes([Cell(f"{row.stack}: {row.trouble}", BAD) for row in ill])
        chapters.append(Chapter("Not well", [notes]))
    if last is not None:
        chapters.append(Chapter("Last rollout", [Notes([rollout_line(last)])]))
    return Document("The fleet", f"As it answered at {at}.", facts, chapters)


def rollout_line(found: Rollout) -> str:
    """Where the last rollout is, in a line."""
    outcomes = list(found.outcomes.values())
    counts = ", ".join(f"{outcomes.count(o)} {o}" for o in dict.fromkeys(outcomes))
    state = "over" if found.is_over else "not over"
    return f"rollout {found.id} ({' '.join(found.command)}) by {found.by}: {state}; {counts}"
