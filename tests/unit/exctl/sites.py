"""The lab's stack as a command sees it, with as many pairs as a test wants."""

from __future__ import annotations

import json
from pathlib import Path

from exctl.site import Site
from stack.layout import build_layout
from tests.unit.stack_file import StackFile


def make_site(pairs: int = 1, project: Path = Path(), **changes: object) -> Site:
    """`changes` are settings by path, dots as two underscores."""
    file = StackFile()
    first = json.loads(file.values["excp"])["pairs"]["1"]
    for number in range(2, pairs + 1):
        hosts = [f"10.77.0.{99 + 2 * number + 2}", f"10.77.0.{99 + 2 * number + 3}"]
        file.put(f"excp.pairs.{number}", first | {"hosts": hosts})
    # The lab waives what it is not; a site that says nothing of it has all its warnings to itself.
    file.put("preflight.waive", {})
    for path, value in changes.items():
        file.put(path.replace("__", "."), value)
    config = file.config()
    return Site(project, "dev", config, build_layout(config, "dev"))
