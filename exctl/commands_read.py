"""Commands that only look. None of them takes the stack's lock."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from exctl.errors import UNHEALTHY, ExctlError, NothingTouched
from exctl.options import JSON, STACK, selecting, site_of


@click.command()
@STACK
@JSON
def preview(stack: str | None, as_json: bool) -> None:
    """Show what `up` would touch; changes nothing. Example: exctl preview --stack dev"""
    from exctl import runs

    planned = runs.preview(site_of(stack))
    if as_json:
        click.echo(json.dumps([vars(touch) for touch in planned], indent=2))
    elif not planned:
        click.echo("no container would be touched")
    else:
        for touch in planned:
            click.echo(str(touch))


@click.command()
@STACK
@JSON
@click.option("--watch", "watch_seconds", type=float, metavar="SECONDS", help="again and again")
def status(stack: str | None, as_json: bool, watch_seconds: float | None) -> None:
    """Ask every instance how it is; exit 4 if one isn't healthy. Example: exctl status --json"""
    import time

    from exctl import endpoints

    site = site_of(stack)
    while True:
        rows = endpoints.ask_all(site)
        if as_json:
            found = {"stack": site.stack, "instances": endpoints.as_json(rows)}
            click.echo(json.dumps(found, indent=None if watch_seconds else 2))
        else:
            for line in endpoints.table(rows):
                click.echo(line)
        if not watch_seconds:
            break
        if not as_json:
            click.echo()
        time.sleep(watch_seconds)
    if endpoints.unhealthy(rows):
        raise SystemExit(UNHEALTHY)


@click.command()
@STACK
@JSON
@click.option("--all", "-a", "everything", is_flag=True, help="what is well, too")
def doctor(stack: str | None, as_json: bool, everything: bool) -> None:
    """Check what a deployment needs of hosts and networks; exit 4 if something would stop it.

    Read only. A finding that doesn't matter here can be waived, with a reason, under
    `exec:preflight` in the stack file. Example: exctl doctor --stack prod
    """
    from exctl import doctor as checks

    site = site_of(stack)
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


@click.command()
@selecting
@STACK
@click.option("--follow", "-f", is_flag=True, help="go on showing what comes")
@click.option("--since", metavar="TIME", help="10m, 2h, or a time such as 2026-11-24T04:00:00")
@click.option("--tail", type=int, metavar="N", help="only the last N lines of each instance")
@click.option("--grep", metavar="PATTERN", help="only lines that match this regular expression")
def logs(
    service: str | None,
    pair: str | None,
    host: str | None,
    stack: str | None,
    follow: bool,
    since: str | None,
    tail: int | None,
    grep: str | None,
) -> None:
    """Show the containers' logs, those of all hosts in one stream by time.

    Example: exctl logs excp --pair 1 --since 10m --grep ERROR
    """
    from exctl import logs as streams
    from exctl.selection import select

    site = site_of(stack)
    chosen = [i for i in select(site.layout, service, pair, host) if not i.is_stopped]
    if not chosen:
        raise NothingTouched("all of that is stopped: there is no container to read from.")
    if follow:
        streams.follow(site, chosen, since, tail, grep, click.echo)
        return
    for line in streams.merged(site, chosen, since, tail, grep):
        click.echo(line)


@click.command()
@STACK
@JSON
def drift(stack: str | None, as_json: bool) -> None:
    """Say what differs: hosts that somebody changed, and settings not yet deployed; exit 4 if any.

    Example: exctl drift --stack dev
    """
    from exctl import drift as differences

    found = differences.look(site_of(stack))
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
    else:
        for each in found:
            click.echo(str(each))
        if not found:
            click.echo("no drift: the hosts are as the last run left them, and as the file says")
    if found:
        raise SystemExit(UNHEALTHY)


@click.command()
@click.argument("numbers", nargs=-1)
@STACK
@JSON
def releases(numbers: tuple[str, ...], stack: str | None, as_json: bool) -> None:
    """List the releases; with two numbers, show what differs between them.

    Example: exctl releases 3 4
    """
    from exctl import releases as kept

    site = site_of(stack)
    if len(numbers) == 2:
        old, new = (kept.find(site, number) for number in numbers)
        for line in kept.difference(old, new):
            click.echo(line)
        return
    if numbers:
        raise NothingTouched("give two numbers to compare, or none for the list")
    every = kept.all_of(site)
    if as_json:
        rows = [{k: v for k, v in asdict(each).items() if k != "stack_file"} for each in every]
        click.echo(json.dumps(rows, indent=2))
        return
    for each in every:
        why = f"  {each.message}" if each.message else ""
        click.echo(f"{each.number:4}  {each.at}  {each.by}  {each.tags}{why}")
    if not every:
        click.echo("no release yet: the first successful `exctl up` makes one")


@click.command()
@STACK
@JSON
@click.option("--svg", type=click.Path(path_type=Path), metavar="FILE", help="draw it there")
def topology(stack: str | None, as_json: bool, svg: Path | None) -> None:
    """Show which instance runs where, and each connection that a firewall has to let through.

    Example: exctl topology --svg topology.svg
    """
    from exctl import topology as picture

    site = site_of(stack)
    if as_json:
        click.echo(json.dumps(picture.rows(site.layout), indent=2))
    elif svg is not None:
        title = f"EX Engage Connector, stack {site.stack}, tenant {site.config.tenant.id}"
        svg.write_text(picture.svg(site.layout, title))
        click.echo(f"drawn to {svg}")
    else:
        for line in picture.text(site.layout):
            click.echo(line)


@click.command("export-env")
@STACK
@click.option("--with-secrets", is_flag=True, help="passwords in clear, for the vendor's script")
def export_env(stack: str | None, with_secrets: bool) -> None:
    """Print the stack as the vendor's `.env`: the way back to the bootstrap script.

    Example: exctl export-env --stack prod > .env
    """
    from exctl import env_file, secrets

    site = site_of(stack)
    known = secrets.all_of(site) if with_secrets else {}
    click.echo(env_file.exported(site.config, known), nl=False)


@click.command("support-bundle")
@STACK
@click.option("--to", "path", type=click.Path(path_type=Path), metavar="FILE", help="archive")
def support_bundle(stack: str | None, path: Path | None) -> None:
    """Collect status, checks, logs and settings into an archive, without secrets.

    Example: exctl support-bundle --to exec-prod.tar.gz
    """
    from exctl import bundle

    site = site_of(stack)
    target = path or Path(f"exec-{site.stack}-support.tar.gz")
    if not target.absolute().parent.is_dir():
        raise ExctlError(f"{target.absolute().parent} isn't a directory. Nothing was written.")
    names = bundle.write(site, target)
    click.echo(f"{target}: {', '.join(names)}")


COMMANDS = (
    preview, status, doctor, logs, drift, releases, topology, export_env, support_bundle,
)  # fmt: skip
