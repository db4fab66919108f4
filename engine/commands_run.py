"""`preview`, `up`, `refresh` and `destroy`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine import natives, protocol
from engine.backend import StackRef, parse_stack
from engine.eventlog import EventSink, open_event_log
from engine.session import CommandFailed, Loaded, Session, salt_of
from engine.stackfile import ConfigValue, StackFile, with_declared

if TYPE_CHECKING:
    from engine.options import Kind, Operation, Outcome
    from engine.program import Runner

Command = TypeVar("Command", bound=Callable[..., Any])
_NEEDS_YES = (
    "--yes or --skip-preview or --preview-only must be passed in to proceed when running in "
    "non-interactive mode"
)
# Options for which resources that stay the same are shown, or written, in full.
_LOOK_INTO_ALL = ("as_json", "event_log", "diff", "show_sames")
VERBS = {"preview": "update", "update": "update", "refresh": "refresh", "destroy": "destroy"}


def _options(*declared: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def apply(function: Command) -> Command:
        for option in reversed(declared):
            function = option(function)
        return function

    return apply


def _flag(*names: str, **more: Any) -> Callable[[Command], Command]:
    return click.option(*names, is_flag=True, **more)


def _many(*names: str, **more: Any) -> Callable[[Command], Command]:
    return click.option(*names, multiple=True, **more)


_common = _options(
    click.option(
        "-s", "--stack", "stack", metavar="NAME", help="The stack; the selected one if not given."
    ),
    click.option("--config-file", metavar="FILE", help="Instead of Pulumi.<stack>.yaml."),
    click.option(
        "-m", "--message", default="", metavar="TEXT", help="Why this is done, for the history."
    ),
    click.option(
        "-p",
        "--parallel",
        type=click.IntRange(0),
        default=0,
        metavar="N",
        help="How many resources at a time; 4 for each core if not given.",
    ),
    _many("-c", "--config", "settings", metavar="KEY=VALUE", help="Set this in the stack file."),
    _flag("--config-path", help="Keys of --config are paths: a.b[0].c"),
    _many("-t", "--target", metavar="URN", help="Only this resource; * and ** stand for more."),
    _many("--exclude", metavar="URN", help="All but this resource."),
    _flag("--target-dependents", help="Also what depends on the targets."),
    _flag("--expect-no-changes", help="Fail (exit 7) if anything would change."),
    _flag("--diff", help="Show what changes in full."),
    _flag("-j", "--json", "as_json", help="Print events as JSON; `preview` prints one document."),
    _flag("--show-sames", help="Also show what stays as it is."),
    _flag("--show-full-output", hidden=True),  # this engine never shortens outputs
    _flag("--show-secrets", help="Show secret outputs in clear."),
    _flag("--show-reads", hidden=True),  # reads are always shown
    _flag("--show-replacement-steps", hidden=True),  # they always are
    _flag("--suppress-outputs", help="Don't show the stack's outputs."),
    _flag("--suppress-progress", help="Don't show what resources say while they are worked on."),
    _flag("--skip-config-validation", help="Go on although declared settings are missing."),
    click.option("--suppress-permalink", is_flag=True, hidden=True),
    click.option(
        "--event-log", metavar="FILE|tcp://HOST:PORT", help="Also write each event there as JSON."
    ),
    click.option("--exec-kind", default="cli", hidden=True),
    click.option("--run-program", hidden=True),
)
_changing = _options(
    _flag("-y", "--yes", help="Don't ask: do it after the preview."),
    _flag("-f", "--skip-preview", help="Do it at once."),
    _flag("--preview-only", help="Show only what it would do."),
)
_program = _options(
    _flag("-r", "--refresh", help="Look first at what is really there."),
    _many("--replace", metavar="URN", help="Replace this resource, though nothing demands it."),
    _many("--target-replace", metavar="URN", help="The same as --target and --replace."),
)
_continuing = _flag("--continue-on-error", help="Do all that doesn't depend on what fails.")


@dataclass(frozen=True)
class Request:
    """One command as parsed."""

    kind: Kind
    session: Session
    flags: Mapping[str, Any]

    def flag(self, name: str) -> bool:
        """True if the option was given."""
        return bool(self.flags.get(name))

    @property
    def preview_only(self) -> bool:
        """True for `preview` and `--preview-only`."""
        return self.kind == "preview" or self.flag("preview_only")


@click.command()
@_common
@_program
@click.pass_obj
def preview(session: Session, /, **flags: Any) -> int:
    """Show what `up` would do."""
    return execute(Request("preview", session, flags))


@click.command()
@_common
@_program
@_changing
@_continuing
@click.pass_obj
def up(session: Session, /, **flags: Any) -> int:
    """Bring what the program declares about."""
    return execute(Request("update", session, flags))


@click.command()
@_common
@_changing
@_flag("--clear-pending-creates", help="Forget creates that a killed run left open.")
@_flag("--skip-pending-creates", help="Keep them (as without this option).")
@click.pass_obj
def refresh(session: Session, /, **flags: Any) -> int:
    """Look at what is really there, and note it in the state."""
    return execute(Request("refresh", session, flags))


@click.command()
@_common
@_changing
@_continuing
@_flag("-r", "--refresh", help="Look first at what is really there.")
@_flag("--exclude-protected", help="Leave what is protected, and what that needs.")
@_flag("--remove", help="Remove the stack too, its history and its stack file.")
@click.pass_obj
def destroy(session: Session, /, **flags: Any) -> int:
    """Delete everything that the stack holds."""
    return execute(Request("destroy", session, flags))


def execute(request: Request) -> int:
    """Run the command; its exit code."""
    _check_flags(request)
    session = request.session
    project = session.project
    ref = session.stack(request.flags.get("stack"))
    if ref.project != project.name:
        raise CommandFailed(f"stack {ref.full_name} isn't one of the project '{project.name}' here")
    with ExitStack() as stack:
        if not request.preview_only:
            stack.enter_context(_terminable())
            stack.enter_context(session.backend.lock(ref))
        log = request.flags.get("event_log")
        if log and not log.startswith("tcp://"):
            log = str(
                Path(log.removeprefix("file://")).absolute()
            )  # before the run enters the program's directory
        run = Run(request, ref)
        stack.callback(run.close)
        sink = stack.enter_context(open_event_log(log))
        return run.execute(sink)


def _check_flags(request: Request) -> None:
    if request.kind == "preview":
        return
    if request.flag("skip_preview") and request.flag("preview_only"):
        raise CommandFailed("--skip-preview and --preview-only cannot be used together")
    asked = request.flag("yes") or request.flag("skip_preview") or request.flag("preview_only")
    if not asked and not request.session.interactive:
        raise CommandFailed(_NEEDS_YES, 2)
    if request.flag("remove") and request.flags.get("target"):
        raise CommandFailed("--remove and --target cannot be used together")


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends this process as an interrupt does, so that the lock doesn't stay."""

    def interrupt(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _import_ahead() -> None:
    """What running takes, imported while the key is derived."""
    for name in ("operation", "display", "docker_provider"):
        import_module(f"engine.{name}")
    for name in ("resource_pb2_grpc", "engine_pb2_grpc", "provider_pb2_grpc"):
        protocol.load(name)


class Run:
    """The operations of one command: a preview, the real thing, or both."""

    def __init__(self, request: Request, ref: StackRef) -> None:
        self.request = request
        self.session = request.session
        self.ref = ref
        self._runners: list[Runner] = []
        self._previewed: list[dict[str, Any]] = []
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        """Open all that a run takes. What takes longest goes on beside everything else: the
        project's Python imports the SDK, and the key is derived (nearly always from the salt that
        the state names; the stack file, which tells, takes a while to read)."""
        request, ref = self.request, self.ref
        if request.preview_only or not request.flag("skip_preview"):
            self._start_runner()
        if not request.preview_only:
            self._start_runner()
        deployment = self.session.backend.load(ref)
        if salt := salt_of(deployment):
            self.session.sealer(salt)
        self.stack_file = self._open_stack_file()
        self.session.sealer(self.session.stack_salt(self.stack_file, deployment))
        _import_ahead()
        self.config = self._config()  # no host is asked before the passphrase is proved right
        # Where the CLI starts its plugins: paths of keys and of files to copy are relative to it.
        os.chdir(self.session.project.program_dir)
        if not self._only_looks:
            natives.warm_up(deployment.data.get("resources") or [])
        self.loaded: Loaded = self.session.load(ref, self.stack_file)

    def _open_stack_file(self) -> StackFile:
        flags = self.request.flags
        stack_file = self.session.stack_file(self.ref, flags.get("config_file"))
        for word in flags.get("settings") or ():
            from engine.commands_config import adjusted, split_key

            key, _, value = word.partition("=")
            by_path = self.request.flag("config_path")
            full, path = split_key(self.session, key, by_path)
            stack_file.set(full, path, adjusted(value, by_path, None))
        return stack_file

    def _start_runner(self) -> None:
        from engine.program import Runner, interpreter

        project = self.session.project
        python = interpreter(project.root, project.options)
        self._runners.append(Runner(python, project.program_dir, project.name))

    def _config(self) -> dict[str, ConfigValue]:
        try:
            own = self.session.config(self.stack_file)
            self.session.sealer(self.stack_file.salt).verify()
        except Exception as problem:
            from engine.crypto import CryptoError

            if isinstance(problem, CryptoError):
                raise CommandFailed(
                    f"getting stack configuration: get stack secrets manager: {problem}"
                ) from None
            raise
        values, problems = with_declared(self.session.project, self.ref.name, own)
        if problems and not self.request.flag("skip_config_validation"):
            raise CommandFailed("\n".join(problems))
        return values

    def close(self) -> None:
        """End Python processes that no operation took over, and the connections to hosts."""
        for runner in self._runners:
            runner.close()
        natives.close()

    # -- running

    def execute(self, log: EventSink) -> int:
        """The exit code of the whole command."""
        request = self.request
        outcome: Outcome | None = None
        if self._protected and len(self._protected) == len(self.loaded.snapshot.rows):
            self._say(
                "There were no unprotected resources to destroy. There are still "
                f"{len(self._protected)} protected resources associated with this stack."
            )
            return 0
        if request.preview_only or not request.flag("skip_preview"):
            outcome = self._operate(log, dry_run=True)
            if outcome.result != "succeeded" or request.preview_only:
                return self._ended(outcome)
            if not request.flag("yes") and not self._confirmed():
                raise CommandFailed("confirmation declined, not proceeding with the " + self.verb)
        self.session.backend.backup(self.ref)
        started = int(time.time())
        outcome = self._operate(log, dry_run=False)
        self._record(outcome, started)
        return self._ended(outcome)

    @cached_property
    def _protected(self) -> list[str]:
        """With `--exclude-protected`, the URN of each row that is protected or that such a one
        needs; none without."""
        flags = self.request.flags
        if not self.request.flag("exclude_protected"):
            return []
        if flags.get("target"):
            raise CommandFailed("you cannot specify --target and --exclude-protected")
        from engine.deletes import kept
        from engine.targets import Targets

        rows = self.loaded.snapshot.rows
        left = kept(Targets(row.urn for row in rows if row.protect), rows)
        return [row.urn for row in rows if row.urn in left]

    def _say(self, text: str) -> None:
        if not self.request.flag("as_json"):
            click.echo(text)

    @property
    def verb(self) -> str:
        """update, refresh or destroy."""
        return VERBS[self.request.kind]

    def _operate(self, log: EventSink, *, dry_run: bool) -> Outcome:
        from engine.operation import run
        from engine.views import make_view

        view = make_view(self.request.flags, self.ref, self.request.kind, dry_run)
        self._previewed = []
        problems: list[Exception] = []

        def emit(event: dict[str, Any]) -> None:
            try:
                log.put(event)
                view.put(event)
                if dry_run and self._asks:
                    self._previewed.append(event)
            except Exception as problem:  # noqa: BLE001 - what is shown mustn't stop what is done
                problems.append(problem)

        outcome = run(self._operation(emit, dry_run))
        log.flush()
        if problems:
            raise problems[0]
        view.finish()
        return outcome

    def _operation(self, emit: Callable[[dict[str, Any]], None], dry_run: bool) -> Operation:
        from engine.options import Operation
        from engine.state import SnapshotManager

        loaded = self.loaded
        path = self.session.backend.state_path(self.ref)
        kind: Kind = self.request.kind
        if kind == "update" and dry_run:
            kind = "preview"
        manager = None
        if not dry_run:
            manager = SnapshotManager(path, self.ref.full_name, loaded.snapshot, loaded.codec)
        return Operation(
            kind=kind,
            project=self.session.project,
            stack=self.ref,
            config=self.config,
            snapshot=loaded.snapshot,
            manager=manager,
            emit=emit,
            options=self._options(),
            dry_run=dry_run,
            only_looks=self._only_looks,
            runner=self._runners.pop(0) if self._runners else None,
            state_of=self._outputs_of,
            whole_events=self._asks or any(map(self.request.flag, _LOOK_INTO_ALL)),
        )

    @property
    def _only_looks(self) -> bool:
        """True if nothing but this preview is asked for, and that of the state alone."""
        of_the_program = self.request.kind in ("preview", "update")
        return self.request.preview_only and of_the_program and not self._refreshes

    @property
    def _refreshes(self) -> bool:
        return self.request.flag("refresh") or self.session.project.refresh

    def _options(self) -> Any:
        from engine.options import Options

        flags = self.request.flags
        replaced = tuple(flags.get("target_replace") or ())
        found = Options(
            targets=(*(flags.get("target") or ()), *replaced),
            excludes=(*(flags.get("exclude") or ()), *self._protected),
            target_dependents=self.request.flag("target_dependents"),
            replace=(*(flags.get("replace") or ()), *replaced),
            refresh=self._refreshes,
            continue_on_error=self.request.flag("continue_on_error"),
            clear_pending_creates=self.request.flag("clear_pending_creates"),
        )
        if flags["parallel"] > 0:
            from dataclasses import replace

            found = replace(found, parallel=flags["parallel"])
        return found

    def _outputs_of(self, name: str) -> Mapping[str, Any]:
        """Another stack's outputs, for StackReference."""
        other = parse_stack(name, self.session.project.name)
        root = self.session.load(other).snapshot.root
        return root.outputs if root is not None else {}

    @property
    def _asks(self) -> bool:
        """True if the operator will be asked after the preview."""
        flags = ("yes", "skip_preview")
        return not self.request.preview_only and not any(map(self.request.flag, flags))

    def _confirmed(self) -> bool:
        from engine.views import make_view

        choices = click.Choice(["yes", "no", "details"])
        question = f"Do you want to perform this {self.verb}?"
        while (answer := click.prompt(question, type=choices, default="no")) == "details":
            flags = {**self.request.flags, "diff": True, "as_json": False}
            view = make_view(flags, self.ref, self.request.kind, True)
            for event in self._previewed:
                view.put(event)
            view.finish()
        return bool(answer == "yes")

    def _record(self, outcome: Outcome, started: int) -> None:
        entry: dict[str, Any] = {
            "kind": self.verb,
            "startTime": started,
            "message": self.request.flags.get("message") or "",
            "environment": {"exec.kind": self.request.flags.get("exec_kind") or "cli"},
            "config": dict(self.stack_file.config),
            "version": 0,
            "result": "succeeded" if outcome.result == "succeeded" else "failed",
            "endTime": int(time.time()),
        }
        if changes := {op: n for op, n in outcome.changes.items() if n}:
            entry["resourceChanges"] = changes
        self.session.backend.add_history(self.ref, entry)

    def _ended(self, outcome: Outcome) -> int:
        request = self.request
        if outcome.result == "cancelled":
            raise CommandFailed(outcome.message or f"{self.verb} cancelled", 8)
        if outcome.result != "succeeded":
            if outcome.message:
                print(f"error: {outcome.message}", file=sys.stderr)
            return 1
        if request.flag("expect_no_changes") and outcome.has_changes:
            raise CommandFailed(
                f"no changes were expected for {self.verb} but changes were proposed", 7
            )
        if request.kind == "destroy" and not request.preview_only:
            self._after_destroy()
        return 0

    def _after_destroy(self) -> None:
        request, name = self.request, self.ref.name
        if self._protected:
            self._say(
                "All unprotected resources were destroyed. There are still "
                f"{len(self._protected)} protected resources associated with this stack."
            )
            return
        if request.flags.get("target") or request.flags.get("exclude"):
            return
        if request.flag("remove"):
            from engine.commands_stack import remove_stack

            remove_stack(self.session, self.ref, force=False, preserve_config=False)
            said = "The resources in the stack have been deleted, and the history and "
            said += "configuration removed."
        else:
            said = (
                "The resources in the stack have been deleted, but the history and configuration "
                "associated with the stack are still maintained. \n"
                "If you want to remove the stack completely, run "
                f"`pulumi stack rm {name}`."
            )
        self._say(said)
