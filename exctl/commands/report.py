"""`exctl report`."""

from __future__ import annotations

import html
import json
from pathlib import Path

import click

from exctl.cli.options import json_option, on_stack
from exctl.site import Site


@click.command()
@on_stack
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path, resolve_path=True),
    metavar="FILE",
    help="write it as one page of HTML, with a picture of the stack",
)
@json_option
def command(site: Site, page: Path | None, as_json: bool) -> None:
    """Write everything about a stack on one page, for a change board or a hand-over.

    What runs where, current health and sync, drift, preflight, connections for the firewall, the
    last releases and runs with who, when and why, settings that differ from the defaults, and
    warnings. Markdown unless --html or --json. Read only; it contains no secret.

    Example: exctl report --html report.html
    """
    from exctl import files
    from exctl.report import collected, markup
    from exctl.report import page as stack_page
    from exctl.stackfile import secrets
    from stack import secrecy

    if page is not None:
        files.refuse_unwritable(page)
    state = collected.collect(site)
    known = secrets.known_of(site)
    if as_json:
        shown = secrecy.redacted(collected.as_json(site, state), known)
        click.echo(json.dumps(shown, indent=2))
        return
    found = stack_page.document(site, state)
    if page is None:
        click.echo(secrecy.redacted_text(markup.markdown(found), known), nl=False)
        return
    escaped = [*known, *map(html.escape, known)]
    files.write(page, secrecy.redacted_text(markup.html(found), escaped))
    click.echo(f"written to {page}")
