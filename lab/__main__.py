"""`python -m lab`: the lab's own command."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

from lab import faults, lab, legacy, settings, watch
from lab.errors import LabError
from lab.lab import Lab
from lab.standins.faults import FAULTS as STANDIN_FAULTS


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A small data centre on this host, to try EXEC deployments in.

    Everything in it is real (sshd, Docker daemons, registry, Redis, PostgreSQL) but the vendor's
    images, Engage's servers and Genesys Cloud, for which stand-ins run. Its traffic stays on a
    bridge of its own.
    """


@main.command()
@click.option("--subnet", default="10.77.0.0/24", show_default=True, help="its private network")
@click.option("--pairs", default=1, show_default=True, help="EXCP pairs, two hosts each")
@click.option("--objects", type=click.IntRange(1, 100_000), help="objects in the Config DB")
@click.option("--sync-minutes", type=float, help="how long the first sync is to take, instead")
@click.option("--rate", default=settings.RATE_PER_MINUTE, show_default=True, help="API/minute")
@click.option("--quiet", is_flag=True, help="say nothing if all is well")
def up(
    subnet: str, pairs: int, objects: int | None, sync_minutes: float | None, rate: int, quiet: bool
) -> None:
    """Start the lab; one that is up with the same settings stays as it is."""
    if objects is not None and sync_minutes is not None:
        raise click.UsageError("--objects and --sync-minutes say the same thing; give one of them")
    if objects is None:
        objects = max(1, round(sync_minutes * rate)) if sync_minutes else settings.DEFAULT_OBJECTS
    lab.need_root()
    try:
        plan = settings.plan(subnet, pairs)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    started = time.monotonic()
    found = Lab(plan, settings.lab_directory())
    with lab.locked(found.directory):
        if _is_up_as_wanted(found, objects, rate):
            if not quiet:
                print("lab: it is up already (python -m lab status)")
            return
        _remove_the_last(found)
        found.start(objects, rate)
    if not quiet:
        seconds = time.monotonic() - started
        print(f"lab: up in {seconds:.0f} s: {len(found.hosts)} hosts on {plan.subnet}")


def _is_up_as_wanted(found: Lab, objects: int, rate: int) -> bool:
    try:
        state = json.loads((found.directory / "state.json").read_text())
    except OSError:
        return False
    wanted = {"subnet": str(found.plan.subnet), "pairs": found.plan.pairs}
    wanted |= {"objects": objects, "rate_per_minute": rate}
    return state.items() >= wanted.items() and found.is_up


def _remove_the_last(new: Lab) -> None:
    """Removes this clone's lab if it has other settings, another subnet for instance."""
    try:
        lab.current().remove()
    except LabError:
        new.remove()


@main.command()
@click.option("--quiet", is_flag=True, help="say nothing if there is nothing to stop")
def down(quiet: bool) -> None:
    """Stop the lab and remove all that it made; the built images stay."""
    lab.need_root()
    with lab.locked(settings.lab_directory()):
        try:
            found = lab.current()
        except LabError as error:
            # Half made, perhaps: its state is written last.
            found = Lab(settings.plan(), settings.lab_directory())
            if not found.is_ours:
                if not quiet:
                    print(f"lab: {error}")
                return
        found.remove()
    if not quiet:
        print("lab: down; hosts, network and daemons are gone")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="for programs")
def status(as_json: bool) -> None:
    """List the lab's hosts, what they are for, and the faults that are set."""
    found = lab.current()
    active = faults.active(found)
    rows = [
        {
            "host": name,
            "addresses": " ".join(found.plan.addresses[name]),
            "up": bool(host.pid),
            "runs": _purpose(name),
        }
        for name, host in found.hosts.items()
    ]
    if as_json:
        print(json.dumps({"hosts": rows, "faults": active}, indent=2))
        return
    for row in rows:
        print(
            f"{row['host']:8} {'up' if row['up'] else 'DOWN':5} {row['runs']:42} {row['addresses']}"
        )
    for target, names in active.items():
        for name, parameters in names.items():
            print(f"fault: {target} {name} {_words(parameters)}".rstrip())
    sys.exit(0 if found.is_up else 4)


