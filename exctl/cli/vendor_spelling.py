"""The vendor's own command line (`--action start --service excp --pair 1 --host 1`) as one of ours.

Source: deployment, the bootstrap script's actions. Its `init` asks for the passwords and lays
files on the hosts: the first is what our `init` does, the second nobody needs here.
"""

from __future__ import annotations

from collections.abc import Sequence

from exctl.errors import NothingTouched

ACTIONS = {
    "start": "start",
    "stop": "stop",
    "restart": "restart",
    "update": "update",
    "rollback": "rollback",
    "init": "init",
}


def translated(arguments: Sequence[str]) -> list[str]:
    """Our words for the vendor's; anything that doesn't begin with `--action` is left alone."""
    words = [part for argument in arguments for part in _split(argument)]
    if "--action" not in words:
        return list(arguments)
    found, rest = {"--action": "", "--service": ""}, []
    pending = list(words)
    while pending:
        word = pending.pop(0)
        if word in found:
            found[word] = pending.pop(0) if pending else ""
        else:
            rest.append(word)
    action = ACTIONS.get(found["--action"])
    if action is None:
        raise NothingTouched(
            f"--action {found['--action'] or '(nothing)'}: there are {', '.join(ACTIONS)}."
        )
    service = [found["--service"]] if found["--service"] and action != "init" else []
    return [action, *service, *rest]


def _split(argument: str) -> list[str]:
    name, equals, value = argument.partition("=")
    return [name, value] if equals and name in ("--action", "--service") else [argument]
