"""`exctl fleet`."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exctl.cli import completion
from exctl.cli.options import LOCK_WAIT, Seconds, json_option, yes_option
from exctl.commands.plan import key_option
from vendor_facts import SERVICES

if TYPE_CHECKING:
    from config_schema.fleet import Fleet
    from exctl.fleet.conduct import How

only_option = click.option(
    "--stack", "-s", "only", multiple=True, metavar="NAME", shell_complete=completion.stacks,
    help="only this stack (repeat for several)  [default: all in waves]",
)  # fmt: skip


@click.group()
def command() -> None:
    """Look at all stacks of the project; change them in the waves of fleet.yaml.

    Each stack has a run of its own, with lock, preflight, gates and rollback. Stacks that share a
    host never change at the same time. More: docs/fleet.md.

    Example: exctl fleet status
    """


plans_option = click.option(
    "--plans", type=click.Path(resolve_path=True), metavar="DIR",
    help="the approved plans of stacks that need approvals",
)  # fmt: skip


def rolling(wrapped: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a rollout: the command gets `how`, and whether to resume."""

    @click.option("--resume", "is_resumed", is_flag=True, help="go on with the last rollout")
    @click.option(
        "--approve", "approved", multiple=True, metavar="WAVE",
        help="this wave may begin (repeat for several)",
    )  # fmt: skip
    @only_option
    @click.option(
        "--message", "-m", metavar="TEXT", default="", help="why; kept in every stack's history"
    )
    @click.option(
        "--lock-wait", LOCK_WAIT, type=Seconds(0), default=0, metavar="SECONDS",
        help="how long each stack waits for another run on it to end",
    )  # fmt: skip
    @yes_option
    @json_option
    @functools.wraps(wrapped)
    def command_of(
        *arguments: Any, approved: Any, only: Any, message: str, yes: bool, as_json: bool,
        lock_wait_seconds: float, plans: str | None = None, **others: Any,
    ) -> Any:  # fmt: skip
        from exctl.fleet.conduct import How

        how = How(yes, message, approved, only, plans or "", lock_wait_seconds, as_json)
        return wrapped(*arguments, how=how, **others)

    return command_of


@command.command()
@click.argument("service", required=False, type=click.Choice(SERVICES))
@click.option("--tag", metavar="VERSION", help="the image's version")
@plans_option
@rolling
def update(service: str | None, tag: str | None, is_resumed: bool, how: How) -> None:
    """Deploy another version of a service on all stacks, wave by wave.

    Shows one plan and asks once. Stops at the first wave in which more stacks fail than
    max_failures allows, and says which stacks are done, rolled back or untouched. Skips stacks that
    are frozen, pinned to another version, or run it already.

    Example: exctl fleet update excp --tag 100.0.100.12 -m CHG-1042

    Example: exctl fleet update excp --tag 100.0.100.12 --resume
    """
    from exctl.runs import changes

    if is_resumed and service is None and tag is None:
        _go(("update",), is_resumed, how)
    else:
        example = "exctl fleet update excp --tag N"
        _go(changes.update_words(service, None, tag, example), is_resumed, how)


@command.command()
@click.argument("service", required=False, type=click.Choice(SERVICES))
@click.option("--tag", metavar="VERSION", help="the service's new version")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, resolve_path=True), metavar="DIR",
    help="directory for the plans",
)  # fmt: skip
@only_option
@click.option(
    "--message", "-m", metavar="TEXT", default="", help="why; shown to whoever approves it"
)
@key_option
def plan(
    service: str | None, tag: str | None, out: Path, only: tuple[str, ...], message: str, key: str
) -> None:
    """Save a plan of every stack that needs approvals, for others to sign.

    Plans what `fleet up` would do or, with a service and a version, `fleet update`. Each plan is
    like one of `exctl plan`. Changes nothing on any host. Stacks without `protect.approvals`, and
    those that would be skipped, get none.

    Example: exctl fleet plan excp --tag 100.0.100.12 --out plans -m CHG-1042
    """
    from exctl.errors import ExctlError
    from exctl.fleet import file, plans
    from exctl.runs import changes
    from exctl.site import find_project
    from stack.text import counted

    words: tuple[str, ...] = ("up",)
    if service is not None or tag is not None:
        example = "exctl fleet plan excp --tag N --out DIR"
        words = changes.update_words(service, None, tag, example)
    project = find_project()
    options = (*(("-m", message) if message else ()), "--key", key)
    found = plans.save(project, file.read(project), words, only, out, options)
    for made in found:
        click.echo(made.said if not made.failure else f"{made.stack}: NO PLAN: {made.failure}")
    if failed := [made.stack for made in found if made.failure]:
        raise ExctlError(
            f"{counted(len(failed), 'stack')} without a plan: {', '.join(failed)}. Once the cause"
            f" is fixed, the same command with --stack for each of them",
            touched=False,
        )
    click.echo(f"next, others: exctl approve {out}/*.json")
    verb, rest = words[0], "".join(f" {word}" for word in words[1:])
    of = f"{rest} --plans {out}"
    click.echo(f"then: exctl fleet up{of}" if verb == "up" else f"then: exctl fleet update{of}")


@command.command()
@plans_option
@rolling
def up(is_resumed: bool, how: How) -> None:
    """Bring every stack to what its file says, wave by wave.

    Example: exctl fleet up -m "new log levels"
    """
    _go(("up",), is_resumed, how)


