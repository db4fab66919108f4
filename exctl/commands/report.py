"""`exctl report`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from exctl.cli.options import json_option, on_stack
from exctl.errors import NothingTouched
from exctl.site import Site


@click.command()
@on_stack
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="write one page of HTML there, with the picture of the stack",
)
@json_option
def command(site: Site, page: Path | None, as_json: bool) -> None:
    """Say all about a stack on one page, for a change board or a hand-over.

    What runs where, health and sync now, drift, preflight, connections for the firewall, the last
    releases with who, when and why, settings that differ from the defaults, and warnings. Markdown
    unless --html or --json. Read only; no secret is in it.

    Example: exctl report --html report.html
    """
    from exctl.report import markup
    from exctl.report import page as stack_page

    if page is not None and not page.absolute().parent.is_dir():
        raise NothingTouched(f"{page.absolute().parent} isn't a directory.")
    state = stack_page.collect(site)
    if as_json:
        click.echo(json.dumps(stack_page.as_json(site, state), indent=2))
        return
    found = stack_page.document(site, state)
    if page is None:
        click.echo(markup.markdown(found), nl=False)
        return
    page.write_text(markup.html(found), encoding="utf-8")
    click.echo(f"written to {page}")
