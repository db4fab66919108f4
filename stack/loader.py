"""The one reader of a stack's config and secrets, and the words for what is wrong with them."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import pulumi
import yaml
from pulumi.runtime import config as runtime_config
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

import vendor_facts as vendor
from config_schema import ExecConfig
from stack.rules import Problem, cross_problems
from stack.text import counted

NAMESPACE = "exec"
LEFT_OUT_VARIABLE = "EXEC_LEFT_OUT"
"""The instances that this run leaves out, since their hosts don't answer: what is ordered behind
one of them doesn't wait for it. In the environment: it is a fact of one run, not of the stack."""
SECRET_NAMES = tuple(secret.name for secret in vendor.SECRETS)

Secrets = Mapping[str, pulumi.Output[str]]
"""The secrets that are set, by name."""


def load(stack: str, project: Path) -> tuple[ExecConfig, Secrets]:
    """The validated config of `stack`, and its secrets as secret outputs.

    Raises pulumi.RunError with every problem at once: unknown, missing and contradicting
    settings, secrets that are missing or stand in clear. Nothing has been deployed then.
    """
    values = _values()
    secret_keys = {name for name in values if runtime_config.is_config_secret(_full(name))}
    config, problems = parse(values, secret_keys, orgs_of_other_stacks(project, stack))
    if config is None or problems:
        raise pulumi.RunError(message(stack, problems))
    reader = pulumi.Config(NAMESPACE)
    found = {name: reader.get_secret(name) for name in SECRET_NAMES if name in values}
    return config, {name: value for name, value in found.items() if value is not None}


def message(stack: str, problems: Sequence[Problem]) -> str:
    """All problems, as an operator reads them."""
    count = counted(len(problems), "problem")
    lines = [f"Pulumi.{stack}.yaml has {count}; nothing was deployed."]
    return "\n".join([*lines, *(f"  {problem}" for problem in problems)])


def parse(
    values: Mapping[str, str], secret_keys: set[str], other_orgs: Mapping[str, str]
) -> tuple[ExecConfig | None, list[Problem]]:
    """The config, or None, with all that is wrong; `values` are texts, as Pulumi gives them."""
    problems: list[Problem] = []
    sections: dict[str, Any] = {}
    for name, text in values.items():
        if name in SECRET_NAMES:
            continue
        if name in secret_keys:
            problems.append(Problem(name, "is a secret, but a setting; set it without --secret"))
            continue
        try:
            sections[name] = json.loads(text)
        except ValueError:
            sections[name] = text
    config: ExecConfig | None = None
    try:
        config = ExecConfig.model_validate_json(json.dumps(sections))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=True)
        problems += [_problem(detail) for detail in details]
    problems += cross_problems(sections, other_orgs)
    problems += _secret_problems(values, secret_keys, sections)
    return config, sorted(problems, key=lambda problem: problem.path)


def _values() -> dict[str, str]:
    """Everything set in our namespace, by name without it."""
    everything = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    prefix = f"{NAMESPACE}:"
    return {k.removeprefix(prefix): v for k, v in everything.items() if k.startswith(prefix)}


def _full(name: str) -> str:
    return f"{NAMESPACE}:{name}"


def orgs_of_other_stacks(project: Path, stack: str) -> dict[str, str]:
    """EX organization id (lower case) → name of the other stack file that it stands in.

    A stack file that can't be read says nothing here: its own deployment will complain.
    """
    found: dict[str, str] = {}
    for path in sorted(project.glob("Pulumi.*.yaml")):
        if path.name in (f"Pulumi.{stack}.yaml", "Pulumi.example.yaml"):
            continue
        try:
            content = yaml.safe_load(path.read_text())
            org = content["config"][_full("tenant")]["org_id"]
        except (OSError, yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError):
            continue
        if isinstance(org, str):
            found[org.lower()] = path.name
    return found


