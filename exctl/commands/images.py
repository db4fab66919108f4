"""`exctl images`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from exctl.cli.options import json_option, locking, on_stack, yes_option
from exctl.errors import NothingTouched
from exctl.site import Site

via_option = click.option(
    "--via", metavar="HOST", help="reach the registry through this host's SSH connection"
)
chunk_option = click.option(
    "--chunk-mib", type=click.IntRange(1, 1024), default=8, show_default=True, metavar="N",
    help="send at most so much at a time",
)  # fmt: skip
replace_option = click.option(
    "--replace", is_flag=True, help="even if the tag leads to another image in the registry"
)


@click.group()
def command() -> None:
    """Bring the vendor's archives into the registry, and old images off the hosts.

    Nothing here needs a Docker daemon on this machine, and no host learns the registry's password.

    Example: exctl images load excs-100.0.100.12.tgz
    """


def absolute(_ctx: click.Context, _name: click.Parameter, files: Sequence[Path]) -> list[Path]:
    """The files, whatever directory the command goes to; links by their own names."""
    return [path.absolute() for path in files]


def starting(wrapped: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `docker import --change`."""
    for option in (
        click.option("--user", default="", metavar="USER", help="user that it runs as"),
        click.option("--workdir", default="", metavar="PATH", help="directory that it starts in"),
        click.option(
            "--env", multiple=True, metavar="NAME=VALUE",
            help="a variable of the image (never a secret: everybody can read it)",
        ),
        click.option("--cmd", metavar="WORDS", help="its default arguments, likewise"),
        click.option(
            "--entrypoint", metavar="WORDS",
            help="what a root file system starts: words, or a JSON list of them",
        ),
    ):  # fmt: skip
        wrapped = option(wrapped)
    return wrapped


@command.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), callback=absolute
)
@click.option("--service", metavar="excs|exas|excp", help="what the archive is, if its name isn't")
@click.option("--tag", metavar="VERSION", help="its version, likewise")
@starting
@replace_option
@chunk_option
@via_option
@on_stack
def load(
    files: list[Path],
    service: str | None,
    tag: str | None,
    entrypoint: str | None,
    cmd: str | None,
    env: tuple[str, ...],
    workdir: str,
    user: str,
    replace: bool,
    chunk_mib: int,
    via: str | None,
    site: Site,
) -> None:
    """Push archives as the vendor ships them (excs-100.0.100.12.tgz) into the registry.

    Takes what `docker save` wrote, an OCI archive, a root file system, or a .tgz around one of
    them. A root file system doesn't say what it starts: give --entrypoint. A run that was cut goes
    on where it was.

    Example: exctl images load excs-100.0.100.12.tgz exas-100.0.100.12.tgz excp-100.0.100.12.tgz
    """
    from exctl.images import load as loading
    from exctl.images.manifest import Start

    if len(files) > 1 and (service or tag):
        raise NothingTouched("--service and --tag are for one file.")
    start = Start(_words("--entrypoint", entrypoint), _words("--cmd", cmd), env, workdir, user)
    wanted = loading.Wanted(service, tag, start, replace, chunk_mib, via)
    loading.load(site, files, wanted)


def _words(option: str, text: str | None) -> tuple[str, ...]:
    from exctl.images.manifest import words_of

    try:
        return words_of(text) if text else ()
    except ValueError as error:
        raise NothingTouched(
            f"""{option} {text!r} is neither words nor a JSON list of them: {error}."""
        ) from None


@command.command()
@click.argument("image", metavar="NAME:TAG")
@click.option("--host", required=True, metavar="ADDRESS", help="the host that has it")
@replace_option
@chunk_option
@via_option
@on_stack
def push(image: str, host: str, replace: bool, chunk_mib: int, via: str | None, site: Site) -> None:
    """Push an image that a host still has, but the registry hasn't, by way of this machine.

    Example: exctl images push excp:100.0.100.11 --host 10.77.0.103
    """
    from exctl.images import load as loading

    if host not in site.layout.hosts:
        raise NothingTouched(f"{host} isn't among the hosts: {', '.join(site.layout.hosts)}.")
    if ":" not in image:
        raise NothingTouched(f"{image} has no tag; name it as excp:100.0.100.11.")
    wanted = loading.Wanted(replace=replace, chunk_mib=chunk_mib, via=via)
    loading.push_from_host(site, host, image, wanted)


@command.command("list")
@via_option
@on_stack
@json_option
def list_(via: str | None, site: Site, as_json: bool) -> None:
    """List every image: in the registry, on which hosts, where it runs, which releases keep it.

    Example: exctl images list --json
    """
    from exctl.images.listing import listing, table

    found = listing(site, via)
    if as_json:
        rows = {"images": [asdict(row) for row in found.rows], "unknown": dict(found.unknown)}
        click.echo(json.dumps(rows, indent=2))
    else:
        click.echo("\n".join(table(found) or ["no image of this stack anywhere yet"]))


@command.command()
@on_stack
@locking
@yes_option
def prune(site: Site, yes: bool) -> None:
    """Remove images from the hosts that neither what runs nor a kept release needs.

    Kept are the images of the last releases (`releases.keep`) of this stack and of those whose
    files stand beside it. `exctl up` does the same for this stack's older releases by itself.

    Example: exctl images prune
    """
    from exctl.images import prune as pruning

    pruning.prune(site, yes)