def _purpose(name: str) -> str:
    fixed = {
        "infra": "registry :5000, Redis :6379, Config DB :5432",
        "engage": "2 Stat Servers :2060, SIP Server pair :8000",
        "cloud": "Genesys Cloud API :443",
        "exec-1": "for EXCS",
        "exec-2": "for EXAS",
    }
    return fixed.get(name) or f"for EXCP, pair {(int(name.split('-')[1]) - 1) // 2}"


def _words(parameters: faults.Parameters) -> str:
    return " ".join(f"{key}={value}" for key, value in parameters.items())


@main.group()
def fault() -> None:
    """Break something on purpose, and undo it."""


@fault.command("set")
@click.argument("target")
@click.argument("name")
@click.argument("parameters", nargs=-1, metavar="[KEY=VALUE]...")
def set_fault(target: str, name: str, parameters: tuple[str, ...]) -> None:
    """Set fault NAME of TARGET: a stand-in (excs, excp-1-2, cloud …) or a host (exec-3, infra …).

    Example: python -m lab fault set excs sync_stalled
    """
    pairs = dict(word.partition("=")[::2] for word in parameters)
    faults.begin(lab.current(), target, name, pairs)
    print(f"lab: {target}: {name} is set; undo: python -m lab fault clear {target} {name}")


@fault.command("clear")
@click.argument("target")
@click.argument("name", required=False)
def clear_fault(target: str, name: str | None) -> None:
    """Undo fault NAME of TARGET, or all of its faults."""
    gone = faults.end(lab.current(), target, name)
    print(f"lab: {target}: undone: {', '.join(gone) or 'nothing, none was set'}")


@fault.command("list")
def list_faults() -> None:
    """List all faults there are, and where they can be set."""
    print("of a stand-in (excs, exas, excp-<pair>-<1|2>, stat-primary, sip-backup, cloud …):")
    for name, description in STANDIN_FAULTS.items():
        print(f"  {name:16} {description}")
    print("of a host (exec-<n>, infra, engage, cloud):")
    for name, each in faults.HOST_FAULTS.items():
        where = f"  [{each.hosts}]" if each.hosts != "exec" else ""
        print(f"  {name:16} {each.description}{where}  {each.parameter}".rstrip())


@main.group("legacy")
def legacy_group() -> None:
    """The services as the vendor's script and compose leave them, to migrate from."""


@legacy_group.command("up")
def legacy_up() -> None:
    """Start them in the vendor's order, with a .env in ~genesys/exec on every EXEC host."""
    found = lab.current()
    legacy.up(found)
    print("lab: EXCS, EXAS and the pairs run as the vendor's script leaves them; the .env:")
    print(f"  {legacy.directory_of(found.exec_hosts[0]) / '.env'} (the same on every EXEC host)")


@legacy_group.command("down")
def legacy_down() -> None:
    """Remove their containers and files."""
    legacy.down(lab.current())
    print("lab: the legacy services and their .env files are gone")


@main.command("watch")
@click.argument("directory", type=click.Path(path_type=Path, resolve_path=True))
def watch_command(directory: Path) -> None:
    """Run Prometheus, Alertmanager and the blackbox exporter on what was exported to DIRECTORY.

    Example: exctl monitoring export .lab/export && python -m lab watch .lab/export
    """
    found = lab.current()
    watch.until_interrupted(directory, found.directory / "watch", found.plan.operator)


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("host")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(host: str, command: tuple[str, ...]) -> None:
    """Run a command on a host as its root: python -m lab run exec-1 docker ps"""
    print(lab.current().host(host).run(*command), end="")


def entry() -> None:
    try:
        main()
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    entry()
