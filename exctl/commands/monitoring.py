"""`exctl monitoring`."""

from __future__ import annotations

from pathlib import Path

import click

from exctl.cli.options import on_stack
from exctl.site import Site


@click.group()
def command() -> None:
    """Write what your Prometheus, Alertmanager and Grafana need to watch a stack.

    Example: exctl monitoring export /etc/prometheus/exec
    """


@command.command()
@click.argument("directory", type=click.Path(path_type=Path))
@on_stack
def export(directory: Path, site: Site) -> None:
    """Write scrape configuration, targets, rules, alerts, routes and dashboards into a directory.

    Also writes, into logs/, configurations that ship each host's log files: one for Grafana Alloy
    and one for Filebeat.

    Rewrites all files except alertmanager.yml: once that exists it is yours, with the receivers you
    put into it. Several stacks can share one directory. Checks the files with promtool and amtool
    where they are installed. Reloads nothing and contacts no host.

    Example: exctl monitoring export /etc/prometheus/exec
    """
    from exctl.observe import monitoring_export

    for line in monitoring_export.export(site, directory):
        click.echo(line)
