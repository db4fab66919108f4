"""`exctl topology`."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import click

from exctl.cli.options import json_option, on_stack
from exctl.site import Site


@click.command()
@on_stack
@json_option
@click.option(
    "--health/--no-health",
    default=True,
    help="in the drawing: the current health of each instance  [default: --health]",
)
@click.option(
    "--svg",
    type=click.Path(path_type=Path, resolve_path=True),
    metavar="FILE",
    help="write the drawing there",
)
def command(site: Site, as_json: bool, svg: Path | None, health: bool) -> None:
    """Show which instance runs where, and each connection that a firewall has to let through.

    Covers the instances, every host's connection to the image registry, and the operator's host:
    SSH, and health URLs where `gate.via` is `direct`. The drawing shows the health of each instance
    by colour and symbol.

    Example: exctl topology --svg topology.svg
    """
    from exctl import files
    from exctl.observe import endpoints, topology, topology_svg

    if as_json:
        click.echo(json.dumps(topology.rows(site.config, site.layout), indent=2))
    elif svg is not None:
        title = f"EX Engage Connector, stack {site.stack}"
        at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        found = topology_svg.health_of(endpoints.ask_all(site), at) if health else None
        files.write(svg, topology_svg.svg(site.layout, site.config, title, found))
        click.echo(f"drawn to {svg}")
    else:
        columns = shutil.get_terminal_size((100, 40)).columns
        lines = topology.text(site.config, site.layout, columns)
        for line in [*lines, "", *topology.note(columns)]:
            click.echo(line)
