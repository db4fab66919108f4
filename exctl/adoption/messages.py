"""What `exctl adopt` tells: how each container differs from ours before it acts, and what is left
to do after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from exctl.adoption.legacy import LegacyHost, Situation, difference
from hosts.docker import STACK_LABEL
from stack.layout import Instance, Layout

Views = Mapping[str, LegacyHost]


def intention(
    found: Sequence[Situation], views: Views, layout: Layout, secrets: Mapping[str, str]
) -> Iterator[str]:
    """What will be done with each instance, and what it changes."""
    for each in found:
        instance, container = each.instance, each.container
        where = f"{instance.key} on {instance.host}"
        if each.kind == "legacy" and container is not None:
            is_ours = container.labels.get(STACK_LABEL) == instance.labels[STACK_LABEL]
            why = "; it is ours, but isn't in the state and differs from the stack file"
            yield (
                f"{where}: {container.name} ({container.state.word}) will be replaced by ours"
                f"{why if is_ours else ''}"
            )
            for line in difference(container, instance, views[instance.host], secrets):
                yield f"    {line}"
            yield f"    meanwhile: {_meanwhile(instance, layout)}"
        elif each.kind == "cut" and container is not None:
            yield f"{where}: {container.own_name} was set aside by an interrupted run; resumes"
        elif each.kind == "lost" and container is not None:
            yield (
                f"{where}: {container.name} ({container.state.word}) is ours and matches the"
                f" stack file, but isn't in the state: taken back as it is, not replaced"
            )
        elif each.kind == "ours":
            yield f"{where}: is ours"
        else:
            yield f"{where}: no container is there; `exctl start` makes one"


def _meanwhile(instance: Instance, layout: Layout) -> str:
    """Source: product facts, HA of EXCP and EXAS."""
    if instance.service == "excp":
        return f"{layout.peer_of(instance).key} serves"
    if instance.service == "exas":
        return "agent states are missed until it is healthy again"
    return "changes in Engage wait, and EXAS and EXCP report it as down, until it answers again"


def afterwards(stack: str, views: Views) -> Iterator[str]:
    """What the operator has to know and do once containers were adopted."""
    aside = [c.name for view in views.values() for c in view.containers if c.is_aside]
    clear = [f"{host}:{path}" for host, view in views.items() for path in view.clear_files]
    if aside:
        yield ""
        yield "Don't run the vendor's bootstrap.py or compose on these hosts any more: they would"
        yield "start the legacy containers next to ours. Take them out of cron and systemd as well."
        yield f"Stopped and kept: {', '.join(aside)}; to bring them back: exctl adopt --back"
    if clear:
        yield f"Passwords are in plaintext in {', '.join(clear)}."
    if aside or clear:
        yield f"To remove all of that for good: exctl adopt --clean --stack {stack}"
