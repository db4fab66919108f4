"""What every resource provider answers, whether it runs in this process or in one of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from engine.values import Props

Changes = Literal["unknown", "none", "some"]
DiffKind = Literal["add", "add-replace", "delete", "delete-replace", "update", "update-replace"]


@dataclass(frozen=True)
class PropertyDiff:
    """How one property path changes; `input_diff`: between inputs, else from state to inputs."""

    kind: DiffKind
    input_diff: bool = False


@dataclass(frozen=True)
class CheckFailure:
    """An input a provider refuses, and why; an empty property means the resource as a whole."""

    property: str
    reason: str


@dataclass(frozen=True)
class Diff:
    """A provider's answer; `detailed` maps property paths to changes, None if it gives none."""

    changes: Changes
    replaces: list[str] = field(default_factory=list)
    stables: list[str] = field(default_factory=list)
    delete_before_replace: bool = False
    diffs: list[str] = field(default_factory=list)
    detailed: dict[str, PropertyDiff] | None = None

    @property
    def is_replacement(self) -> bool:
        """True if it can't be done in place; the command package says so in `detailed` alone."""
        kinds = (change.kind for change in (self.detailed or {}).values())
        return bool(self.replaces) or any(kind.endswith("-replace") for kind in kinds)


class ProviderError(Exception):
    """An operation failed, and nothing of it is to be recorded; the text is for the operator."""


class InitFailed(ProviderError):
    """The object exists but isn't well: it is recorded with `reasons`, and the step fails."""

    def __init__(self, id: str, outputs: Props, reasons: list[str], inputs: Props | None = None):
        super().__init__("\n".join(reasons))
        self.id = id
        self.outputs = outputs
        self.reasons = reasons
        self.inputs = inputs


@dataclass(frozen=True)
class Known:
    """An object as the state has it, in plain values."""

    urn: str
    id: str
    inputs: Props
    outputs: Props


class Provider(Protocol):
    """Values are plain; unknowns are values.UNKNOWN; secrets are stripped (the registry marks
    results again). Methods are called from several threads."""

    supports_preview: bool

    def configure(self, inputs: Props, lazily: bool) -> None: ...

    def check(self, urn: str, olds: Props | None, news: Props) -> tuple[Props, list[CheckFailure]]:
        """The inputs with defaults, and what is refused of them."""
        ...

    def diff(self, old: Known, news: Props, ignore_changes: list[str]) -> Diff: ...

    def create(
        self, urn: str, news: Props, timeout_seconds: float, preview: bool
    ) -> tuple[str, Props]:
        """The id (in a preview "", or one that only shows) and the outputs."""
        ...

    def update(self, old: Known, news: Props, timeout_seconds: float, preview: bool) -> Props: ...

    def read(self, old: Known) -> tuple[str, Props, Props] | None:
        """The id, inputs and outputs as they are now; None if the object is gone."""
        ...

    def delete(self, old: Known, timeout_seconds: float) -> None: ...

    def invoke(self, token: str, args: Props) -> tuple[Props, list[CheckFailure]]: ...

    def close(self) -> None: ...
