"""`exctl rollback`."""

from __future__ import annotations

import click

from exctl.cli import completion
from exctl.cli.options import gated, on_stack, pair_option
from exctl.errors import NothingTouched
from exctl.runs.options import RunOptions
from exctl.site import Site
from vendor_facts import SERVICES


def _checked(ctx: click.Context, _what: click.Parameter, what: tuple[str, ...]) -> tuple[str, ...]:
    if not ctx.resilient_parsing:
        words(what, None)
    return what


@click.command()
@click.argument(
    "what",
    nargs=-1,
    metavar="[SERVICE] [RELEASE]",
    callback=_checked,
    shell_complete=completion.services_and_releases,
)
@pair_option
@click.option(
    "--to",
    "release",
    metavar="RELEASE",
    shell_complete=completion.releases,
    help="the release, by its number",
)
@click.option("--keep-secrets", is_flag=True, help="keep the current secrets")
@click.option("--host", hidden=True)
@on_stack
@gated
def command(
    what: tuple[str, ...],
    pair: str | None,
    release: str | None,
    keep_secrets: bool,
    host: str | None,
    site: Site,
    how: RunOptions,
) -> None:
    """Go back to a release: its settings, secrets and images.

    With a service, restores only that service's settings and image. Without a release, takes the
    last one that differs in more than what is stopped, and leaves that as it is. Restores the exact
    images of the release, even if somebody has pushed over their tags, and without the registry
    while the hosts still have them.

    If a password was changed since, use --keep-secrets: the release's settings and images, with
    today's secrets.

    Example: exctl rollback 3

    Example: exctl rollback 3 --keep-secrets

    Example: exctl rollback excp --pair 1 --to 3
    """
    from exctl.releases.rollback import rollback

    service, number = words(what, release)
    if pair is not None and service != "excp":
        raise NothingTouched("--pair goes with excp: exctl rollback excp --pair N.")
    if host is not None:
        raise NothingTouched(
            "a rollback is of both instances of a pair, which always have the same version; leave"
            " out --host."
        )
    rollback(site, number, service, pair, how, keep_secrets)


def words(what: tuple[str, ...], release: str | None) -> tuple[str | None, str | None]:
    """Service and release among the words, in either order; NothingTouched for any other word."""
    services = [word for word in what if word in SERVICES]
    numbers = [word for word in what if word.lstrip("#").isdecimal()]
    numbers += [release] if release is not None else []
    odd = [word for word in what if word not in services and word not in numbers]
    if odd or len(services) > 1 or len(numbers) > 1:
        raise NothingTouched(
            f"{' '.join(odd) or 'that'} isn't understood: give one service"
            f" ({', '.join(SERVICES)}), one release by its number, or both."
        )
    return next(iter(services), None), next(iter(numbers), None)
