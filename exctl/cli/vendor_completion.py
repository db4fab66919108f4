"""TAB in the vendor's own spelling: `exctl --action stop --service excp --pair 1`."""

from __future__ import annotations

from collections.abc import Iterable

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

from exctl.cli.vendor_spelling import ACTIONS, translated
from exctl.errors import NothingTouched
from vendor_facts import SERVICES

ACTION, SERVICE = "--action", "--service"


class _Vendors(ShellComplete):
    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """The words that may stand there; none for an action that doesn't exist."""
        if args[-1:] == [ACTION]:
            return _starting(ACTIONS, incomplete)
        if args[-1:] == [SERVICE] and ACTION in args:
            return _starting(SERVICES, incomplete)
        if ACTION not in args:
            own = _starting([ACTION], incomplete) if not args and incomplete else []
            return [*super().get_completions(args, incomplete), *own]
        try:
            found = super().get_completions(translated(args), incomplete)
        except NothingTouched:
            return []
        is_open = SERVICE not in args and incomplete.startswith("-")
        return [*found, *(_starting([SERVICE], incomplete) if is_open else [])]


def _starting(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


class _Bash(_Vendors, BashComplete): ...


class _Zsh(_Vendors, ZshComplete): ...


class _Fish(_Vendors, FishComplete): ...


def begin() -> None:
    """From now on click's completion knows the vendor's words too."""
    for shell, made in (("bash", _Bash), ("zsh", _Zsh), ("fish", _Fish)):
        add_completion_class(made, shell)
