"""Records that prove each other: each holds the hashes of those before it, and its own. Pure.

A record names the *heads*: the records that no other one names yet. In one clone that is the record
before it. Where git has merged the files of two clones (line by line, `merge=union`), both lines of
descent stay valid as they are, and the next record names the head of each and so joins them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]
HASH, PREVIOUS = "hash", "previous"


def hash_of(record: Record) -> str:
    """SHA-256, in hexadecimal, of all of a record but its own hash."""
    content = {name: value for name, value in record.items() if name != HASH}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def sealed(content: Record, before: Iterable[Record]) -> dict[str, Any]:
    """The content as a record that follows those before it."""
    record = {**content, PREVIOUS: heads(before)}
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
    """What is wrong with a line (the first is 1): `cut`, `changed`, or `unconnected`."""

    line: int
    kind: str

    def __str__(self) -> str:
        said = {
            "cut": "isn't a record; it was cut or edited by hand",
            "changed": "was changed after it was written",
            "unconnected": "follows a record that isn't before it; one was removed or moved",
        }
        return f"line {self.line} {said[self.kind]}"


def read(lines: Iterable[str]) -> tuple[list[dict[str, Any]], list[Problem]]:
    """The records of a file, and what is wrong with it; one that was changed isn't among them."""
    records: list[dict[str, Any]] = []
    problems: list[Problem] = []
    known: set[str] = set()
    for number, line in enumerate(lines, 1):
        record = _parsed(line)
        if record is None:
            problems.append(Problem(number, "cut"))
            continue
        known.add(record[HASH])  # whoever follows a changed one isn't to blame
        if record[HASH] != hash_of(record):
            problems.append(Problem(number, "changed"))
            continue
        if not known.issuperset(record[PREVIOUS]) or (records and not record[PREVIOUS]):
            problems.append(Problem(number, "unconnected"))
        records.append(record)
    return records, problems


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
