"""Under which old URN a resource stands in the state (golden 17)."""

from __future__ import annotations

from collections.abc import Mapping

from engine.goals import AliasSpec, Goal, make_urn, name_of, qualified_type, type_of


def _spec_urn(
    spec: AliasSpec, goal: Goal, stack: str, project: str, renamed: Mapping[str, str]
) -> str:
    if spec.urn:
        return spec.urn
    parent = "" if spec.no_parent else spec.parent or goal.parent
    if spec.parent and not spec.no_parent:
        parent = renamed.get(parent, parent)
    return make_urn(
        spec.stack or stack,
        spec.project or project,
        parent,
        spec.type or goal.type,
        spec.name or goal.name,
    )


def _below(old_parent: str, parent: str, type_: str, name: str, stack: str, project: str) -> str:
    """The URN below the parent's old URN; a name made from the parent's takes the old one's."""
    own = name_of(parent)
    if name.startswith(own):
        name = name_of(old_parent) + name[len(own) :]
    return f"urn:pulumi:{stack}::{project}::{qualified_type(old_parent)}${type_}::{name}"


def alias_urns(goal: Goal, stack: str, project: str, renamed: Mapping[str, str]) -> list[str]:
    """Old URNs to look for, in order: the resource's own aliases, then, if its parent was found
    under an old URN (`renamed`: new -> old), the same ones below that."""
    own = [_spec_urn(spec, goal, stack, project, renamed) for spec in goal.aliases]
    found = dict.fromkeys(own)
    old_parent = renamed.get(goal.parent)
    if old_parent is not None:
        for type_, name in [(goal.type, goal.name), *((type_of(u), name_of(u)) for u in own)]:
            found[_below(old_parent, goal.parent, type_, name, stack, project)] = None
    return list(found)
