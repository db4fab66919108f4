"""Which view an operation is shown in."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from engine.backend import StackRef


class View(Protocol):
    """Takes the events of one operation and shows them."""

    def put(self, event: dict[str, Any]) -> None: ...

    def finish(self) -> None: ...


def make_view(flags: Mapping[str, Any], ref: StackRef, kind: str, dry_run: bool) -> View:
    """The view that the command's flags ask for."""
    if flags.get("as_json"):
        from engine.jsonview import EventLines, PreviewDigest

        if dry_run:
            return PreviewDigest(bool(flags.get("show_sames")))
        return EventLines()
    if flags.get("diff"):
        from engine.diffview import DiffView

        return DiffView(flags, ref, kind, dry_run, sys.stdout)
    from engine.display import Lines

    return Lines(flags, ref, kind, dry_run, sys.stdout)
