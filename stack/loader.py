"""The one reader of a stack's config and secrets."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import config as runtime_config
from pydantic import ValidationError

from config_schema import ExecConfig
from stack import paths, problems, yaml_text
from stack.paths import NAMESPACE
from stack.problems import Problem
from stack.rules import cross_problems
from stack.secrecy import SECRET_NAMES

LEFT_OUT_VARIABLE = "EXEC_LEFT_OUT"
"""The instances that this run leaves out, since their hosts don't answer: what is ordered behind
one of them doesn't wait for it. In the environment: it is a fact of one run, not of the stack."""

MONITORING_VARIABLE = "EXEC_MONITORING"
"""`without` where exctl's run is about EXEC alone, `alone` where it then is about what watches it,
which needs no order among the two. In plain `pulumi up` it isn't set: what watches comes last."""

Secrets = Mapping[str, pulumi.Output[str]]
"""The secrets that are set, by name."""


def load(stack: str, project: Path) -> tuple[ExecConfig, Secrets]:
    """The validated config of `stack`, and its secrets as secret outputs.

    Raises pulumi.RunError with every problem at once: unknown, missing and contradicting
    settings, secrets that are missing or in plaintext. Nothing has been deployed then.
    """
    values = _values()
    secret_keys = {name for name in values if runtime_config.is_config_secret(_full(name))}
    config, wrong = parse(values, secret_keys, orgs_of_other_stacks(project, stack), stack)
    if config is None or wrong:
        told = problems.message(f"Pulumi.{stack}.yaml", wrong)
        raise pulumi.RunError(f"{told}\nNothing was deployed.")
    reader = pulumi.Config(NAMESPACE)
    found = {name: reader.get_secret(name) for name in SECRET_NAMES if name in values}
    return config, {name: value for name, value in found.items() if value is not None}


def alertmanager_text(config: ExecConfig, project: Path) -> str | None:
    """The site's own configuration of Alertmanager; None where it names none.

    Raises pulumi.RunError if it can't be read. Nothing has been deployed then.
    """
    name = config.monitoring.alertmanager.config_path
    if name is None or not config.monitoring.places_alertmanager:
        return None
    try:
        return (project / name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise pulumi.RunError(
            f"monitoring.alertmanager.config_path: {project / name} can't be read: {why}.\nNothing"
            " was deployed."
        ) from None


def parse(
    values: Mapping[str, str],
    secret_keys: set[str],
    other_orgs: Mapping[str, str],
    stack: str = "",
) -> tuple[ExecConfig | None, list[Problem]]:
    """The config, or None, with all that is wrong; `values` are texts, as Pulumi gives them.
    `stack` is its name, for the commands that put things right."""
    settings = {name: text for name, text in values.items() if name not in secret_keys}
    sections = sections_of(settings)
    wrong = [
        Problem(name, "is a secret, but a setting; set it without --secret")
        for name in secret_keys
        if name not in SECRET_NAMES
    ]
    config: ExecConfig | None = None
    try:
        config = ExecConfig.model_validate_json(json.dumps(sections))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=True)
        wrong += [problems.of_schema(detail) for detail in details]
    wrong += cross_problems(sections, other_orgs)
    wrong += _secret_problems(values, secret_keys, sections, f" --stack {stack}" if stack else "")
    return config, sorted(set(wrong), key=lambda problem: problem.path)


def sections_of(values: Mapping[str, str]) -> dict[str, Any]:
    """The settings by section; what isn't JSON is a text, which the schema refuses."""
    sections: dict[str, Any] = {}
    for name, text in values.items():
        if name not in SECRET_NAMES:
            try:
                sections[name] = json.loads(text)
            except (ValueError, RecursionError):
                sections[name] = text
    return sections


def needed_secrets(sections: Mapping[str, Any]) -> dict[str, str]:
    """The secrets that a stack can't do without, and why."""
    needed = {"configDbPassword": "EXCS can't read the Config DB without it"}
    if paths.get(sections, "redis.secure") is not False:
        needed["redisPassword"] = "redis.secure is true"
    by_command = paths.get(sections, "registry.password_command") is not None
    if paths.get(sections, "registry.username") is not None and not by_command:
        needed["registryPassword"] = "registry.username is set"
    if paths.get(sections, "monitoring.grafana_url"):
        needed["grafanaToken"] = "monitoring.grafana_url is set"
    for program in ("grafana", "portainer") if paths.get(sections, "monitoring.host") else ():
        if paths.get(sections, f"monitoring.{program}.enabled"):
            needed[f"{program}Password"] = f"monitoring.{program}.enabled is true"
    if paths.get(sections, "logging.shipping.user"):
        needed["shippingPassword"] = "logging.shipping.user is set"
    return needed


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
            org = _org_of(path, path.stat().st_mtime_ns)
        except (OSError, ValueError):
            continue
        if org:
            found[org.lower()] = path.name
    return found


@lru_cache(maxsize=1024)
def _org_of(path: Path, _changed_at_ns: int) -> str:
    """The organization that a stack file names; '' if none. Read once for each change: whoever
    opens every stack of a fleet would read each of them as often as there are stacks."""
    org = paths.get(
        yaml_text.read(path.read_text("utf-8-sig")), paths.in_file(("tenant", "org_id"))
    )
    return org if isinstance(org, str) else ""


def _secret_problems(
    values: Mapping[str, str], secret_keys: set[str], sections: Mapping[str, Any], of_stack: str
) -> Iterator[Problem]:
    for name in SECRET_NAMES:
        command = f"exctl secret set {name}{of_stack}"
        if name in values and name not in secret_keys:
            yield Problem(name, f"is in the stack file in plaintext; replace it with: {command}")
    by_command = paths.get(sections, "registry.password_command") is not None
    if by_command and values.get("registryPassword"):
        yield Problem(
            "registryPassword",
            "is set, but registry.password_command gives the password; remove one of them",
        )
    for name, reason in needed_secrets(sections).items():
        if not values.get(name):
            command = f"exctl secret set {name}{of_stack}"
            yield Problem(name, f"is not set, but {reason}; set it with: {command}")


def is_without_monitoring() -> bool:
    return os.environ.get(MONITORING_VARIABLE) == "without"


def is_monitoring_alone() -> bool:
    return os.environ.get(MONITORING_VARIABLE) == "alone"


def left_out() -> frozenset[str]:
    """The keys of the instances that this run leaves out."""
    return frozenset(filter(None, os.environ.get(LEFT_OUT_VARIABLE, "").split(",")))
