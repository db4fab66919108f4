"""Engage's objects as the survey reads them, and the numbers that the Config DB has for kinds.

Source: the Platform SDK's enumerations, which the database stores as they are (seen in public
sources for SQL Server). Where `cfg_locale` names the types of DNs, the survey compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, NamedTuple

Kind = Literal["person", "skill", "dn", "agent group"]
ENABLED, DISABLED, DELETED = 1, 2, 3
STATES = {ENABLED: "enabled", DISABLED: "disabled", DELETED: "deleted"}
CFG_TRUE = 2
"""CfgFlag: 1 is false, 2 is true."""


class ObjectType(IntEnum):
    """CfgObjectType."""

    SWITCH = 1
    DN = 2
    PERSON = 3
    AGENT_GROUP = 5
    TENANT = 7
    SKILL = 13
    TRANSACTION = 16


class DnType(IntEnum):
    """CfgDNType, of those that EXCS takes."""

    EXTENSION = 1
    ACD_QUEUE = 3
    ROUTING_POINT = 4
    VIRTUAL_QUEUE = 5
    ROUTING_QUEUE = 22


UNITS: Mapping[Kind, ObjectType] = {
    "person": ObjectType.PERSON,
    "skill": ObjectType.SKILL,
    "dn": ObjectType.DN,
    "agent group": ObjectType.AGENT_GROUP,
}
"""The four configuration units in which EXCS looks for the named folders. Source: deployment,
Parameters tables, EXCS_SYNC_CUSTOMER_FOLDER_NAME."""
QUEUES = (
    DnType.VIRTUAL_QUEUE,
    DnType.ROUTING_POINT,
    DnType.ACD_QUEUE,
    DnType.ROUTING_QUEUE,
)
"""What EXCS can make queues of; the vendor recommends the first two. Source: deployment,
"Preparing Engage Configuration". A newer page of the vendor's lists the first alone."""
LIST_TRANSACTION = 21
DN_TYPE_NAMES: Mapping[int, str] = {
    DnType.EXTENSION: "Extension",
    2: "ACD Position",
    DnType.ACD_QUEUE: "ACD Queue",
    DnType.ROUTING_POINT: "Routing Point",
    DnType.VIRTUAL_QUEUE: "Virtual Queue",
    6: "Virtual Routing Point",
    18: "Mixed",
    19: "External Routing Point",
    20: "Destination Label",
    21: "Service Number",
    DnType.ROUTING_QUEUE: "Routing Queue",
    23: "Communication DN",
    31: "Access Resource",
}


def dn_type_name(code: int) -> str:
    return DN_TYPE_NAMES.get(code, f"type {code}")


@dataclass(frozen=True)
class Tenant:
    dbid: int
    name: str
    state: int


@dataclass(frozen=True)
class Switch:
    dbid: int
    tenant: int
    name: str


class Person(NamedTuple):
    dbid: int
    user_name: str
    employee_id: str
    is_agent: bool
    state: int
    folder: int | None


class Named(NamedTuple):
    """A skill or an agent group."""

    dbid: int
    name: str
    state: int
    folder: int | None


class Dn(NamedTuple):
    """`name` is its alias, `number` its directory number."""

    dbid: int
    switch: int
    type: int
    number: str
    name: str
    state: int
    folder: int | None


class Option(NamedTuple):
    """One option of an object's annex, its value whole."""

    object_dbid: int
    section: str
    name: str
    value: str


class FolderRow(NamedTuple):
    dbid: int
    name: str
    type: int
    parent: int | None
    owner_type: int | None
    owner: int | None
