"""The transaction `hybrid_integration` in the database, against what the stack file wants. Pure.

Source: deployment, "Configuring hybrid_integration transaction in CME". The transaction is older
than EXEC and other services use it too: sections and keys that EXEC doesn't know are no mistake.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from engage.objects import ENABLED, LIST_TRANSACTION

NAME = "hybrid_integration"
SECRET_KEYS = ("client_secret", "password")
OPTIONAL_KEYS = ("sta_default_programid", "sta_default_language")
INFERRED_KEYS = ("base_service_url", "base_auth_url", "region")
"""Of these the vendor's table shows no example: another value than ours may be right."""
PLACEHOLDERS = ("CFG_ALIAS_", "ENGAGE_M", "<")
"""How the placeholders of the vendor's table begin."""
Annex = Mapping[str, Mapping[str, str]]
Standing = Literal["as wanted", "there", "missing", "empty", "placeholder", "differs", "optional"]
Found = Literal["there", "missing", "wrong type", "name in other case", "disabled", "several"]


@dataclass(frozen=True)
class TransactionRow:
    """One of `cfg_transaction`."""

    dbid: int
    tenant: int
    name: str
    type: int
    state: int


@dataclass(frozen=True)
class KeyState:
    """How a key of the vendor's table stands. `wanted` and `found` are '' for a secret, and
    `wanted` is None where the stack file doesn't know the value: then `there` says no more."""

    section: str
    key: str
    standing: Standing
    wanted: str | None = None
    found: str = ""

    @property
    def is_doubtful(self) -> bool:
        return self.standing == "differs" and self.key in INFERRED_KEYS


@dataclass(frozen=True)
class TransactionFacts:
    """The tenant's transaction; `keys` is empty where there is none. `others`: sections and keys
    that the vendor's table hasn't got. `shared_with`: tenants whose transaction names the same
    organization."""

    found: Found
    dbid: int | None = None
    type: int | None = None
    also_of_types: tuple[int, ...] = ()
    keys: tuple[KeyState, ...] = ()
    others: tuple[str, ...] = ()
    shared_with: tuple[str, ...] = ()

    @property
    def wrong(self) -> list[KeyState]:
        """The keys that have to be set, or set otherwise."""
        fine = ("as wanted", "there", "optional")
        return [key for key in self.keys if key.standing not in fine and not key.is_doubtful]

    @property
    def doubtful(self) -> list[KeyState]:
        """The keys that may be right though they differ."""
        return [key for key in self.keys if key.is_doubtful]


def chosen(rows: Iterable[TransactionRow], tenant: int) -> tuple[Found, list[TransactionRow]]:
    """The tenant's own, the right one first, and whether it is right."""
    own = [row for row in rows if row.tenant == tenant]
    exact = [row for row in own if row.name == NAME]
    right = [row for row in exact if row.type == LIST_TRANSACTION]
    enabled = [row for row in right if row.state == ENABLED]
    if len(enabled) > 1:
        return "several", [*enabled, *(row for row in own if row not in enabled)]
    kinds: list[tuple[Found, list[TransactionRow]]] = [
        ("there", enabled), ("disabled", right), ("wrong type", exact), ("name in other case", own),
    ]  # fmt: skip
    for found, having in kinds:
        if having:
            return found, [*having, *(row for row in own if row not in having)]
    return "missing", []


def compared(annex: Annex, wanted: Mapping[str, Mapping[str, str | None]]) -> list[KeyState]:
    """Every key of `wanted` (section → key → value, None where it isn't known) as the annex has it.
    A secret's value gets into no answer."""
    return [
        _state(section, key, value, annex.get(section, {}).get(key))
        for section, keys in wanted.items()
        for key, value in keys.items()
    ]


def _state(section: str, key: str, wanted: str | None, found: str | None) -> KeyState:
    is_secret = key in SECRET_KEYS
    standing: Standing
    if found is None:
        standing = "optional" if key in OPTIONAL_KEYS else "missing"
    elif not found.strip():
        standing = "empty"
    elif found.startswith(PLACEHOLDERS):
        standing = "placeholder"
    elif wanted is None:
        standing = "there"
    else:
        standing = "as wanted" if found.strip() == wanted else "differs"
    if is_secret:
        return KeyState(section, key, standing, "" if wanted is not None else None)
    return KeyState(section, key, standing, wanted, found or "")


def others_in(annex: Annex, wanted: Mapping[str, Mapping[str, str | None]]) -> tuple[str, ...]:
    """`section` or `section/key` of what the vendor's table hasn't got; no value."""
    found = []
    for section, options in annex.items():
        if section not in wanted:
            found.append(section)
            continue
        found += [f"{section}/{key}" for key in options if key not in wanted[section]]
    return tuple(sorted(found))


def sharing(annexes: Iterable[tuple[int, Annex]], org_id: str, tenant: int) -> Sequence[int]:
    """The other tenants of whose annexes one names the organization."""
    wanted = org_id.casefold()
    return sorted(
        {
            of
            for of, annex in annexes
            if of != tenant
            and annex.get("general", {}).get("organization_id", "").strip().casefold() == wanted
        }
    )
