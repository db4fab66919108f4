"""`exctl releases`."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from exctl import completion
from exctl.errors import NothingTouched
from exctl.options import json_option, on_stack
from exctl.site import Site


@click.command()
@click.argument("numbers", nargs=-1, shell_complete=completion.releases)
@on_stack
@json_option
def command(numbers: tuple[str, ...], site: Site, as_json: bool) -> None:
    """List the releases; with two numbers, show what differs between them.

    Example: exctl releases 3 4
    """
    from exctl import releases

    if len(numbers) == 2:
        old, new = (releases.find(site, number) for number in numbers)
        for line in releases.difference(old, new):
            click.echo(line)
        return
    if numbers:
        raise NothingTouched("give two numbers to compare, or none for the list")
    every = releases.all_of(site)
    if as_json:
        rows = [{k: v for k, v in asdict(each).items() if k != "stack_file"} for each in every]
        click.echo(json.dumps(rows, indent=2))
        return
    for each in every:
        why = f"  {each.message}" if each.message else ""
        click.echo(f"{each.number:4}  {each.at}  {each.by}  {each.tags}{why}")
    if not every:
        click.echo("no release yet: the first successful `exctl up` makes one")
