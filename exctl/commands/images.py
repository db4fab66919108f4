"""`exctl images`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exctl.cli import completion
from exctl.cli.options import json_option, locking, on_stack, recorded, yes_option
from exctl.errors import UNHEALTHY, NothingTouched
from exctl.site import Site

if TYPE_CHECKING:
    from exctl.images.target import LoadOptions

via_option = click.option(
    "--via",
    metavar="HOST",
    shell_complete=completion.addresses,
    help="reach the registry through this host's SSH connection",
)
chunk_option = click.option(
    "--chunk-mib", type=click.IntRange(1, 1024), default=8, show_default=True, metavar="N",
    help="send at most so much at a time",
)  # fmt: skip
replace_option = click.option(
    "--replace", is_flag=True, help="even if the tag leads to another image there"
)


@click.group()
def command() -> None:
    """Bring the vendor's archives into the registry or onto hosts, and old images off them.

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


def of_archives(wrapped: Callable[..., Any]) -> Callable[..., Any]:
    """The files, and what they are where their names don't say it."""
    for option in (
        replace_option,
        click.option(
            "--architecture", default="amd64", show_default=True, metavar="NAME",
            help="what the hosts' processors are, as Docker calls it",
        ),
        starting,
        click.option("--tag", metavar="VERSION", help="its version, likewise"),
        click.option(
            "--service", metavar="excs|exas|excp", help="what the archive is, if its name isn't"
        ),
        click.argument(
            "files", nargs=-1, required=True, type=click.Path(path_type=Path), callback=absolute
        ),
    ):  # fmt: skip
        wrapped = option(wrapped)
    return wrapped


@command.command()
@of_archives
@chunk_option
@via_option
@on_stack
@recorded
def load(files: list[Path], chunk_mib: int, via: str | None, site: Site, **options: Any) -> None:
    """Push archives as the vendor ships them (excs-100.0.100.12.tgz) into the registry.

    Takes what `docker save`, skopeo and crane write, an OCI layout, a root file system; packed by
    gzip, bzip2, xz or zstd, in a zip, unpacked in a directory, or wrapped in another archive. A
    root file system doesn't say what it starts: give --entrypoint. Of a kit (exctl kit build), all
    images, or --service's. An interrupted run resumes where it was.

    Example: exctl images load excs-100.0.100.12.tgz exas-100.0.100.12.tgz excp-100.0.100.12.tgz
    """
    from exctl.images import load as loading

    loading.load(site, files, _wanted(options, chunk_mib=chunk_mib, via=via))


@command.command()
@of_archives
@click.option(
    "--host", "hosts", multiple=True, metavar="ADDRESS", shell_complete=completion.addresses,
    help="onto this host (several times for several); none: onto all that run the service",
)  # fmt: skip
@on_stack
@recorded
def push(files: list[Path], hosts: tuple[str, ...], site: Site, **options: Any) -> None:
    """Bring archives straight onto the hosts over SSH, without any registry.

    This is how a stack without a registry (registry.repository: none) gets its images; with one,
    the hosts then needn't pull. A kit (exctl kit build) is taken too: all its images, or
    --service's. Each image is compared with the archive's once it is there, by its id. A host that
    has it is skipped, so an interrupted run is simply repeated.

    Example: exctl images push excp-100.0.100.12.tgz --host 10.77.0.103 --host 10.77.0.104
    """
    from exctl.images import onto_hosts

    onto_hosts.push(site, files, hosts, _wanted(options))


def _wanted(options: Mapping[str, Any], **more: Any) -> LoadOptions:
    from exctl.images.target import LoadOptions
    from oci.manifest import Start

    words = [_words(f"--{name}", options[name]) for name in ("entrypoint", "cmd")]
    start = Start(words[0], words[1], options["env"], options["workdir"], options["user"])
    named = {name: options[name] for name in ("service", "tag", "replace", "architecture")}
    return LoadOptions(start=start, **named, **more)


def _words(option: str, text: str | None) -> tuple[str, ...]:
    from oci.manifest import words_of

    try:
        return words_of(text) if text else ()
    except ValueError as error:
        raise NothingTouched(
            f"""{option} {text!r} is neither words nor a JSON list of them: {error}."""
        ) from None


@command.command()
@click.argument("image", metavar="NAME:TAG")
@click.option(
    "--host", required=True, metavar="ADDRESS", shell_complete=completion.addresses,
    help="the host that has it",
)  # fmt: skip
@replace_option
@chunk_option
@via_option
@on_stack
@recorded
def recover(
    image: str, host: str, replace: bool, chunk_mib: int, via: str | None, site: Site
) -> None:
    """Bring an image that a host still has back into the registry, by way of this machine.

    Example: exctl images recover excp:100.0.100.11 --host 10.77.0.103
    """
    from exctl.images import load as loading
    from exctl.images.access import checked
    from exctl.images.target import LoadOptions

    wanted = LoadOptions(replace=replace, chunk_mib=chunk_mib, via=via)
    loading.recover(site, checked(site, "--host", host), image, wanted)


@command.command("list")
@via_option
@on_stack
@json_option
def list_(via: str | None, site: Site, as_json: bool) -> None:
    """List every image: in the registry, on which hosts, where it runs, which releases keep it.

    Exit code 4 if the registry or a host couldn't be asked.

    Example: exctl images list --json
    """
    from exctl.images.listing import listing, table

    found = listing(site, via)
    if as_json:
        rows = {"images": [asdict(row) for row in found.rows], "unknown": dict(found.unknown)}
        click.echo(json.dumps(rows, indent=2))
    else:
        click.echo("\n".join(table(found) or ["no image of this stack anywhere yet"]))
    if found.unknown:
        raise SystemExit(UNHEALTHY)


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
