"""`exctl exporter`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from exctl.cli import completion
from exctl.cli.options import Seconds

PORT = 9640
"""Chosen: EXCS's port and 6000; none of the exporters that Prometheus lists has it."""


class Listen(click.ParamType[tuple[str, int]]):
    """`ADDRESS:PORT`, or a port alone for every address."""

    name = "[address:]port"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        address, _, port = str(value).rpartition(":")
        if not port.isascii() or not port.isdecimal() or not 0 < int(port) < 65536:
            self.fail(f"{value} is not a port, nor an address and a port", param, ctx)
        return address.strip("[]") or "0.0.0.0", int(port)


@click.command()
@click.option(
    "--stack",
    "-s",
    "names",
    metavar="NAME",
    multiple=True,
    shell_complete=completion.stacks,
    help="stack to watch (repeat for several); by default every stack of the project",
)
@click.option(
    "--listen",
    type=Listen(),
    default=str(PORT),
    show_default=True,
    metavar="[ADDRESS:]PORT",
    help="where Prometheus finds /metrics",
)
@click.option(
    "--interval-seconds",
    type=Seconds(1),
    default=15.0,
    show_default=True,
    metavar="SECONDS",
    help="time between two checks of an instance",
)
@click.option(
    "--host-interval-seconds",
    type=Seconds(5),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="time between two checks of a host, over SSH",
)
@click.option(
    "--unit", "as_unit", is_flag=True, help="print a systemd unit that runs this, and exit"
)
def command(
    names: tuple[str, ...],
    listen: tuple[str, int],
    interval_seconds: float,
    host_interval_seconds: float,
    as_unit: bool,
) -> None:
    """Serve the state of instances, pairs, hosts and the sync as metrics for Prometheus.

    Runs until you stop it. Asks each instance's /health and EXCS's /status the way the stack file's
    gate does, and the hosts over SSH; Prometheus gets the latest results. A host that is down
    delays nothing else. Needs no passphrase and changes nothing. All metrics: docs/monitoring.md.

    Example: exctl exporter

    Example: exctl exporter --unit > exctl-exporter.service
    """
    from exctl.site import find_place, find_project

    project = find_project()
    for name in names:
        project = find_place(name).project  # or says which stacks there are
    if as_unit:
        click.echo(_unit(str(project)), nl=False)
        return
    from exctl.cli.version import program_version
    from exctl.errors import INTERRUPTED, NothingTouched
    from exctl.observe.exporter import StacksWatch
    from monitoring.exporter.server import serve
    from monitoring.exporter.watch import Intervals

    watch = StacksWatch(project, names, Intervals(interval_seconds, host_interval_seconds))
    address, port = listen
    try:
        stop = serve(watch, program_version(), address, port)
    except OSError as error:
        raise NothingTouched(
            f"can't listen on {address}, port {port}: {error.strerror or error}. Name another one:"
            " exctl exporter --listen [ADDRESS:]PORT."
        ) from None
    click.echo(f"exctl exporter: metrics on port {port}, path /metrics; Ctrl-C ends it", err=True)
    try:
        watch.run()
    except KeyboardInterrupt:  # the way to end it: nothing was under way
        raise SystemExit(INTERRUPTED) from None
    finally:
        stop()


def _unit(project: str) -> str:
    """The unit for this very command line, without `--unit`."""
    from health.runlock import user_name
    from monitoring.exporter.unit import unit_text

    program = str(Path(shutil.which(sys.argv[0]) or sys.argv[0]).absolute())
    words = [word for word in sys.argv[1:] if word != "--unit"]
    return unit_text([program, *words], user_name(), project)
