"""`exctl audit`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from exctl.cli import completion
from exctl.cli.options import json_option

if TYPE_CHECKING:
    from exctl.site import StackPlace

every_stack_option = click.option(
    "--stack",
    "-s",
    metavar="NAME",
    shell_complete=completion.stacks,
    help="only this stack  [default: all]",
)


class Moment(click.ParamType[datetime]):
    """A time, or how long ago."""

    name = "moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        from exctl.history.choice import moment

        if isinstance(value, datetime):
            return value
        try:
            return moment(str(value), datetime.now(UTC))
        except (ValueError, OverflowError):
            self.fail(
                f"{value} is no time: 2026-11-26, 2026-11-26T02:00, 90m, 12h or 7d.", param, ctx
            )


@click.group(invoke_without_command=True)
@every_stack_option
@click.option("--who", default="", metavar="TEXT", help="user, machine, address or CI job")
@click.option("--command", "words", default="", metavar="WORDS", help='"update", "images push"')
@click.option("--result", default="", metavar="WORD", help="succeeded, failed, killed, …")
@click.option("--instance", default="", metavar="KEY", help="an instance that it touched: excp-1-2")
@click.option("--rollout", default="", metavar="ID", help="part of this rollout")
@click.option("--since", type=Moment(), metavar="WHEN", help="2026-11-26, 90m, 12h or 7d")
@json_option
@click.pass_context
def command(
    context: click.Context,
    stack: str | None,
    who: str,
    words: str,
    result: str,
    instance: str,
    rollout: str,
    since: datetime | None,
    as_json: bool,
) -> None:
    """Show who did what to which stack, when, why, and with what result.

    Reads the records of every stack of the project; exctl history shows one run of one stack with
    its transcript. Times are UTC.

    Example: exctl audit --since 7d --who anna

    Example: exctl audit --command update --result "rolled back" --json
    """
    if context.invoked_subcommand is not None:
        return
    from exctl.history import run as runs
    from exctl.history import store, views
    from exctl.history.choice import Choice, chosen

    _refuse_unknown_result(result)
    wanted = Choice(who, words, result, instance, rollout, since)
    found = [
        (place.stack, run)
        for place in _places(stack)
        for run in chosen(store.read(place).runs, wanted)
    ]
    found.sort(key=lambda each: each[1].at)
    if as_json:
        click.echo(json.dumps([{"stack": s, **runs.as_json(run)} for s, run in found], indent=2))
        return
    lines = views.listed_of_stacks(found) if found else ["no such run was recorded"]
    click.echo("\n".join(lines))


@command.command()
@every_stack_option
@click.option("--without-pulumi", is_flag=True, help="don't compare with Pulumi's own history")
@json_option
def verify(stack: str | None, without_pulumi: bool, as_json: bool) -> None:
    """Prove that the records are all there, as they were written.

    Finds records that were changed, removed, inserted or moved, and an end that was cut off: each
    record holds the hashes of those before it, and the releases, the messages of Pulumi's updates
    and this clone's own notes name records too. Exit code 4 if something is wrong, 1 if Pulumi's
    history can't be read.

    Example: exctl audit verify --stack prod
    """
    from exctl.errors import FAILED, UNHEALTHY
    from exctl.history import proof

    proofs = [proof.look(place, not without_pulumi) for place in _places(stack)]
    if as_json:
        click.echo(json.dumps([proof.as_json(each) for each in proofs], indent=2))
    else:
        for each in proofs:
            click.echo("\n".join(proof.lines(each)))
    if any(each.findings for each in proofs):
        raise SystemExit(UNHEALTHY)
    if not all(each.is_whole for each in proofs):
        raise SystemExit(FAILED)


def _places(stack: str | None) -> list[StackPlace]:
    """The stack, or each that has a file or records: those of a removed stack stay.

    Raises NothingTouched if there is none.
    """
    from exctl.errors import NothingTouched
    from exctl.history import store
    from exctl.releases.store import DIRECTORY
    from exctl.site import StackPlace, find_project, stacks_of

    project = find_project()
    recorded = [path.parent.name for path in (project / DIRECTORY).glob(f"*/{store.FILE}")]
    known = sorted({*stacks_of(project), *recorded})
    if stack is not None and stack not in known:
        raise NothingTouched(
            f"{project} has no stack {stack} and no record of one; there are: {', '.join(known)}."
        )
    return [StackPlace(project, name) for name in known if stack in (None, name)]


def _refuse_unknown_result(result: str) -> None:
    from exctl.errors import NothingTouched
    from exctl.history import run as runs

    known = [*runs.RESULTS.values(), runs.DECLINED, runs.UNDER_WAY, runs.KILLED, runs.NO_END]
    if result and result not in known:
        raise NothingTouched(f"--result {result}: it may be {', '.join(known)}.")