def _secret_problems(
    values: Mapping[str, str], secret_keys: set[str], sections: Mapping[str, Any]
) -> Iterator[Problem]:
    for name in SECRET_NAMES:
        command = f"pulumi config set --secret {_full(name)}"
        if name in values and name not in secret_keys:
            yield Problem(name, f"stands in the stack file in clear; set it anew with: {command}")
    redis, registry = sections.get("redis"), sections.get("registry")
    needed = {"configDbPassword": "EXCS can't read the Config DB without it"}
    if not (isinstance(redis, dict) and redis.get("secure") is False):
        needed["redisPassword"] = "redis.secure is true"
    if isinstance(registry, dict) and registry.get("username") is not None:
        needed["registryPassword"] = "registry.username is set"
    for name, reason in needed.items():
        if not values.get(name):
            command = f"pulumi config set --secret {_full(name)}"
            yield Problem(name, f"is not set, but {reason}; set it with: {command}")


def _problem(detail: ErrorDetails) -> Problem:
    location = [part for part in detail["loc"] if part != "[key]"]
    path = ".".join(map(str, location))
    return Problem(path or "the stack file", _sentence(detail, location))


_MUST_BE = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "a text (in quotes, if it looks like a number)",
    "model": "a section with settings of its own",
    "dict": "a section with settings of its own",
    "list": "a list",
}


def _sentence(detail: ErrorDetails, location: Sequence[int | str]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    found = _found(detail["input"])
    if kind == "extra_forbidden":
        return f"unknown setting{_did_you_mean(location)}"
    if kind == "missing":
        return f"is missing: {_description(location)}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"must be {context['expected'].replace(chr(39), '')}; found {found}"
    if kind == "string_pattern_mismatch":
        return f"must have the form {context['pattern']}; found {found}"
    if kind in ("too_short", "too_long"):
        limit = context.get("min_length", context.get("max_length"))
        bound = "at least" if kind == "too_short" else "at most"
        return f"must have {bound} {limit} entries; found {context['actual_length']}"
    form, _, rest = kind.partition("_")
    if form in _MUST_BE and rest in ("type", "parsing", "from_float"):
        return f"must be {_MUST_BE[form]}; found {found}"
    return f"{detail['msg'].replace('Input should', 'must', 1)}; found {found}"


def _found(value: object) -> str:
    match value:
        case dict():
            return "a section"
        case list():
            return f"a list of {len(value)}"
        case None:
            return "nothing"
    return repr(value)


def _did_you_mean(location: Sequence[int | str]) -> str:
    model = _model_at(location[:-1])
    names = [*model.model_fields, *(SECRET_NAMES if len(location) == 1 else ())] if model else []
    close = difflib.get_close_matches(str(location[-1]), names, 1)
    if close:
        return f'. Did you mean "{close[0]}"?'
    return f"; known here: {', '.join(names)}" if names else ""


def _description(location: Sequence[int | str]) -> str:
    field = field_at(location)
    return (field.description if field else None) or "see Pulumi.example.yaml"


def field_at(location: Sequence[int | str]) -> FieldInfo | None:
    """The schema's field at a path, `("excp", "pairs", "1", "port")` for instance: its description,
    default and type; None where the schema has none."""
    model = _model_at(location[:-1])
    return model.model_fields.get(str(location[-1])) if model else None


def _model_at(location: Sequence[int | str]) -> type[BaseModel] | None:
    """The schema's model at a path; None where the path leaves the schema."""
    model: type[BaseModel] | None = ExecConfig
    annotation: Any = ExecConfig
    for part in location:
        if model is not None:
            field = model.model_fields.get(str(part))
            annotation = field.annotation if field else None
        else:
            arguments = get_args(annotation)
            annotation = arguments[-1] if arguments else None
        annotation = _without_none(annotation)
        is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
        model = annotation if is_model else None
    return model


def _without_none(annotation: Any) -> Any:
    if isinstance(annotation, UnionType) or get_origin(annotation) is UnionType:
        (annotation,) = (a for a in get_args(annotation) if a is not type(None))
    return annotation


def left_out() -> frozenset[str]:
    """The keys of the instances that this run leaves out."""
    return frozenset(filter(None, os.environ.get(LEFT_OUT_VARIABLE, "").split(",")))
