"""Each stack's own secrets: the environment in which its run can read them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from exctl.errors import NothingTouched

PASSPHRASE_SECONDS = 60.0


def environment_with(command: Sequence[str] | None, project: Path) -> dict[str, str]:
    """Ours, for a run of one stack: with what its passphrase_command prints, if it has one. Raises
    NothingTouched if that can't be had."""
    found = {name: value for name, value in os.environ.items() if name != "PULUMI_STACK"}
    if command is None:
        return found
    found.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
    return found | {"PULUMI_CONFIG_PASSPHRASE": passphrase(command, project)}


def passphrase(command: Sequence[str], project: Path) -> str:
    """What a command prints. Raises NothingTouched if it fails; never with what it said."""
    try:
        said = subprocess.run(
            command,
            cwd=project,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PASSPHRASE_SECONDS,
            check=True,
        ).stdout
    except subprocess.CalledProcessError as error:
        why = f"ends with {error.returncode}"
    except subprocess.TimeoutExpired:
        why = f"doesn't end in {PASSPHRASE_SECONDS:g} s"
    except (OSError, UnicodeDecodeError) as error:
        why = f"can't be run: {getattr(error, 'strerror', None) or 'what it prints is no text'}"
    else:
        if found := said.removesuffix("\n"):
            return found
        why = "prints nothing"
    raise NothingTouched(f"its passphrase_command ({command[0]}) {why}")
