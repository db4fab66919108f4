"""`exctl support-bundle`."""

from __future__ import annotations

from pathlib import Path

import click

from exctl.cli.options import on_stack
from exctl.site import Site


@click.command()
@on_stack
@click.option(
    "--to",
    "path",
    type=click.Path(path_type=Path, resolve_path=True),
    metavar="FILE",
    help="archive",
)
def command(site: Site, path: Path | None) -> None:
    """Collect status, checks, runs, logs and settings in an archive, without secrets.

    Example: exctl support-bundle --to exec-prod.tar.gz
    """
    from exctl import files
    from exctl.report import support_archive

    target = path or Path(f"exec-{site.stack}-support.tar.gz").absolute()
    files.refuse_unwritable(target)
    names = support_archive.write(site, target)
    click.echo(f"{target}: {', '.join(names)}")
