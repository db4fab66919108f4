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
    help="send at most this much at a time",
)  # fmt: skip
replace_option = click.option(
    "--replace", is_flag=True, help="even if the tag means another image there"
)


@click.group()
def command() -> None:
    """Load the vendor's archives into the registry or onto hosts; remove old images.

    Needs no Docker daemon on this machine, and sends the registry's password to no host.

    Example: exctl images load excs-100.0.100.12.tgz
    """


def absolute(_ctx: click.Context, _name: click.Parameter, files: Sequence[Path]) -> list[Path]:
    """The files, whatever directory the command goes to; links by their own names."""
    return [path.absolute() for path in files]


def starting(wrapped: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `docker import --change`."""
    for option in (
        click.option("--user", default="", metavar="USER", help="user that the container runs as"),
        click.option("--workdir", default="", metavar="PATH", help="where the container starts"),
        click.option(
            "--env", multiple=True, metavar="NAME=VALUE",
            help="a variable of the image (never a secret: anybody can read it)",
        ),
        click.option("--cmd", metavar="WORDS", help="its default arguments, likewise"),
        click.option(
            "--entrypoint", metavar="WORDS",
            help="what a root file system starts: words, or a JSON list",
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
            help="the hosts' architecture, as Docker calls it",
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
    """Push the vendor's archives (excs-100.0.100.12.tgz) into the registry.

    Accepts archives of `docker save`, skopeo and crane, OCI layouts and root file systems;
    compressed with gzip, bzip2, xz or zstd, in a zip, unpacked in a directory, or wrapped in
    another archive. A root file system doesn't say what to start: give --entrypoint. From a kit
    (exctl kit build) it takes all images, or that of --service. An interrupted command resumes
    where it was.

    Example: exctl images load excs-100.0.100.12.tgz exas-100.0.100.12.tgz excp-100.0.100.12.tgz
    """
    from exctl.images import load as loading

    loading.load(site, files, _wanted(options, chunk_mib=chunk_mib, via=via))


@command.command()
@of_archives
@click.option(
    "--host", "hosts", multiple=True, metavar="ADDRESS", shell_complete=completion.addresses,
    help="to this host (repeat for several)  [default: all that run the service]",
)  # fmt: skip
@on_stack
@recorded
def push(files: list[Path], hosts: tuple[str, ...], site: Site, **options: Any) -> None:
    """Copy archives straight to the hosts over SSH, without a registry.

    This is how a stack without a registry (registry.repository: none) gets its images; with a
    registry it saves the hosts the pull. From a kit (exctl kit build) it takes all images, or that
    of --service. The id of each copied image is compared with the archive's. A host that has the
    image is skipped, so just repeat an interrupted command.

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
    help="the host that has the image",
)  # fmt: skip
@replace_option
@chunk_option
@via_option
@on_stack
@recorded
def recover(
    image: str, host: str, replace: bool, chunk_mib: int, via: str | None, site: Site
) -> None:
    """Copy an image that a host still has back into the registry, through this machine.

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
    """Remove images from the hosts that no container and no kept release needs.

    Keeps the images of the last releases (`releases.keep`) of this stack and of all other stacks of
    the project. `exctl up` prunes the images of this stack's older releases automatically.

    Example: exctl images prune
    """
    from exctl.images import prune as pruning

    pruning.prune(site, yes)
