"""Options that several commands share, and how a command finds its stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from exctl.site import Site

Command = TypeVar("Command", bound=Callable[..., Any])

STACK = click.option(
    "--stack", "-s", metavar="NAME", help="stack; else PULUMI_STACK, or the only one"
)
YES = click.option("--yes", "-y", is_flag=True, help="don't ask")
JSON = click.option("--json", "as_json", is_flag=True, help="for programs; stable")
ALLOW_OUTAGE = click.option(
    "--allow-outage", is_flag=True, help="touch an instance though its peer doesn't serve"
)
MESSAGE = click.option(
    "--message", "-m", metavar="TEXT", default="", help="why; kept in history and release"
)
NO_ROLLBACK = click.option(
    "--no-rollback", is_flag=True, help="after a failure, leave things as they are"
)
_SERVICE = click.argument("service", required=False, type=click.Choice(["excs", "exas", "excp"]))
_PAIR = click.option("--pair", metavar="N", help="only this pair of excp")
_HOST = click.option("--host", metavar="1|2|ADDRESS", help="only this host (of each pair)")


def selecting(command: Command) -> Command:
    """Gives a command the argument and options that choose instances."""
    return _SERVICE(_PAIR(_HOST(command)))


def site_of(stack: str | None) -> Site:
    """The stack that the command is about."""
    from exctl.site import open_site

    return open_site(stack)
