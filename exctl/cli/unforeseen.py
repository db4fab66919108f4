"""The last resort: what nothing of ours has foreseen becomes one sentence and a file for whoever
mends it."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from io import TextIOWrapper
from pathlib import Path


def prepare_streams() -> None:
    """UTF-8 out wherever nobody looks at a terminal, and no letter that ends a command; closed
    streams lead nowhere instead of into the next file that is opened."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115, PTH123  # as long as we live
            setattr(sys, name, nowhere)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def worded(error: BaseException) -> str:
    """The sentence; the whole story is in a file, with secrets redacted."""
    from exctl.cli.version import described
    from stack.secrecy import redacted_text

    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else "?"
    story = "".join(traceback.format_exception(error))
    text = f"{' '.join(sys.argv[:2])}\n{described()}\n\n{redacted_text(story)}"
    try:
        number, path = tempfile.mkstemp(".log", "exctl-error-", text=True)
        with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        kept = f" The details are in {path}; please report it with that file."
    except OSError:
        kept = " Please report it."
    return (
        f"a mistake in exctl itself ({type(error).__name__} in {where}).{kept} If a run was under"
        " way, see what it has done: exctl drift"
    )
