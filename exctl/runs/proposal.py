"""What a command would do now, as a plan that is to be saved."""

from __future__ import annotations

from exctl.runs import changes
from exctl.runs.preview import candidate, preview
from exctl.runs.saved_plan import SavedPlan
from exctl.runs.saving import UP, saved_now
from exctl.runs.selection import select
from exctl.site import Site


def proposed(site: Site, command: tuple[str, ...], message: str) -> SavedPlan:
    """What `command` would do now, hosts looked at; nothing is changed. Raises ExctlError as
    `preview` does, NothingTouched where there is no such pair."""
    if command == UP:
        return saved_now(site, preview(site), message)
    *_, tag = command
    pair = command[command.index("--pair") + 1] if "--pair" in command else None
    chosen = select(site.layout, command[1], pair, None)
    with candidate(site, changes.updated_text(site, chosen, tag)) as (there, wanted):
        found = preview(there, scope=changes.scope_of(there, chosen), wanted=wanted)
        return saved_now(there, found, message, command, wanted)
