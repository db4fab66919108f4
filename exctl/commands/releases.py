"""`exctl releases`."""

from __future__ import annotations

import json

import click

from exctl.cli import completion
from exctl.cli.options import json_option, on_stack
from exctl.errors import NothingTouched
from exctl.site import Site


@click.command()
@click.argument("numbers", nargs=-1, shell_complete=completion.releases)
@on_stack
@json_option
def command(numbers: tuple[str, ...], site: Site, as_json: bool) -> None:
    """List the releases, show one in full, or show what differs between two.

    A release is a file in releases/, next to the stack file. Keep both in git: they belong
    together, and contain no secret in plaintext.

    Example: exctl releases 3 4
    """
    from exctl.releases import store, views

    if len(numbers) > 2:
        raise NothingTouched("give one number to see a release, two to compare them")
    chosen = [store.find(site, number) for number in numbers]
    if as_json and len(chosen) == 2:
        click.echo(json.dumps(views.difference_as_json(*chosen), indent=2))
        return
    if as_json:
        every = chosen or store.all_of(site)
        click.echo(json.dumps([views.as_json(each) for each in every], indent=2))
        return
    if len(chosen) == 2:
        lines = views.difference(*chosen)
    elif chosen:
        lines = views.in_full(chosen[0])
    else:
        lines = views.listed(store.readable(site), site.file.read_text("utf-8"))
        lines += _damaged(site)
    click.echo("\n".join(lines or ["no release yet: the first successful `exctl up` makes one"]))


def _damaged(site: Site) -> list[str]:
    """A line for each release that can't be used, so that it doesn't just go missing."""
    from exctl.releases import store

    whole = {release.number for release in store.readable(site)}
    return [
        f"{number:4}  damaged; why: exctl releases {number}"
        for number in store.numbers(site)
        if number not in whole
    ]
