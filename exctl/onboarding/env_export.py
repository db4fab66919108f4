"""A stack written as the vendor's `.env`, and what such a file can't say of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import vendor_facts as vendor
from config_schema import ExecConfig
from exctl.onboarding import env_syntax
from stack import paths
from stack.environment import value_at


def exported(config: ExecConfig, secrets: Mapping[str, str]) -> str:
    """The `.env` of a stack, in the vendor's order; a secret that isn't given is left out."""
    lines = ["# Written by exctl export-env from the stack file."]
    for parameter, pair in _keys(config):
        if parameter.is_secret:
            value = secrets.get(parameter.path)
        else:
            value = paths.as_variable(value_at(config, parameter.path, pair))
        if value is not None:
            key = parameter.env_key.format(pair=pair)
            lines.append(f"{key}={env_syntax.written(value)}")
    return "\n".join(lines) + "\n"


def _keys(config: ExecConfig) -> Iterator[tuple[vendor.Parameter, str]]:
    """Every key with its pair, in the vendor's order."""
    for parameter in vendor.PARAMETERS:
        if "{pair}" not in parameter.env_key:
            yield parameter, ""
    for pair in sorted(config.excp.pairs, key=int):
        for parameter in vendor.PARAMETERS:
            if "{pair}" in parameter.env_key:
                yield parameter, pair


def remarks(config: ExecConfig, names: Collection[str], known: Mapping[str, str]) -> Iterator[str]:
    """What the reader of a `.env` has to know: `names` are the secrets that are set, `known` those
    that were written."""
    yield (
        "the vendor's script chooses the names of the container variables itself; exctl has"
        " inferred some of them: exctl topology lists which"
    )
    for path in not_carried(config, names):
        yield f"not in it, since a .env has no key for it: {path}"
    carried = {parameter.path for parameter in vendor.PARAMETERS if parameter.is_secret}
    if left := sorted((carried & set(names)) - known.keys()):
        yield f"not in it, since --with-secrets wasn't given: {', '.join(left)}"
    for key in read_differently(config, known):
        yield (
            f"{key}: not every program reads its $ in the same way: compose 2 takes it"
            f" literally, a Python reader that expands ${{…}} doesn't"
        )


def not_carried(config: ExecConfig, secrets: Collection[str]) -> list[str]:
    """The settings with other values than their defaults, and the secrets among those that are
    set, that a `.env` has no key for."""
    carried = {parameter.path.format(pair=pair) for parameter, pair in _keys(config)}
    found = [setting.path for setting in paths.changed(config) if setting.path not in carried]
    return found + sorted(name for name in secrets if name not in carried)


def read_differently(config: ExecConfig, secrets: Mapping[str, str]) -> list[str]:
    """Keys whose values not every reader of a `.env` takes literally, the log names aside, in
    which the vendor means its references to be filled in."""
    found = []
    for parameter, pair in _keys(config):
        if parameter.path.endswith("log.filename"):
            continue
        value = (
            secrets.get(parameter.path)
            if parameter.is_secret
            else paths.as_variable(value_at(config, parameter.path, pair))
        )
        if value is not None and not env_syntax.is_read_alike(value):
            found.append(parameter.env_key.format(pair=pair))
    return found
