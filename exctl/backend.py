"""Where Pulumi keeps the state of a project."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

VARIABLE = "PULUMI_BACKEND_URL"
IN_FILES = "file://"


def url(project: Path) -> str:
    """What the environment names, else Pulumi.yaml; empty if neither does, or Pulumi.yaml can't be
    read: Pulumi then takes the backend that `pulumi login` has chosen."""
    if named := os.environ.get(VARIABLE):
        return named
    import yaml  # here: shell completion, at every TAB, comes by this module

    with suppress(OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
        return str(yaml.safe_load((project / "Pulumi.yaml").read_text("utf-8"))["backend"]["url"])
    return ""


def directory(project: Path) -> Path | None:
    """The state's, where it is in files; else None. A directory that is mounted from elsewhere
    counts too: Pulumi's lock isn't sure there."""
    named = url(project)
    if not named.startswith(IN_FILES):
        return None
    path = named.removeprefix(IN_FILES).partition("?")[0]
    return project / Path(path).expanduser()
