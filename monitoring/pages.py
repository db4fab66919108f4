"""The tables of docs/monitoring.md, made from the code: `python -m monitoring.pages` writes them
between their marks. A test holds them up to date."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from monitoring import alerts, metrics

PAGE = Path(__file__).resolve().parents[1] / "docs/monitoring.md"
TABLES: Mapping[str, Sequence[str]] = {"metrics": metrics.table(), "alerts": alerts.table()}


def filled_in(text: str) -> str:
    """The page with each table as the code has it."""
    for name, lines in TABLES.items():
        begin, end = f"<!-- {name}: made by python -m monitoring.pages -->", f"<!-- end: {name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        table = "\n".join([begin, "", *lines, "", end]).replace("\\", r"\\")
        text = pattern.sub(table, text)
    return text


if __name__ == "__main__":
    PAGE.write_text(filled_in(PAGE.read_text("utf-8")), encoding="utf-8")