@command.command()
@click.argument("service", required=False, type=click.Choice(SERVICES))
@rolling
def restart(service: str | None, is_resumed: bool, how: How) -> None:
    """Give every stack new containers of the same release, wave by wave.

    Example: exctl fleet restart excp
    """
    _go(("restart", *([service] if service else [])), is_resumed, how)


@command.command()
@click.argument("secret", shell_complete=completion.secrets)
@rolling
def rotate(secret: str, is_resumed: bool, how: How) -> None:
    """Give a secret that all stacks share a new value, wave by wave.

    Asks for the value without echo, or reads all of stdin; with --resume it asks again, since the
    value is stored nowhere. Rotate secrets that differ from stack to stack with exctl rotate.

    Example: exctl fleet rotate redisPassword --yes < new-password
    """
    _go(("rotate", secret), is_resumed, how)


@command.command()
@rolling
def rollback(is_resumed: bool, how: How) -> None:
    """Undo what the last rollout changed, the last wave first.

    Each stack goes back to its previous release. Skips stacks that somebody has changed since, and
    those that are frozen now.

    Example: exctl fleet rollback
    """
    from exctl.fleet import conduct
    from exctl.site import find_project

    if is_resumed:
        conduct.resume(find_project(), ("rollback",), how)
    else:
        conduct.roll_back(find_project(), how)


@command.command()
@click.option(
    "--html", "page", type=click.Path(path_type=Path, resolve_path=True), metavar="FILE",
    help="write one page of HTML there",
)  # fmt: skip
@only_option
@json_option
def status(page: Path | None, only: tuple[str, ...], as_json: bool) -> None:
    """Show every stack: versions, health, sync, release, drift, preflight, wave, freeze.

    Exit code 4 if one isn't healthy. Health is what each instance answers on its port (exctl status
    also proves that the stack's own container answers). A stack that doesn't answer within 8
    seconds is UNKNOWN and doesn't delay the others. Drift and preflight are the latest results in
    this clone, with their age.

    Example: exctl fleet status --html fleet.html
    """
    from exctl import files
    from exctl.errors import UNHEALTHY
    from exctl.fleet import matrix, rollout, views
    from exctl.fleet.status import as_json as rows_as_json
    from exctl.fleet.status import look
    from exctl.report import markup
    from exctl.site import StackPlace, find_project
    from stack.text import time_text

    if page is not None:
        files.refuse_unwritable(page)
    project = find_project()
    fleet = _fleet_if_any(project)
    rows = look([StackPlace(project, stack) for stack in _stacks(project, fleet, only)])
    last = rollout.last(project)
    if as_json:
        shown = {
            "stacks": rows_as_json(rows, fleet),
            "last_rollout": views.as_json(last) if last else None,
        }
        click.echo(json.dumps(shown, indent=2))
    else:
        click.echo("\n".join(matrix.lines(rows, fleet)))
        if last is not None:
            click.echo(matrix.rollout_line(last))
    if page is not None:
        found = matrix.document(rows, fleet, last, time_text())
        files.write(page, markup.html(found))
        click.echo(f"written to {page}", err=True)
    if any(row.trouble for row in rows):
        raise SystemExit(UNHEALTHY)


@command.command()
@only_option
@json_option
def doctor(only: tuple[str, ...], as_json: bool) -> None:
    """Run exctl doctor on every stack; exit 4 if a deployment would fail on one of them.

    Example: exctl fleet doctor
    """
    _check("doctor", only, as_json)


@command.command()
@only_option
@json_option
def drift(only: tuple[str, ...], as_json: bool) -> None:
    """Run exctl drift on every stack; exit 4 if something was changed by hand on one of them.

    Example: exctl fleet drift --json
    """
    _check("drift", only, as_json)


def _go(words: tuple[str, ...], is_resumed: bool, how: How) -> None:
    from exctl.fleet import conduct
    from exctl.site import find_project

    if is_resumed:
        conduct.resume(find_project(), words, how)
    else:
        conduct.begin(find_project(), words, how)


def _check(word: str, only: tuple[str, ...], as_json: bool) -> None:
    from exctl.fleet import checks
    from exctl.site import find_project

    project = find_project()
    fleet = _fleet_if_any(project)
    commands = {
        name: of.passphrase_command
        for name, of in (fleet.stacks.items() if fleet else ())
        if of.passphrase_command
    }
    found = checks.on_all(project, _stacks(project, fleet, only), word, commands)
    if as_json:
        click.echo(json.dumps(checks.as_json(found), indent=2))
    else:
        click.echo("\n".join(checks.lines(found)))
    if code := checks.exit_code(found):
        raise SystemExit(code)


def _fleet_if_any(project: Path) -> Fleet | None:
    """What fleet.yaml says; None without one: looking needs no waves."""
    from exctl.fleet import file

    return file.read(project) if (project / file.NAME).exists() else None


def _stacks(project: Path, fleet: Fleet | None, only: tuple[str, ...]) -> list[str]:
    """The stacks to look at: those named, else all, in the waves' order. Raises NothingTouched if
    one that is named isn't there."""
    from exctl.errors import NothingTouched
    from exctl.site import stacks_of

    known = stacks_of(project)
    if strange := [name for name in only if name not in known]:
        raise NothingTouched(f"there is no stack file of {', '.join(strange)}.")
    in_waves = [stack for wave in fleet.waves for stack in wave.stacks] if fleet else []
    every = [*in_waves, *(stack for stack in known if stack not in in_waves)]
    if not every:
        raise NothingTouched(f"{project} has no stack. To begin one: exctl init.")
    return [stack for stack in every if not only or stack in only]
