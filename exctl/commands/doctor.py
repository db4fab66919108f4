"""`exctl doctor`."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from exctl.errors import UNHEALTHY
from exctl.options import json_option, on_stack
from exctl.site import Site


@click.command()
@on_stack
@json_option
@click.option("--all", "-a", "everything", is_flag=True, help="what is well, too")
def command(site: Site, as_json: bool, everything: bool) -> None:
    """Check what a deployment needs of hosts and networks; exit 4 if something would stop it.

    Read only. A finding that doesn't matter here can be waived, with a reason, under
    `exec:preflight` in the stack file.

    Example: exctl doctor --stack prod
    """
    from exctl import doctor as checks

    rows = checks.examine(site)
    stopping = checks.stopping(rows)
    if as_json:
        click.echo(json.dumps([asdict(row) | {"word": row.word} for row in rows], indent=2))
    else:
        if everything or any(not row.is_ok for row in rows):
            for line in checks.table(rows, everything):
                click.echo(line)
        well = sum(row.is_ok for row in rows)
        click.echo(
            f"{well} of {len(rows)} checks are well; {len(stopping)} would stop a deployment"
        )
    if stopping:
        raise SystemExit(UNHEALTHY)
