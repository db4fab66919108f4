"""`exctl doctor`."""

from __future__ import annotations

import json
import sys

import click

from exctl import backend
from exctl.cli.options import json_option, on_stack
from exctl.errors import UNHEALTHY
from exctl.site import Site


@click.command()
@on_stack
@json_option
@click.option("--all", "-a", "everything", is_flag=True, help="show what passed, too")
@click.option("--security", is_flag=True, help="show what an auditor would ask, instead")
def command(site: Site, as_json: bool, everything: bool, security: bool) -> None:
    """Check what a deployment needs of hosts and networks; exit 4 if something would stop it.

    Read only, and the first step of each `up`. Passwords are tried from here, through each host's
    SSH connection: none is ever sent to a host. A finding that doesn't matter here can be waived,
    with a reason, under `exec:preflight` in the stack file.

    With --security: how exctl logs in to the hosts, who may use Docker there, what goes over the
    network in plaintext, and the passphrase; each with its reason and what to do. It is advice: the
    exit code is 0.

    Example: exctl doctor --stack prod
    """
    from exctl.observe import doctor
    from health.preflight import report

    if security:
        _look_at_security(site, as_json, everything)
        return
    found = doctor.findings(site)
    if as_json:
        click.echo(json.dumps(report.as_json(found), indent=2))
    else:
        shown = found if everything else [finding for finding in found if not finding.is_ok]
        if shown:
            doctor.show(shown, sys.stdout)
        click.echo(report.summary(found))
        if backend.directory(site.project):
            click.echo(
                "note: the stack's state is on this disk only; back it up, or share it where more"
                " than one operator deploys: docs/operating.md, The state"
            )
    if next_step := doctor.next_step(site, found):
        click.echo(next_step, err=True)
    if report.stopping(found):
        raise SystemExit(UNHEALTHY)


def _look_at_security(site: Site, as_json: bool, everything: bool) -> None:
    from exctl.observe import doctor, security

    found = security.look(site)
    if as_json:
        click.echo(json.dumps(security.as_json(found), indent=2))
        return
    shown = found if everything else [each for each in found if not each.is_ok]
    if shown:
        doctor.show(shown, sys.stdout, security.HEAD)
    click.echo(security.summary(found))
