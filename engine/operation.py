"""Runs an operation from its first event to its last."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from engine import natives
from engine.events import Events
from engine.executor import Executor
from engine.generator import Bail, Generator
from engine.goals import Aborted, Refused, Registration
from engine.monitor import (
    DoneEvent,
    Monitor,
    OutputsEvent,
    ReadEvent,
    Run,
    Stopped,
    is_root,
    laid_over,
)
from engine.options import Kind, Operation, Options, Outcome, Result
from engine.program import ProgramError, Runner, interpreter
from engine.provider import ProviderError
from engine.refresh import pruned, refresh_steps
from engine.registry import Registry
from engine.rows import Row, StateError
from engine.steps import Ledger, Step
from engine.targets import Targets
from engine.values import Props, contains_unknown, deep_equals

__all__ = ["Kind", "Operation", "Options", "Outcome", "Result", "run"]

ALREADY_REPORTED = 32
CUT_SECONDS = 0.2
PROGRAM_END_SECONDS = 2.0  # a program whose run has failed is given this long to end by itself


class Exited:
    """Put among the events: the program has ended."""

    def __init__(self, code: int) -> None:
        self.code = code


def program_place(root: Path, main: str) -> tuple[Path, str]:
    """Where the program runs, and what is run there: `.`, or the file that `main` names."""
    place = root / main if main else root
    return (place, ".") if place.is_dir() else (root, main)


def run(operation: Operation) -> Outcome:
    """Do it, and tell of it through `operation.emit`. Errors of the operator's making end up in
    the events and in the outcome; only a bug raises."""
    return _Run(operation).run()


class _Run:
    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.preview = operation.is_preview
        self.root = operation.project.path.parent
        self.directory, self.entry = program_place(self.root, operation.project.main)
        self.events = Events(
            operation.emit, self.preview, operation.kind == "refresh", operation.whole_events
        )
        self.queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.ledger = Ledger(operation.snapshot, operation.manager)
        self.registry = Registry(
            self._dynamic,
            operation.state_of,
            lambda: self.ledger.rows,
            natives.Surroundings(
                frozenset(
                    p.resource.urn for p in operation.snapshot.pending if p.type == "creating"
                ),
                lambda urn, line: self.events.diagnostic("info", line, urn, ephemeral=True),
            ),
        )
        self._own_runner: Runner | None = operation.runner
        self._runner_lock = threading.Lock()
        self.executor = self._executor()
        self.generator = Generator(
            stack=operation.stack.name,
            project=operation.project.name,
            options=operation.options,
            preview=self.preview,
            ledger=self.ledger,
            registry=self.registry,
            events=self.events,
            executor=self.executor,
        )
        self.monitor: Monitor | None = None
        self.root_outputs: Props | None = None
        self.interrupts = 0
        self.exited = False
        self.message = ""

    def _executor(self) -> Executor:
        return Executor(
            self.ledger,
            self.registry,
            self.events,
            preview=self.preview,
            only_looks=self.operation.only_looks,
            parallel=self.operation.options.parallel,
            continue_on_error=self.operation.options.continue_on_error,
            on_stop=lambda: self.queue.put(Stopped()),
        )

    def _dynamic(self) -> Any:
        from engine.dynamic import DynamicProvider

        return DynamicProvider(lambda: self.runner().dynamic_address())

    def runner(self) -> Runner:
        """The project's Python; started now if it wasn't."""
        with self._runner_lock:
            if self._own_runner is None:
                project = self.operation.project
                python = interpreter(self.root, project.options)
                self._own_runner = Runner(python, self.directory, project.name)
            return self._own_runner

    # --- from first to last -----------------------------------------------------------------

    def run(self) -> Outcome:
        self.events.prelude(
            {
                key: "[secret]" if value.secret else value.text
                for key, value in sorted(self.operation.config.items())
            }
        )
        with self._interruptible():
            try:
                done = self._do()
            except Bail:
                done = False
            except (Refused, ProviderError, ProgramError, StateError) as error:
                self.events.error(str(error))
                done = False
            finally:
                self._close()
        return self._outcome(done)

    def _do(self) -> bool:
        kind, options = self.operation.kind, self.operation.options
        self._refuse_unknown_targets()
        if kind == "refresh" or options.refresh:
            if not self._refresh():
                return False
            if kind == "refresh":
                return True
        self._warn_of_pending()
        return self._destroy() if kind == "destroy" else self._update()

    def _outcome(self, done: bool) -> Outcome:
        failed = not done or self.executor.failed or self.executor.fatal or self.events.errors
        result: Result = "failed" if failed else "succeeded"
        if self.interrupts and not self.executor.failed and not self.events.errors:
            result = "cancelled"
        if result == "failed" and self.operation.kind != "refresh":
            word = "preview" if self.preview else "update"
            self.events.error(f"{word} failed")
        self.events.summary("failed" if result == "cancelled" else result)
        return Outcome(result, dict(self.events.counts), self.message)

    def _close(self) -> None:
        if self.interrupts < 2:
            self.executor.wait()
        if self.monitor is not None:
            self.monitor.close()
        self.registry.close()
        if self._own_runner is not None:
            self._own_runner.close()
        if self.operation.manager is not None:
            try:
                self.operation.manager.finish()
            except StateError as error:
                self.executor.fatal = error
                self.events.error(str(error))

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """The first interrupt lets what runs finish, the second ends at once."""

        interrupted, over = threading.Event(), threading.Event()

        def cut_short() -> None:
            interrupted.wait()
            while not over.wait(CUT_SECONDS):  # again and again: one may just be beginning
                natives.interrupt()

        def handle(_number: int, _frame: FrameType | None) -> None:
            self.interrupts += 1
            if self.interrupts > 1:
                raise KeyboardInterrupt
            self.executor.stop()  # told later: this may have come in the middle of an event
            interrupted.set()

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        threading.Thread(target=cut_short, daemon=True).start()
        kept = {n: signal.signal(n, handle) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            over.set()
            interrupted.set()
            for number, handler in kept.items():
                signal.signal(number, handler)

    def _refuse_unknown_targets(self) -> None:
        options = self.operation.options
        rows = [row.urn for row in self.ledger.rows]
        wanted = [] if self.operation.kind in ("preview", "update") else [options.targets]
        for patterns in [*wanted, options.replace]:
            missing = Targets(patterns).missing(rows)
            for pattern in missing:
                self.events.error(f"Target '{pattern}' could not be found in the stack.")
            if missing:
                raise Bail

    def _warn_of_pending(self) -> None:
        pending = self.operation.snapshot.pending
        if not pending or self.preview:
            return
        listed = "".join(f"  * {p.resource.urn}, interrupted while {p.type}\n" for p in pending)
        self.events.warning(
            f"Attempting to deploy or update resources with {len(pending)} pending operations from "
            f"previous deployment.\n{listed}These resources are in an unknown state because the "
            "run was interrupted: look whether they exist. `pulumi refresh "
            "--clear-pending-creates` forgets them."
        )  # golden 13

    # --- refresh ----------------------------------------------------------------------------

    def _refresh(self) -> bool:
        options = self.operation.options
        if options.clear_pending_creates and self.operation.manager is not None:
            self.operation.manager.clear_pending_creates()
        steps = refresh_steps(self.ledger.rows, Targets(options.targets), Targets(options.excludes))
        self.executor.run_side_by_side(steps)
        found: dict[int, Row | None] = {
            id(step.old): step.new for step in steps if step not in self.executor.failed
        }
        rows = pruned(self.ledger.rows, found)
        if self.operation.manager is not None:
            self.operation.manager.replace_rows(rows)
        self.ledger.rows = rows
        self.generator.olds = {row.urn: row for row in rows if not row.delete}
        return not self.executor.stopped

    # --- update -----------------------------------------------------------------------------

    def _update(self) -> bool:
        operation = self.operation
        secret = frozenset(key for key, value in operation.config.items() if value.secret)
        about = Run(
            project=operation.project.name,
            stack=operation.stack.name,
            root=self.root,
            directory=self.directory,
            config={key: value.text for key, value in operation.config.items()},
            secret_keys=secret,
            preview=self.preview,
            parallel=operation.options.parallel,
        )
        self.monitor = Monitor(
            about, self.registry, self.events, self.queue.put, self.executor.stop
        )
        self.monitor.start()
        self._start_program(about)
        done = self._decide()
        if not done:
            self._end_program()
        self.executor.wait()
        self._record_root_outputs(failed=not done)
        return done

    def _start_program(self, about: Run) -> None:
        assert self.monitor is not None
        runner = self.runner()
        runner.listen(lambda severity, line: self.events.diagnostic(severity, line))
        runner.run(
            {
                "config": dict(about.config),
                "secret_keys": sorted(about.secret_keys),
                "program": self.entry,
                "program_directory": str(self.directory),
                "settings": {
                    "monitor": self.monitor.address,
                    "engine": self.monitor.address,
                    "project": about.project,
                    "stack": about.stack,
                    "organization": "organization",
                    "parallel": about.parallel,
                    "dry_run": about.preview,
                    "root_directory": str(self.root),
                },
            }
        )

        def wait() -> None:
            self.queue.put(Exited(runner.wait() or 0))

        threading.Thread(target=wait, daemon=True).start()

    def _decide(self) -> bool:
        """Handle what the program asks until it's done or the run has failed; True: all well."""
        while True:
            event = self.queue.get()
            if isinstance(event, Stopped):
                if self.interrupts:
                    self.events.warning("interrupted: what runs is finished, nothing new begins")
                return False
            if isinstance(event, Exited):
                return self._exited(event.code)
            if isinstance(event, DoneEvent):
                done = self._finish()
                event.answer.set_result(None)
                if not done:
                    return False
                continue
            try:
                self._handle(event)
            except (Bail, ProviderError, Refused) as error:
                self._refuse(event, error)
                return False

    def _handle(self, event: Any) -> None:
        if isinstance(event, Registration):
            steps = self.generator.register(event)
            if steps:
                self.executor.submit(steps)
        elif isinstance(event, ReadEvent):
            self.executor.submit(self.generator.read(event.registration, event.id))
        elif isinstance(event, OutputsEvent):
            self._record_outputs(event)

    def _refuse(self, event: Any, error: Exception) -> None:
        """The run ends with this event; what is under way is finished."""
        urn = ""
        if isinstance(event, Registration):
            urn = self.generator.urn_of(event.goal)
            event.abort(Aborted(str(error)))
        elif isinstance(event, ReadEvent):
            event.registration.abort(Aborted(str(error)))
        if str(error):
            self.events.error(str(error), urn)
        self.executor.stopped = True
        if isinstance(error, ProviderError) and self.monitor is not None:
            self.monitor.silent = True
            hosts = natives.unreachable()
            for other in hosts if str(error) in hosts else ():
                if other != str(error):  # all that are down at once, not one a run
                    self.events.error(other)

    def _exited(self, code: int) -> bool:
        self.exited = True
        if code not in (0, ALREADY_REPORTED):
            self.events.error(
                f"an unhandled error occurred: program exited with non-zero exit code: {code}"
            )
        self.executor.wait()
        return code == 0

    def _finish(self) -> bool:
        """The program has registered all: delete what it no longer names."""
        self.executor.wait()
        if self.executor.stopped:
            return False
        try:
            return self._delete()
        except (Bail, ProviderError) as error:
            if str(error):
                self.events.error(str(error))
            return False

    def _delete(self) -> bool:
        same, layers = self.generator.final_deletes()
        for step in same:
            self.executor.submit([step])
        for layer in layers:
            if self.executor.stopped:
                return False
            self.executor.run_side_by_side(self.generator.unaffected(layer))
        return not self.executor.stopped

    def _end_program(self) -> None:
        """Let a program whose run has failed end; what it says of that isn't shown."""
        assert self.monitor is not None
        self.monitor.silent = True
        self.executor.stopped = True
        if self.exited:
            return
        runner = self.runner()
        runner.listen(lambda *_: None)
        limit = threading.Timer(PROGRAM_END_SECONDS, runner.stop_program)
        limit.start()
        while True:
            event = self.queue.get()
            if isinstance(event, Exited):
                limit.cancel()
                return
            if isinstance(event, OutputsEvent):
                self._record_outputs(event)
            elif isinstance(event, Registration):
                event.abort(Aborted("the run has failed"))
            elif isinstance(event, ReadEvent):
                event.registration.abort(Aborted("the run has failed"))
            elif isinstance(event, DoneEvent):
                event.answer.set_result(None)

    # --- outputs of components and of the stack ---------------------------------------------

    def _record_outputs(self, event: OutputsEvent) -> None:
        step = self.generator.steps.get(event.urn)
        if step is not None and not step.verbatim:
            if is_root(event.urn):
                self.root_outputs = event.outputs
            else:
                self._set_outputs(step, event.outputs)
        elif step is not None and not is_root(event.urn):
            self.events.outputs(step)  # left out by targets: told of, and as it was
        event.answer.set_result(None)

    def _set_outputs(self, step: Step, outputs: Props) -> None:
        row = self.executor.news.get(step.urn)
        if row is None:
            return
        changed = not deep_equals(dict(row.outputs), outputs)
        after = replace(row, outputs=outputs)
        self.executor.news[step.urn] = after
        step.new = after
        self.ledger.end(mark=(row, after), save=changed)
        self.events.outputs(step)
        if self.monitor is not None:
            self.monitor.know(after)

    def _record_root_outputs(self, failed: bool) -> None:
        """The stack's outputs: new ones in place of the old, or over them if the run failed
        (golden 08, 09)."""
        step = next((s for u, s in self.generator.steps.items() if is_root(u)), None)
        if step is None or self.root_outputs is None:
            return
        outputs = self.root_outputs
        if failed or self.executor.failed or self.events.errors:
            row = self.executor.news.get(step.urn)
            known = {k: v for k, v in outputs.items() if not contains_unknown(v)}
            outputs = laid_over(dict(row.outputs) if row is not None else {}, known)
        self._set_outputs(step, outputs)

    # --- destroy ----------------------------------------------------------------------------

    def _destroy(self) -> bool:
        return self._delete()
