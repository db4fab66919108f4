"""Edits of a stack file: comments and order stay, and the file is whole at any moment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from config_loader import NAMESPACE
from exctl.site import Site


def path_of(site: Site) -> Path:
    """The stack's file."""
    return site.project / f"Pulumi.{site.stack}.yaml"


def edited(text: str, place: Sequence[str], value: Any) -> str:
    """The text with one setting changed: `("excp", "pairs", "1", "tag")` for instance; None takes
    the setting out."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10_000
    content = yaml.load(text)
    first, *rest = place
    *parents, last = [f"{NAMESPACE}:{first}", *rest]
    node = content["config"]
    for key in parents:
        node = node[key]
    if value is None:
        node.pop(last, None)
    else:
        node[last] = value
    written = StringIO()
    yaml.dump(content, written)
    return written.getvalue()


def write(path: Path, text: str) -> None:
    """Put the text in the file's place, at once and with the mode it had."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    if path.exists():
        partial.chmod(path.stat().st_mode & 0o777)
    with partial.open() as file:
        os.fsync(file.fileno())
    partial.replace(path)
