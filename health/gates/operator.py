"""Whether the operator still wants what a gate waits for.

A gate runs in a process that no Ctrl-C reaches (Pulumi keeps it apart), and may wait for an hour.
So exctl keeps a file while it runs, named by a variable, and a gate looks into it at each step.
With plain `pulumi up` there is none: then a gate ends at its deadline, or with a second Ctrl-C.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

RUN_LOCK_VARIABLE = "EXEC_RUN_LOCK"
"""The file of exctl's lock on the stack. In the environment and not among the inputs: it must not
be in the state."""


def wants_an_end() -> bool:
    """True once the operator has interrupted the run, or if exctl was killed.

    What can't be read says nothing: exctl may be writing it.
    """
    path = os.environ.get(RUN_LOCK_VARIABLE)
    if path is None:
        return False
    try:
        content = json.loads(Path(path).read_text())
        os.kill(int(content["pid"]), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return content.get("stopping") is True
