"""`exctl topology`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click

from exctl.cli.options import json_option, on_stack
from exctl.site import Site


@click.command()
@on_stack
@json_option
@click.option(
    "--svg",
    type=click.Path(path_type=Path, resolve_path=True),
    metavar="FILE",
    help="draw it there",
)
def command(site: Site, as_json: bool, svg: Path | None) -> None:
    """Show which instance runs where, and each connection that a firewall has to let through.

    Example: exctl topology --svg topology.svg
    """
    from exctl import files
    from exctl.observe import topology, topology_svg

    if as_json:
        click.echo(json.dumps(topology.rows(site.layout), indent=2))
    elif svg is not None:
        title = f"EX Engage Connector, stack {site.stack}"
        files.write(svg, topology_svg.svg(site.layout, site.config, title))
        click.echo(f"drawn to {svg}")
    else:
        for line in topology.text(site.layout, shutil.get_terminal_size((100, 40)).columns):
            click.echo(line)
