"""`exctl kit`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from exctl.cli import completion
from exctl.cli.options import stack_option
from exctl.commands.images import absolute
from exctl.errors import UNHEALTHY, NothingTouched, kit_refusals

FILE = click.Path(path_type=Path)


@click.group()
def command() -> None:
    """Build and verify a kit: one archive that installs everything on a machine without any
    network.

    Example: exctl kit build --stack prod --key ~/.ssh/id_ed25519
    """


@command.command()
@click.option(
    "--out", type=FILE, metavar="FILE", help="the archive, or a directory for it  [default: here]"
)
@click.option(
    "--python", "pythons", metavar="VERSIONS",
    help="versions on the target machine, for instance 3.11,3.12  [default: this one's]",
)  # fmt: skip
@stack_option
@click.option(
    "--images", multiple=True, type=FILE, callback=absolute, metavar="ARCHIVE",
    help="include the vendor's archive (repeat for several)",
)  # fmt: skip
@click.option(
    "--via", metavar="HOST", shell_complete=completion.addresses,
    help="reach the stack's registry through this host's SSH connection",
)  # fmt: skip
@click.option(
    "--architecture", default="amd64", show_default=True, metavar="NAME",
    help="the hosts' architecture, as Docker calls it",
)  # fmt: skip
@click.option("--key", type=FILE, metavar="FILE", help="SSH key that signs the kit")
def build(
    out: Path | None,
    pythons: str | None,
    stack: str | None,
    images: Sequence[Path],
    via: str | None,
    architecture: str,
    key: Path | None,
) -> None:
    """Make a kit of this clone's commit: program, wheels, Pulumi CLI, checksums, bill of materials.

    With --stack it includes the stack's images, from its registry; with --images, the vendor's
    archives. The target machine has to have the same architecture as this one. The same commit and
    options give the same bytes.

    Example: exctl kit build --python 3.11,3.12 --stack prod --key ~/.ssh/id_ed25519
    """
    import platform

    from exctl.images import carried
    from exctl.site import PROGRAM, open_site
    from exctl.terminal.messages import say, show
    from kit import wheels
    from kit.build import Wanted
    from kit.build import build as built
    from kit.contents import KitImage

    if stack and images:
        raise NothingTouched("--stack and --images are two ways to the images: give one.")
    site = open_site(stack) if stack else None

    def fill(directory: Path) -> list[KitImage]:
        if site is not None:
            return carried.of_stack(site, via, architecture, directory)
        return carried.of_files(images, directory)

    with kit_refusals():
        versions = wheels.checked(pythons or ".".join(platform.python_version_tuple()[:2]))
        wanted = Wanted(PROGRAM, out and out.absolute(), versions, _pulumi, fill, key)
        made, description = built(wanted, say)
    size = made.stat().st_size / 1e6
    show(f"{made} is built: {description.name}, {size:.0f} MB, Python {', '.join(versions)}")
    say(f"next, where it is carried to: tar -xf {made.name}, then ./install in there")


@command.command()
@click.argument("file", type=FILE)
@click.option(
    "--signers", type=FILE, metavar="FILE",
    help="who may have signed it: OpenSSH's allowed signers, for the namespace exec-kit",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="for programs; stable")
def verify(file: Path, signers: Path | None, as_json: bool) -> None:
    """Compare every file of a kit, packed or unpacked, with its checksums, and check who signed it.

    Names each file that was changed, is missing, or was added; exit code 4 if there is one.

    Example: exctl kit verify exec-kit-0.1.0-79afde8.tar --signers ~/kit-signers
    """
    import json
    from dataclasses import asdict

    from kit.verify import verify as verified

    with kit_refusals():
        found = verified(file, signers)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=1))
    else:
        for each in found.differences:
            click.echo(f"{each.kind}: {each.name}")
        click.echo(_verdict(found.files, len(found.differences), found.signer, found.key))
    if not found.is_whole:
        raise SystemExit(UNHEALTHY)


def _verdict(files: int, differences: int, signer: str, key: str) -> str:
    if differences:
        return f"not as it was built: {differences} of {files} files. Copy the kit again."
    if signer:
        return f"as it was built: {files} files, signed by {signer}"
    if key:
        return f"as it was built: {files} files, signed with {key}; whose that is: --signers FILE"
    return f"as it was built: {files} files, not signed"


def _pulumi() -> Path:
    """The CLI that the lock file names, never another one that is on PATH."""
    from exctl.site import PROGRAM
    from kit.errors import KitError
    from toolchain.__main__ import built
    from toolchain.failures import BuildFailure
    from toolchain.versions import locked

    try:
        return built(locked(PROGRAM))
    except BuildFailure as why:
        remedy = f" To go on, {why.cause.remedy}." if why.cause.remedy else ""
        raise KitError(
            f"the Pulumi CLI wasn't built: {why.cause.happened} ({why.detail}).{remedy}"
        ) from None
