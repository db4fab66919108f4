"""The engine's own provider: references to other stacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.provider import CheckFailure, Diff, Known, ProviderError
from engine.values import Props, Value, contains_secret


class Builtin:
    """Reads `pulumi:pulumi:StackReference`; nothing else is offered under this package."""

    supports_preview = False

    def __init__(self, state_of: Callable[[str], Mapping[str, Value]] | None) -> None:
        self._state_of = state_of

    def configure(self, inputs: Props, lazily: bool) -> None:
        """Nothing to configure."""

    def check(self, urn: str, olds: Props | None, news: Props) -> tuple[Props, list[CheckFailure]]:
        raise ProviderError(f"{urn} can be read only, not created")

    def diff(self, old: Known, news: Props, ignore_changes: list[str]) -> Diff:
        raise ProviderError(f"{old.urn} can be read only, not changed")

    def create(
        self, urn: str, news: Props, timeout_seconds: float, preview: bool
    ) -> tuple[str, Props]:
        raise ProviderError(f"{urn} can be read only, not created")

    def update(self, old: Known, news: Props, timeout_seconds: float, preview: bool) -> Props:
        raise ProviderError(f"{old.urn} can be read only, not changed")

    def read(self, old: Known) -> tuple[str, Props, Props] | None:
        """The outputs of the stack named `id`, and the names of those that hold a secret."""
        if self._state_of is None:
            raise ProviderError("references to other stacks aren't available here")
        found = dict(self._state_of(old.id))
        names = sorted(key for key, value in found.items() if contains_secret(value))
        return old.id, old.inputs, {"name": old.id, "outputs": found, "secretOutputNames": names}

    def delete(self, old: Known, timeout_seconds: float) -> None:
        """Nothing to delete."""

    def invoke(self, token: str, args: Props) -> tuple[Props, list[CheckFailure]]:
        raise ProviderError(f"the function {token} isn't supported by this engine")

    def close(self) -> None:
        """Nothing to close."""
