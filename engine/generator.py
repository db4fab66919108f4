"""Decides, one registration at a time, what is to be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine import deletes
from engine.aliases import alias_urns
from engine.diffing import compare_inputs, triggered, with_ignored, with_replace_on_changes
from engine.events import Events
from engine.executor import Executor
from engine.goals import Goal, Refused, Registered, Registration, make_urn, name_of, split_reference
from engine.options import Options
from engine.provider import CheckFailure, Diff
from engine.registry import Registry, as_built_before, diff_config, with_unknown
from engine.rows import PROVIDER_PREFIX, STACK_TYPE, Row, depends_on
from engine.steps import Ledger, Step, renamed
from engine.targets import Targets, with_dependents
from engine.values import UNKNOWN, Props, Value, deep_equals
from engine.wire import encode


class Bail(Exception):
    """The run ends here; why has been said already, or is the text."""


@dataclass
class Generator:
    """What was decided so far. All of it happens in one thread."""

    stack: str
    project: str
    options: Options
    preview: bool
    ledger: Ledger
    registry: Registry
    events: Events
    executor: Executor
    olds: dict[str, Row] = field(init=False)
    targets: Targets = field(init=False)
    excludes: Targets = field(init=False)
    replace_targets: Targets = field(init=False)
    urns: set[str] = field(default_factory=set)
    steps: dict[str, Step] = field(default_factory=dict)  # the last one of each URN registered
    operated: set[str] = field(default_factory=set)
    replaced: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    deleted_rows: set[int] = field(default_factory=set)
    dependent_keys: dict[str, list[str]] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    renamed_from: dict[str, str] = field(default_factory=dict)  # new URN -> old
    claimed: dict[str, str] = field(default_factory=dict)  # old URN -> new

    def __post_init__(self) -> None:
        self.olds = {row.urn: row for row in self.ledger.rows if not row.delete}
        self.targets = Targets(self.options.targets)
        self.excludes = Targets(self.options.excludes)
        self.replace_targets = Targets(self.options.replace)

    def urn_of(self, goal: Goal) -> str:
        """The URN of a goal."""
        return make_urn(self.stack, self.project, goal.parent, goal.type, goal.name)

    # --- one registration -------------------------------------------------------------------

    def register(self, registration: Registration) -> list[Step]:
        """The steps of a registration, in order; Bail if the run can't go on."""
        goal = registration.goal
        urn = self.urn_of(goal)
        self._check_parent(goal, urn)
        if urn in self.urns:
            self.events.error(
                f"Duplicate resource URN '{urn}'; try giving it a unique name", urn
            )  # golden 21
            raise Bail
        self.urns.add(urn)
        old = self._find_old(goal, urn)
        steps = self._steps(registration, urn, old, goal)
        for step in steps:
            if step.registration is registration:
                self.steps[urn] = step
                self.operated.add(urn)
        return steps

    def _check_parent(self, goal: Goal, urn: str) -> None:
        if goal.parent and goal.parent not in self.urns:
            self.events.error(f"the parent {goal.parent} of {urn} isn't registered", urn)
            raise Bail

    def _find_old(self, goal: Goal, urn: str) -> Row | None:
        if urn in self.claimed:
            self.events.error(f"{urn} was already used as an alias by {self.claimed[urn]}", urn)
            raise Bail
        for candidate in [urn, *alias_urns(goal, self.stack, self.project, self.renamed_from)]:
            if candidate not in self.olds:
                continue
            if candidate != urn:
                self._take_alias(candidate, urn)
            return self.olds[urn]
        return None

    def _take_alias(self, old_urn: str, urn: str) -> None:
        taken_by = self.claimed.get(old_urn) or (old_urn if old_urn in self.urns else None)
        if taken_by is not None:
            self.events.error(f"{urn} has the alias {old_urn}, which is {taken_by} already", urn)
            raise Bail
        self.claimed[old_urn] = urn
        self.renamed_from[urn] = old_urn
        self.registry.rename(old_urn, urn)
        self.olds[urn] = self.olds.pop(old_urn)
        for before, after in self.ledger.rewrite(lambda row: renamed(row, old_urn, urn)):
            if self.olds.get(after.urn) is before:
                self.olds[after.urn] = after

    def _steps(
        self, registration: Registration, urn: str, old: Row | None, goal: Goal
    ) -> list[Step]:
        new = goal.row(urn)
        if not self._is_included(new):
            return self._untargeted(registration, urn, old, new)
        self._refuse_skipped_dependency(new)
        if old is not None and goal.ignore_changes:
            inputs, unreached = with_ignored(goal.inputs, old.inputs, goal.ignore_changes)
            new = replace(new, inputs=inputs)
            if unreached:
                self.events.diagnostic(
                    "info",
                    "cannot ignore changes in added or removed elements of the path: "
                    f'"{", ".join(unreached)}"',
                    urn,
                )
        recreating = urn in self.deleted
        unchecked = new
        new = self._checked(new, old, fresh=recreating or self._is_replace_target(urn))
        if recreating and old is not None:
            return self._recreate(registration, urn, old, new)
        if old is not None and old.external:
            return self._create_beside(registration, old, new, Diff("some"))
        if old is None:
            return [Step("create", urn, new=new, registration=registration)]
        return self._compare(registration, goal, old, new, unchecked)

    def _checked(self, new: Row, old: Row | None, fresh: bool) -> Row:
        """The row with its inputs as its provider wants them; Bail if it refuses them."""
        if not new.custom:
            return new
        if new.is_provider:
            before = {} if old is None else old.inputs
            return replace(new, inputs=as_built_before(new.type, new.inputs, before))
        olds = None if old is None or fresh or old.external else dict(old.inputs)
        inputs, failures = self.registry.get(new.provider).check(new, olds)
        if failures:
            self._refuse(new, failures)
        return replace(new, inputs=inputs)

    def _refuse(self, new: Row, failures: list[CheckFailure]) -> None:
        for failure in failures:  # golden 09
            about = f"{new.type} resource '{name_of(new.urn)}'"
            if failure.property:
                value = _shown(new.inputs.get(failure.property))
                text = f"{about}: property {failure.property} value {{{value}}} has a problem: "
            else:
                text = f"{about} has a problem: "
            self.events.error(text + failure.reason, new.urn)
        raise Bail

    def _is_replace_target(self, urn: str) -> bool:
        return self.replace_targets.contains(urn)

    def _recreate(
        self, registration: Registration, urn: str, old: Row, new: Row
    ) -> list[Step]:  # golden 04: deleted because of what it depends on
        self.deleted.discard(urn)
        self.replaced.add(urn)
        keys = self.dependent_keys.get(urn, [])
        return [
            Step("replace", urn, old=old, new=new),
            Step(
                "create-replacement",
                urn,
                old=old,
                new=new,
                registration=registration,
                keys=keys,
                logical=False,
            ),
        ]

    # --- an old row exists ------------------------------------------------------------------

    def _compare(
        self, registration: Registration, goal: Goal, old: Row, new: Row, unchecked: Row
    ) -> list[Step]:
        diff = self._diff(goal, old, new)
        diff = with_replace_on_changes(diff, goal.replace_on_changes, bool(old.init_errors))
        trigger = triggered(old.replacement_trigger, goal.replacement_trigger)
        if trigger:
            diff = replace(diff, changes="some", replaces=[*diff.replaces, "replacementTrigger"])
        if diff.is_replacement or old.pending_replacement:
            return self._replace(registration, goal, old, new, unchecked, diff)
        if diff.changes == "some" or old.init_errors:
            return [
                Step(
                    "update",
                    new.urn,
                    old=old,
                    new=new,
                    registration=registration,
                    diffs=diff.diffs,
                    detailed=diff.detailed,
                    ignore_changes=goal.ignore_changes,
                )
            ]
        return [Step("same", new.urn, old=old, new=new, registration=registration)]

    def _diff(self, goal: Goal, old: Row, new: Row) -> Diff:
        if self._is_replace_target(new.urn) or old.taint:
            return Diff("some", replaces=["id"])  # golden 19
        if any(urn in self.replaced for urn in new.replace_with):
            return Diff("some", replaces=["replaceWith"])
        if new.deleted_with in self.replaced:
            return Diff("some", replaces=["deletedWith"])
        if self._provider_replaced(old, new):
            return Diff("some", replaces=["provider"])
        if new.is_provider:
            return diff_config(old, new.inputs)
        if not new.custom:
            same = deep_equals(dict(old.inputs), dict(new.inputs))
            return Diff("none" if same else "some")
        return self._ask(new.provider, old, new.inputs, goal.ignore_changes)

    def _provider_replaced(self, old: Row, new: Row) -> bool:
        """True if it goes from having a provider to having none, or back; another provider takes
        the object over, since a change of its configuration never replaces."""
        return bool(old.provider) != bool(new.provider)

    def _ask(
        self, provider: str, old: Row, news: Mapping[str, object], ignore_changes: Sequence[str]
    ) -> Diff:
        """The provider's answer, or the engine's own comparison where it has none."""
        diff = self.registry.get(provider).diff(old, news, ignore_changes)
        if diff.changes == "unknown":
            inputs, _ = with_ignored(dict(news), old.inputs, ignore_changes)
            own = compare_inputs(old.inputs, inputs)
            return replace(diff, changes=own.changes, diffs=own.diffs, detailed=own.detailed)
        return diff

    # --- replacement ------------------------------------------------------------------------

    def _replace(
        self,
        registration: Registration,
        goal: Goal,
        old: Row,
        new: Row,
        unchecked: Row,
        diff: Diff,
    ) -> list[Step]:
        if new.protect and old.protect:
            self.events.error(
                f"unable to replace resource {_quoted(new.urn)}\nas it is currently marked for "
                "protection. To unprotect the resource, remove the `protect` flag from the "
                "resource in your Pulumi program and run `pulumi up`",
                new.urn,
            )
            if not self.preview:
                raise Bail
        self.replaced.add(new.urn)
        if not self._is_replace_target(new.urn):
            new = self._checked(unchecked, old, fresh=True)
        first = diff.delete_before_replace
        if goal.delete_before_replace is not None:  # golden 05
            first = goal.delete_before_replace
        if first:
            return self._delete_first(registration, old, new, diff)
        return self._create_beside(registration, old, new, diff)

    def _create_beside(
        self, registration: Registration, old: Row, new: Row, diff: Diff
    ) -> list[Step]:  # golden 03
        more = {"keys": diff.replaces, "diffs": diff.diffs, "detailed": diff.detailed}
        return [
            Step(
                "create-replacement",
                new.urn,
                old=old,
                new=new,
                registration=registration,
                logical=False,
                deletes_later=not old.pending_replacement,
                **more,  # type: ignore[arg-type]  # three fields of their own types
            ),
            Step("replace", new.urn, old=old, new=new, **more),  # type: ignore[arg-type]
        ]

    def _delete_first(
        self, registration: Registration, old: Row, new: Row, diff: Diff
    ) -> list[Step]:  # golden 04
        more = {"keys": diff.replaces, "diffs": diff.diffs, "detailed": diff.detailed}
        steps = []
        for row, keys in reversed(self.cascade(old)):
            if id(row) in self.deleted_rows:
                continue
            if row.protect:
                self.events.error(
                    f"unable to replace resource {_quoted(row.urn)} as part of replacing "
                    f"{_quoted(new.urn)} as it is currently marked for protection",
                    new.urn,
                )
                raise Bail
            self.dependent_keys[row.urn] = keys
            steps.append(self._early_delete(row))
        if not old.pending_replacement:  # golden 12: it's gone already
            steps.append(self._early_delete(old))
            self.deleted.discard(old.urn)
        steps.append(Step("replace", new.urn, old=old, new=new, **more))  # type: ignore[arg-type]
        steps.append(
            Step(
                "create-replacement",
                new.urn,
                old=old,
                new=new,
                registration=registration,
                logical=False,
                **more,  # type: ignore[arg-type]
            )
        )
        return steps

    def _early_delete(self, row: Row) -> Step:
        self.deleted.add(row.urn)
        self.executor.deleted.add(row.urn)
        self.deleted_rows.add(id(row))
        return Step("delete-replaced", row.urn, old=row, logical=False, keeps_row=True)

    def cascade(self, root: Row) -> list[tuple[Row, list[str]]]:
        """What must be deleted before `root` (golden 04)."""

        def would_replace(row: Row, touched: set[str]) -> Diff:
            diff = self._ask(row.provider, row, with_unknown(row, touched), row.ignore_changes)
            return with_replace_on_changes(diff, row.replace_on_changes, False)

        done = self.operated | self.deleted
        return deletes.cascade(root, self.ledger.rows, done, would_replace)

    # --- targets ----------------------------------------------------------------------------

    def _is_included(self, new: Row) -> bool:
        if new.type == STACK_TYPE or new.type.startswith(PROVIDER_PREFIX):
            return True
        if self.excludes:
            return not self.excludes.contains(new.urn)
        if not self.targets:
            return True
        if self.targets.contains(new.urn):
            return True
        if self.options.target_dependents and any(
            urn in self.targets.more or self.targets.contains(urn)
            for urn in {*new.dependencies, new.parent, split_reference(new.provider)[0]}
            if urn
        ):
            self.targets.more.add(new.urn)
            return True
        return False

    def _untargeted(
        self, registration: Registration, urn: str, old: Row | None, new: Row
    ) -> list[Step]:  # golden 19
        if old is None:
            self.skipped.add(urn)
            return [Step("same", urn, new=new, registration=registration, skips=True)]
        return [
            Step(
                "same",
                urn,
                old=old,
                new=replace(old, id=""),
                registration=registration,
                verbatim=True,
            )
        ]

    def _refuse_skipped_dependency(self, new: Row) -> None:
        for urn in sorted({*new.dependencies, new.parent} & self.skipped):
            self.events.error(
                f"Resource '{new.urn}' depends on '{urn}', which doesn't exist yet and isn't "
                "among the targets: add it to them",
                new.urn,
            )
            raise Bail

    # --- the end ----------------------------------------------------------------------------

    def final_deletes(self) -> tuple[list[Step], list[list[Step]]]:
        """Steps for rows that targets leave out, and the deletes in layers."""
        allowed = self._allowed_deletes()
        same, gone = [], []
        for row in self.ledger.rows:
            if allowed is not None and row.urn not in allowed:
                if row.urn not in self.operated and not row.delete:
                    same.append(
                        Step("same", row.urn, old=row, new=replace(row, id=""), verbatim=True)
                    )
                continue
            step = self._final_delete(row)
            if step is not None:
                gone.append(step)
        self._refuse_untargeted(gone)
        self.executor.deleted |= {step.urn for step in gone}
        return same, deletes.layers(gone, [self.ledger.now(row) for row in self.ledger.rows])

    def _final_delete(self, row: Row) -> Step | None:
        current = self.ledger.now(row)
        if current.delete:  # golden 03, 10
            op = "discard-replaced" if current.external else "delete-replaced"
            return Step(op, row.urn, old=current, logical=False)
        if row.urn in self.operated:
            return None
        op = "discard" if current.external else "delete"
        if current.pending_replacement:
            op = "remove-pending-replace"
        return Step(op, row.urn, old=current)

    def unaffected(self, layer: list[Step]) -> list[Step]:
        """The deletes of a layer that no failed step still needs (golden 23)."""
        failed = {step.urn for step in self.executor.failed}
        if not failed:
            return layer
        needed = set(failed)
        for row in reversed(self.ledger.rows):
            if row.urn in needed:
                needed |= depends_on(row)
        return [step for step in layer if step.urn not in needed]

    def read(self, registration: Registration, identifier: Value) -> list[Step]:
        """The step that reads an object this stack doesn't own."""
        urn = self.urn_of(registration.goal)
        if urn in self.urns:
            self.events.error(f"Duplicate resource URN '{urn}'; try giving it a unique name", urn)
            raise Bail
        self.urns.add(urn)
        new = replace(registration.goal.row(urn), external=True)
        if identifier is UNKNOWN:
            registration.resolve(Registered(replace(new, id="", outputs={})))
            return []
        old = self.olds.get(urn)
        if old is not None and (not old.external or old.id != identifier):
            raise Refused(f"{urn} was managed by this stack, or read as {old.id}: not supported")
        step = Step(
            "read", urn, old=old, new=replace(new, id=identifier), registration=registration
        )
        self.steps[urn] = step
        self.operated.add(urn)
        return [step]

    def _allowed_deletes(self) -> set[str] | None:
        if self.targets:
            return self._targeted_deletes()
        if self.excludes:
            left = deletes.kept(self.excludes, self.ledger.rows)
            return {row.urn for row in self.ledger.rows if row.urn not in left}
        return None

    def _targeted_deletes(self) -> set[str]:
        if self.options.target_dependents:
            return with_dependents(self.targets, self.ledger.rows)
        found = {row.urn for row in self.ledger.rows if self.targets.contains(row.urn)}
        return with_dependents(self.targets, self.ledger.rows) | found

    def _refuse_untargeted(self, steps: list[Step]) -> None:
        if not self.targets or self.options.target_dependents:
            return
        extra = [step.urn for step in steps if not self.targets.contains(step.urn)]
        for urn in extra:
            self.events.error(
                f"Resource '{urn}' will be destroyed but was not specified in --target list.\n"
                "Either include resource in --target list or pass --target-dependents to proceed.",
                urn,
            )
        if extra and not self.preview:
            raise Bail


def _shown(value: object) -> str:
    plain: Props = encode({"": value}, "hide")
    shown = plain[""]
    if isinstance(shown, bool):
        return "true" if shown else "false"
    return str(shown)


def _quoted(urn: str) -> str:
    return f'"{urn}"'
