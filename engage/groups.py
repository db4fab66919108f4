"""Agent groups and the queue that each names for WFM. Pure.

Source: deployment, "Preparing Engage Configuration": Annex / hybrid / WFM_queue_number =
<ROUTING_VQ_DN_NAME>. Not public: whether that is the DN's name (alias) or its number where they
differ, and whether EXEC minds the case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from engage.objects import ENABLED, Dn, DnType, Named, Option, dn_type_name

SECTION, KEY = "hybrid", "WFM_queue_number"
VIRTUAL_SECTION, VIRTUAL_KEY = "virtual", "script"
Link = Literal[
    "linked", "by number", "other case", "not selected", "disabled", "wrong type", "no such dn",
    "no key", "key in other case",
]  # fmt: skip


@dataclass(frozen=True)
class GroupLink:
    """A group and what its key leads to; `value` is the key's, `dn_type` that of the DN found."""

    dbid: int
    name: str
    is_virtual: bool
    link: Link
    value: str = ""
    dn_type: str = ""


class DnNames:
    """The DNs that some value could mean, by name and number; all others are let pass."""

    def __init__(self, values: Iterable[str]) -> None:
        self._wanted = {value.casefold() for value in values}
        self._found: dict[str, list[Dn]] = defaultdict(list)

    def add(self, dn: Dn) -> None:
        for folded in {dn.name.casefold(), dn.number.casefold()} & self._wanted:
            self._found[folded].append(dn)

    def like(self, value: str) -> list[Dn]:
        return self._found.get(value.casefold(), [])


def values_of(options: Iterable[Option]) -> dict[int, str]:
    """Group → the value of its key, spelled as the vendor does."""
    return {
        option.object_dbid: option.value.strip()
        for option in options
        if (option.section, option.name) == (SECTION, KEY)
    }


def linked(
    groups: Iterable[Named],
    options: Iterable[Option],
    dns: DnNames,
    is_selected: Callable[[Dn], bool],
) -> list[GroupLink]:
    """Each group with what its key leads to. `is_selected`: the folder filter takes the DN."""
    options = list(options)
    values = values_of(options)
    other_case = {
        option.object_dbid
        for option in options
        if (option.section.lower(), option.name.lower()) == (SECTION.lower(), KEY.lower())
    }
    virtual = {
        option.object_dbid
        for option in options
        if (option.section, option.name) == (VIRTUAL_SECTION, VIRTUAL_KEY)
    }
    return [
        _link(group, values, group.dbid in other_case, group.dbid in virtual, dns, is_selected)
        for group in groups
    ]


def _link(
    group: Named,
    values: Mapping[int, str],
    has_other_case: bool,
    is_virtual: bool,
    dns: DnNames,
    is_selected: Callable[[Dn], bool],
) -> GroupLink:
    value = values.get(group.dbid, "")
    if not value:
        link: Link = "key in other case" if has_other_case else "no key"
        return GroupLink(group.dbid, group.name, is_virtual, link)
    link, dn = _found(value, dns.like(value), is_selected)
    dn_type = dn_type_name(dn.type) if dn is not None else ""
    return GroupLink(group.dbid, group.name, is_virtual, link, value, dn_type)


def _found(
    value: str, like: Iterable[Dn], is_selected: Callable[[Dn], bool]
) -> tuple[Link, Dn | None]:
    """The best that a value leads to."""
    like = list(like)
    right = [dn for dn in like if dn.type == DnType.VIRTUAL_QUEUE]
    enabled = [dn for dn in right if dn.state == ENABLED]
    by_name = [dn for dn in enabled if dn.name == value]
    by_number = [dn for dn in enabled if dn.number == value]
    exact: list[tuple[Link, list[Dn]]] = [("linked", by_name), ("by number", by_number)]
    for link, found in exact:
        if found:
            selected = next(filter(is_selected, found), None)
            return ("not selected", found[0]) if selected is None else (link, selected)
    rest: list[tuple[Link, list[Dn]]] = [
        ("other case", enabled), ("disabled", right), ("wrong type", like),
    ]  # fmt: skip
    return next(((link, found[0]) for link, found in rest if found), ("no such dn", None))
