"""Records that prove each other: each holds the hashes of those before it, and its own. Pure.

A record names the *heads*: the records that no other one names yet. In one clone that is the record
before it. Where git has merged the files of two clones (line by line, `merge=union`), both lines of
descent stay valid as they are, and the next record names the head of each and so joins them.

What counts is descent, not the order of lines: git puts a branch's lines before or after the
other's. Each record names its clone, and all that one clone wrote is one line of descent: a record
slipped in under a clone's name isn't on it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

Record = Mapping[str, Any]
HASH, PREVIOUS, CLONE, LOST = "hash", "previous", "clone", "lost"
LINKS = (HASH, PREVIOUS, CLONE, LOST)
"""What links a record to others; the rest of it says what happened."""


def hash_of(record: Record) -> str:
    """SHA-256, in hexadecimal, of all of a record but its own hash."""
    return digest_of({name: value for name, value in record.items() if name != HASH})


def digest_of(value: Any) -> str:
    """SHA-256, in hexadecimal, of a value as JSON with sorted keys and no blanks."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def sealed(
    content: Record, before: Iterable[Record], clone: str = "", last: str = ""
) -> dict[str, Any]:
    """The content as a record that follows those before it, written by `clone`, whose last record
    was `last`. Where that isn't there any more, the new record says so."""
    every = list(before)
    record = {**content, PREVIOUS: heads(every)}
    if clone:
        record[CLONE] = clone
    if last and all(found[HASH] != last for found in every):
        record[LOST] = last
    return record | {HASH: hash_of(record)}


def heads(records: Iterable[Record]) -> list[str]:
    """The hashes that no record names as its predecessor, in the records' order."""
    found: dict[str, None] = {}
    for record in records:
        for previous in record[PREVIOUS]:
            found.pop(previous, None)
        found[record[HASH]] = None
    return list(found)


@dataclass(frozen=True)
class Problem:
    """What is wrong with a line (the first is 1): `cut`, `changed`, `unconnected`, `inserted` or
    `lost`."""

    line: int
    kind: str

    def __str__(self) -> str:
        said = {
            "cut": "isn't a record; it is truncated or was edited by hand",
            "changed": "was changed after it was written",
            "unconnected": "follows a record that isn't before it; one was removed or moved",
            "inserted": "doesn't follow what its own clone had written; one of them was inserted",
            "lost": "says that the record before it was already missing; the end was cut off",
        }
        return f"line {self.line} {said[self.kind]}"


def read(lines: Iterable[str]) -> tuple[list[dict[str, Any]], list[Problem]]:
    """The records of a file, and what is wrong with it; one that was changed isn't among them."""
    records: list[dict[str, Any]] = []
    numbers: list[int] = []
    problems: list[Problem] = []
    known: set[str] = set()
    for number, line in enumerate(lines, 1):
        record = _parsed(line)
        if record is None:
            problems.append(Problem(number, "cut"))
            continue
        if record[HASH] in known:
            problems.append(Problem(number, "inserted"))
            continue
        known.add(record[HASH])  # whoever follows a changed one isn't to blame
        if record[HASH] != hash_of(record):
            problems.append(Problem(number, "changed"))
            continue
        if not known.issuperset(record[PREVIOUS]) or (records and not record[PREVIOUS]):
            problems.append(Problem(number, "unconnected"))
        records.append(record)
        numbers.append(number)
    problems += [Problem(numbers[place], kind) for place, kind in _of_clones(records, known)]
    return records, sorted(problems, key=lambda problem: problem.line)


def _of_clones(records: Sequence[Record], known: Collection[str]) -> Iterator[tuple[int, str]]:
    """Where a clone's records aren't one line of descent, and where one of them was lost.

    A clone that lost its last record (a branch of git put aside) goes on beside it: the record
    that says so excuses what it names and all before that.
    """
    places = {record[HASH]: place for place, record in enumerate(records)}
    before: list[int] = []  # of each record those that it descends from, a bit each
    for record in records:
        named = [places[name] for name in record[PREVIOUS] if name in places]
        before.append(_united(before[p] | 1 << p for p in named if p < len(before)))
    put_aside = [places[r[LOST]] for r in records if r.get(LOST) in places]
    excused = _united(before[place] | 1 << place for place in put_aside)
    of_clone: dict[str, int] = {}
    for place, record in enumerate(records):
        if LOST in record and record[LOST] not in known:
            yield place, "lost"
        if not isinstance(clone := record.get(CLONE), str):
            continue
        earlier = of_clone.get(clone, 0)
        of_clone[clone] = earlier | 1 << place
        if not excused >> place & 1 and earlier & ~before[place] & ~excused:
            yield place, "inserted"


def _united(sets: Iterable[int]) -> int:
    return reduce(or_, sets, 0)


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    well = (
        isinstance(found, dict)
        and all(isinstance(found.get(name), str) for name in (HASH, "kind", "run", "at"))
        and isinstance(found.get(PREVIOUS), list)
    )
    return found if well else None
