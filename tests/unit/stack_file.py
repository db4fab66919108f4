"""The lab's stack file as Pulumi would hand it over, and the means to spoil it on purpose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from config_schema import ExecConfig
from exctl.site import read_stack_file
from stack.loader import parse
from stack.problems import Problem

CLONE = Path(__file__).resolve().parents[2]
GONE = object()


class StackFile:
    """The texts and secret names of Pulumi.dev.yaml; `put` changes one setting by its path."""

    def __init__(self) -> None:
        self.values, self.secret_keys = read_stack_file(CLONE / "Pulumi.dev.yaml")

    def put(self, path: str, value: Any) -> StackFile:
        first, *rest = path.split(".")
        if not rest:
            if value is GONE:
                del self.values[first]
            else:
                self.values[first] = json.dumps(value)
            return self
        section = json.loads(self.values.get(first, "{}"))
        place = section
        for part in rest[:-1]:
            place = place.setdefault(part, {})
        if value is GONE:
            del place[rest[-1]]
        else:
            place[rest[-1]] = value
        self.values[first] = json.dumps(section)
        return self

    def problems(self, other_orgs: dict[str, str] | None = None) -> list[str]:
        _, problems = parse(self.values, self.secret_keys, other_orgs or {})
        return [str(problem) for problem in problems]

    def config(self) -> ExecConfig:
        config, problems = parse(self.values, self.secret_keys, {})
        assert config is not None, [str(problem) for problem in problems]
        assert not problems, problems
        return config


def problem(path: str, text: str) -> str:
    return str(Problem(path, text))
