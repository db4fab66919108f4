"""The stack's last run, as Pulumi recorded it, and what it has left to do. Read only."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulumi import automation as auto

from exctl.errors import ExctlError
from exctl.history.anchor import unmarked
from exctl.pulumi.workspace import last_error, select_stack
from exctl.releases import store
from exctl.site import Site


@dataclass(frozen=True)
class LastRun:
    """`result` is Pulumi's word (succeeded, failed, in-progress), `none` for a stack that nothing
    was done with yet, and empty if it is unknown: then `unknown` says why.

    `pending`: steps that an interrupted run has begun and that nobody saw the end of.
    `undeployed`: the number of the last release, where the stack file says something else by now.
    """

    kind: str = ""
    result: str = ""
    at: str = ""
    message: str = ""
    pending: tuple[str, ...] = ()
    undeployed: int | None = None
    unknown: str = ""

    def lines(self) -> list[str]:
        """What an operator is to know of it; nothing of a run that ended well and is deployed."""
        found = []
        if self.unknown:
            found.append(f"last run: unknown: {self.unknown}")
        elif self.result not in ("succeeded", "none"):
            why = f" ({self.message})" if self.message else ""
            word = self.result.upper()
            found.append(f"last run: {self.kind}{why} of {self.at}: {word}; to resume: exctl up")
        elif self.result == "none":
            found.append("last run: none; nothing was deployed from this state")
        if self.pending:
            found.append(f"pending, begun by a run that was interrupted: {', '.join(self.pending)}")
        if self.undeployed is not None:
            found.append(
                f"pending: the stack file differs from release {self.undeployed}, the last that was"
                " deployed; exctl preview shows what that changes"
            )
        return found


def last_run(site: Site) -> LastRun:
    """The last run; what can't be read is unknown, and no error: the instances can be asked all the
    same. Needs no passphrase: nothing is decrypted."""
    undeployed = _undeployed(site)
    try:
        stack = select_stack(site)
        if stack is None:
            return LastRun(result="none", undeployed=undeployed)
        history = stack.history(page_size=1)
        deployment = stack.export_stack().deployment or {}
    except auto.CommandError as error:
        return LastRun(undeployed=undeployed, unknown=last_error(error))
    except (ExctlError, OSError, subprocess.SubprocessError, ValueError) as error:
        return LastRun(undeployed=undeployed, unknown=str(error))
    pending = tuple(_operation(each) for each in deployment.get("pending_operations") or [])
    if not history:
        return LastRun(result="none", pending=pending, undeployed=undeployed)
    last = history[0]
    at = f"{last.start_time:%Y-%m-%d %H:%M:%S} UTC"
    return LastRun(last.kind, last.result, at, unmarked(last.message), pending, undeployed)


def _operation(found: Mapping[str, Any]) -> str:
    name = str(found.get("resource", {}).get("urn", "")).rpartition("::")[2]
    return f"{found.get('type', 'changing')} {name or 'a resource'}"


def _undeployed(site: Site) -> int | None:
    """The last release's number, if the stack file isn't as it was then."""
    try:
        good = store.last(site)
        if good is None or good.stack_file == site.file.read_text("utf-8"):
            return None
    except (ExctlError, OSError, ValueError):
        return None
    return good.number
