"""What a program asks for: one goal a registration, and the URNs that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from engine.rows import PROVIDER_PREFIX, STACK_TYPE, Row
from engine.values import Props, Value


class Aborted(Exception):
    """The run has ended before this could be done: the program is told to stop."""


class Refused(Exception):
    """The program asks for something this engine doesn't do; the text names it."""

    def __init__(self, why: str, urn: str = "") -> None:
        super().__init__(why)
        self.urn = urn


@dataclass(frozen=True)
class AliasSpec:
    """Another name under which a resource may stand in the state; blanks mean as now."""

    urn: str = ""
    name: str = ""
    type: str = ""
    stack: str = ""
    project: str = ""
    parent: str = ""
    no_parent: bool = False


@dataclass(frozen=True)
class Goal:
    """A resource as the program wants it, with what it inherits from its parent."""

    type: str
    name: str
    custom: bool
    inputs: Props
    parent: str = ""
    provider: str = ""
    providers: Mapping[str, str] = field(default_factory=dict)  # package -> reference, for children
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, list[str]] = field(default_factory=dict)
    protect: bool = False
    delete_before_replace: bool | None = None
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    hide_diff: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    aliases: tuple[AliasSpec, ...] = ()
    custom_timeouts: Mapping[str, float] = field(default_factory=dict)
    retain_on_delete: bool = False
    deleted_with: str = ""
    replace_with: tuple[str, ...] = ()
    replacement_trigger: Value = None
    source_position: str = ""

    def row(self, urn: str) -> Row:
        """The row it would have: no id and no outputs yet."""
        return Row(
            urn=urn,
            type=self.type,
            custom=self.custom,
            inputs=self.inputs,
            parent=self.parent,
            protect=self.protect,
            dependencies=list(self.dependencies),
            provider=self.provider,
            property_dependencies=self.property_dependencies,
            additional_secret_outputs=list(self.additional_secret_outputs),
            custom_timeouts=self.custom_timeouts,
            retain_on_delete=self.retain_on_delete,
            deleted_with=self.deleted_with,
            replace_with=list(self.replace_with),
            source_position=self.source_position,
            ignore_changes=list(self.ignore_changes),
            hide_diff=list(self.hide_diff),
            replace_on_changes=list(self.replace_on_changes),
            replacement_trigger=self.replacement_trigger,
        )


@dataclass(frozen=True)
class Registered:
    """The answer to a registration; `skipped`: targets leave it out, so it isn't made; `failed`: it
    couldn't be made, and the run goes on (golden 23)."""

    row: Row
    skipped: bool = False
    failed: bool = False


@dataclass(eq=False)
class Registration:
    """A goal on its way; the future is answered when its steps are done."""

    goal: Goal
    answer: Future[Registered] = field(default_factory=Future)

    def resolve(self, registered: Registered) -> None:
        """Answer, unless that has been done."""
        if not self.answer.done():
            self.answer.set_result(registered)

    def abort(self, error: Exception) -> None:
        """Answer that it won't be done."""
        if not self.answer.done():
            self.answer.set_exception(error)


def qualified_type(urn: str) -> str:
    """`parent$type` of a URN."""
    return urn.split("::", 3)[2]


def make_urn(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """The URN of a resource; below the root stack or nothing, its type stands alone."""
    chain = qualified_type(parent) if parent else ""
    full = type_ if chain in ("", STACK_TYPE) else f"{chain}${type_}"
    return f"urn:pulumi:{stack}::{project}::{full}::{name}"


def name_of(urn: str) -> str:
    """The last part of a URN."""
    return urn.split("::", 3)[3]


def type_of(urn: str) -> str:
    """A URN's own type, without those of its parents."""
    return qualified_type(urn).rpartition("$")[2]


def package_of(type_: str) -> str:
    """The package whose provider runs a type (`docker` for `docker:index/image:Image`), and for a
    provider's type the package it is of."""
    if type_.startswith(PROVIDER_PREFIX):
        return type_.removeprefix(PROVIDER_PREFIX)
    return type_.split(":", 1)[0]


def split_reference(reference: str) -> tuple[str, str]:
    """The URN and the id in a provider reference."""
    urn, _, identifier = reference.rpartition("::")
    return urn, identifier
