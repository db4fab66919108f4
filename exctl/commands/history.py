"""`exctl history`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from exctl.cli import completion
from exctl.cli.options import json_option, on_place
from exctl.site import StackPlace

if TYPE_CHECKING:
    from exctl.history.run import Run


@click.command()
@click.argument("number", required=False, shell_complete=completion.runs)
@on_place
@click.option(
    "--last",
    type=click.IntRange(min=1),
    metavar="N",
    help="list only the last N  [default: all]",
)
@json_option
def command(number: str | None, last: int | None, place: StackPlace, as_json: bool) -> None:
    """List every changing run, failed and interrupted ones included; show one with its transcript.

    Each run is recorded when it begins and when it ends, in releases/STACK/audit.jsonl; a killed
    run has no end. Keep that file in git with the releases. Transcripts, in releases/STACK/runs/,
    are redacted. Exit code 4 if a record was changed, cut or removed.

    Example: exctl history

    Example: exctl history 12
    """
    from exctl.errors import UNHEALTHY
    from exctl.history import run as runs
    from exctl.history import store, views

    found = store.read(place)
    chosen = _chosen(number, found.runs, last)
    if as_json:
        rows = [runs.as_json(run) for run in chosen]
        for row, run in zip(rows, chosen, strict=True):
            if number is not None:
                row["transcript"] = store.transcript(place, run)
        problems = [vars(problem) for problem in found.problems]
        click.echo(json.dumps({"runs": rows, "problems": problems}, indent=2))
    elif number is not None:
        click.echo("\n".join(views.in_full(chosen[0], store.transcript(place, chosen[0]))))
    else:
        click.echo("\n".join(views.listed(chosen) if chosen else ["no run was recorded yet"]))
    if found.problems:
        for line in views.damage(found.problems, str(store.path_of(place))):
            click.echo(line, err=True)
        raise SystemExit(UNHEALTHY)


def _chosen(number: str | None, every: tuple[Run, ...], last: int | None) -> tuple[Run, ...]:
    """Raises NothingTouched if there is no such run."""
    from exctl.errors import NothingTouched

    if number is None:
        return every if last is None else every[-last:]
    digits = number.lstrip("#")
    found = tuple(run for run in every if digits == str(run.number))
    if not found:
        there = f"1 to {len(every)}" if every else "none"
        raise NothingTouched(f"no run {number}; there are: {there}.")
    return found
