"""Carries steps out: chains side by side, the steps of a chain one after the other."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from engine.diffing import compare_inputs
from engine.events import STATUS_OK, Events
from engine.goals import Aborted, Registered
from engine.pool import Pool
from engine.provider import InitFailed, ProviderError
from engine.refresh import inverted
from engine.registry import Registry, provider_outputs
from engine.rows import PendingOperation, Row, StateError
from engine.state import timestamp
from engine.steps import PENDING, Ledger, Step
from engine.values import deep_equals
from engine.wire import UNKNOWN_TEXT

GONE = ("delete", "delete-replaced", "discard", "discard-replaced")
PROTECTED = (  # golden 15
    'resource "{urn}" cannot be deleted\nbecause it is protected. To unprotect the resource, '
    "either remove the `protect` flag from the resource in your Pulumi program and run "
    "`pulumi up`, or use the command:\n`pulumi state unprotect '{urn}'`"
)


class Executor:
    """`stopped` is set by the first failure (unless it is to go on) or by an interrupt: what runs
    is finished, nothing new begins (golden 08)."""

    def __init__(
        self,
        ledger: Ledger,
        registry: Registry,
        events: Events,
        *,
        preview: bool,
        only_looks: bool,
        parallel: int,
        continue_on_error: bool,
        on_stop: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._registry = registry
        self._events = events
        self._preview = preview
        self._only_looks = only_looks
        self._continue = continue_on_error
        self._on_stop = on_stop
        self._pool = Pool(parallel)
        self._idle = threading.Condition()
        self._under_way = 0
        self.stopped = False
        self.failed: list[Step] = []
        self.fatal: StateError | None = None
        self.news: dict[str, Row] = {}
        self.deleted: set[str] = set()  # URNs whose objects go in this run (deletedWith)

    def submit(self, steps: Sequence[Step]) -> None:
        """Carry out one chain; what asks nobody outside is done at once."""
        if all(step.op == "same" for step in steps):
            self._run(steps)
            return
        with self._idle:
            self._under_way += 1
        self._pool.submit(partial(self._run_counted, steps))

    def _run_counted(self, steps: Sequence[Step]) -> None:
        try:
            self._run(steps)
        except Exception as error:  # noqa: BLE001  (a bug of ours must end the run, not hang it)
            self._events.error(f"the engine failed: {type(error).__name__}: {error}")
            self.stop()
            for step in steps:
                if step.registration is not None:
                    step.registration.abort(Aborted(str(error)))
        finally:
            with self._idle:
                self._under_way -= 1
                self._idle.notify_all()

    def run_side_by_side(self, steps: Sequence[Step]) -> None:
        """Carry out steps that don't depend on each other, and wait for them."""
        for step in steps:
            self.submit([step])
        self.wait()

    def wait(self) -> None:
        """Until nothing is under way."""
        with self._idle:
            self._idle.wait_for(lambda: self._under_way == 0)

    def stop(self) -> None:
        """Begin no further step."""
        self.stopped = True
        self._on_stop()

    def _run(self, steps: Sequence[Step]) -> None:
        for index, step in enumerate(steps):
            if index:
                self._follow(step, steps[index - 1])
            if self.stopped or not self._perform(step):
                for left in steps[index:]:
                    self._leave(left)
                return

    def _leave(self, step: Step) -> None:
        """Tell the program that this isn't done: the end of it, unless the run goes on."""
        row = step.new or step.old
        if step.registration is None:
            return
        if self.stopped or row is None:
            step.registration.abort(Aborted(f"{step.urn} was not done"))
        else:
            step.registration.resolve(Registered(row, failed=True))

    @staticmethod
    def _follow(step: Step, before: Step) -> None:
        """A `replace` tells of the rows as the step before it left them."""
        if step.op != "replace" or step.old is None:
            return
        if before.op == "create-replacement":
            step.new = before.new
            step.old = replace(step.old, delete=before.deletes_later)
        elif before.old is step.old:
            step.old = replace(step.old, pending_replacement=True)

    def _perform(self, step: Step) -> bool:
        self._events.before(step)
        if step.op == "delete" and step.old is not None and step.old.protect:
            # Nothing was tried: the run goes on, so that all that is protected is told of at once.
            self.failed.append(step)
            self._events.failed(step, PROTECTED.format(urn=step.urn), STATUS_OK)
            return False
        try:
            error = self._attempt(step)
        except StateError as broken:
            self.fatal = broken
            error = f"the state couldn't be saved: {broken}"
        if error is None:
            if step.new is not None and step.op not in ("replace", "refresh"):
                self.news[step.urn] = step.new
            self._events.after(step)
            if step.registration is not None and step.new is not None and step.op != "replace":
                step.registration.resolve(Registered(step.new, step.skips))
            return True
        self.failed.append(step)
        self._events.failed(step, error)
        if self.fatal is not None or not self._continue:
            self.stop()
        return False

    def _attempt(self, step: Step) -> str | None:
        """Do it and record it; why it failed, or None. The row that a failed call left behind is
        recorded too."""
        kind = "" if self._preview or not self._asks_provider(step) else PENDING.get(step.op, "")
        row = step.old if step.op in GONE else step.new
        pending = self._ledger.begin(kind, row) if row is not None else None
        try:
            step.new = self._done(step)
        except InitFailed as failed:
            step.new = self._half_done(step, failed)
            self._record(step, pending)
            return str(failed)
        except ProviderError as error:
            self._ledger.end(pending)
            return str(error)
        except StateError:
            raise
        except Exception as error:  # noqa: BLE001  (a provider's bug fails its step, no more)
            self._ledger.end(pending)
            return f"{type(error).__name__}: {error}"
        self._record(step, pending)
        return None

    def _asks_provider(self, step: Step) -> bool:
        row = step.new or step.old
        if row is None or not row.custom or row.is_provider:
            return False
        if step.op in GONE:
            return not self._only_forgets(row)
        return step.op != "same"

    def _only_forgets(self, row: Row) -> bool:
        """True for a row whose deletion asks no provider."""
        return (
            not row.custom
            or row.is_provider
            or row.external
            or row.retain_on_delete
            or (bool(row.deleted_with) and row.deleted_with in self.deleted)
        )

    def _done(self, step: Step) -> Row | None:
        """Ask whom it takes; the row as it is then (None if it's gone)."""
        old, new = step.old, step.new
        if step.op in ("create", "create-replacement") and new is not None:
            return self._create(new)
        if step.op == "update" and old is not None and new is not None:
            return self._update(old, new)
        if step.op == "same" and old is not None and new is not None:
            return self._same(step, old, new)
        if step.op == "refresh" and old is not None:
            return self._refresh(step, old)
        if step.op in ("read", "read-replacement") and new is not None:
            return self._read(new)
        if step.op in GONE and old is not None:
            if not self._preview and not self._only_forgets(old):
                self._registry.get(old.provider).delete(old)
            return None
        return new  # replace, remove-pending-replace: nothing to ask

    def _create(self, new: Row) -> Row:
        now = timestamp()
        new = replace(new, created=now, modified=now)
        if not new.custom:
            return new
        if new.is_provider:
            identifier = UNKNOWN_TEXT if self._preview else str(uuid.uuid4())
            new = replace(new, id=identifier, outputs=provider_outputs(new.inputs))
            self._registry.configure(new)
            return new
        identifier, outputs = self._registry.get(new.provider).create(new, self._preview)
        return replace(new, id=identifier, outputs=outputs)

    def _update(self, old: Row, new: Row) -> Row:
        new = replace(new, id=old.id, created=old.created, modified=timestamp())
        if not new.custom:
            return replace(new, outputs=old.outputs)
        if new.is_provider:
            new = replace(new, outputs=provider_outputs(new.inputs))
            self._registry.configure(new)
            return new
        return replace(
            new, outputs=self._registry.get(new.provider).update(old, new, self._preview)
        )

    def _same(self, step: Step, old: Row, new: Row) -> Row:
        if step.verbatim:
            new = old
        else:
            new = replace(
                new, id=old.id, outputs=old.outputs, created=old.created, modified=old.modified
            )
        if new.is_provider:
            self._registry.configure(new, lazily=self._only_looks)
        return new

    def _read(self, new: Row) -> Row:
        found = self._registry.get(new.provider).read(new, new.id)
        if found is None:
            raise ProviderError(f"resource '{new.id}' does not exist")
        now = timestamp()
        return replace(new, id=found[0], outputs=found[2], created=now, modified=now)

    def _refresh(self, step: Step, old: Row) -> Row | None:
        if not old.custom or old.is_provider or old.delete or old.pending_replacement:
            return old
        found = self._registry.get(old.provider).read(old, old.id)
        if found is None:
            step.result_op = "delete"
            return None
        identifier, inputs, outputs = found
        new = replace(old, id=identifier, inputs=inputs, outputs=outputs, init_errors=())
        if not deep_equals(dict(old.outputs), outputs) or not deep_equals(dict(old.inputs), inputs):
            new = replace(new, modified=timestamp())
        if not old.external:
            self._note_drift(step, old, new)
        return new

    def _note_drift(self, step: Step, old: Row, new: Row) -> None:
        """What the next update would undo, told from the state's side (golden 24, 25)."""
        bridge = self._registry.get(old.provider)
        diff = bridge.diff(new, old.inputs, list(old.ignore_changes))
        if diff.changes == "unknown":
            diff = compare_inputs(new.inputs, old.inputs)
        step.detailed = inverted(diff.detailed)
        if diff.changes == "some":
            step.result_op, step.diffs = "update", diff.diffs

    @staticmethod
    def _half_done(step: Step, failed: InitFailed) -> Row | None:
        if step.new is None:
            return None
        now = timestamp()
        inputs = failed.inputs if failed.inputs is not None else step.new.inputs
        created = now
        if step.op == "update" and step.old is not None:
            inputs, created = step.old.inputs, step.old.created
        return replace(
            step.new,
            id=failed.id,
            inputs=inputs,
            outputs=failed.outputs,
            init_errors=list(failed.reasons),
            created=created,
            modified=now,
        )

    def _record(self, step: Step, pending: PendingOperation | None) -> None:
        old, new, ledger = step.old, step.new, self._ledger
        if step.op in ("replace", "refresh") or step.skips:
            return  # shown only; refreshed rows are all exchanged at the end
        if step.op in GONE or step.op == "remove-pending-replace":
            assert old is not None
            if step.keeps_row:
                ledger.end(pending, mark=(old, self._awaiting(old)))
            else:
                ledger.end(pending, drop=[old])
        elif step.op == "create-replacement" and old is not None and step.deletes_later:
            marked = replace(ledger.now(old), delete=True)
            ledger.end(pending, add=new, mark=(old, marked))
        else:
            ledger.end(
                pending,
                add=new,
                drop=[old] if old is not None else [],
                save=step.op != "same",
            )

    def _awaiting(self, old: Row) -> Row:
        """The row while its replacement isn't made yet (golden 12)."""
        return replace(self._ledger.now(old), pending_replacement=True)
