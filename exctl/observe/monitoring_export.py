"""`exctl monitoring export`: the files for a Prometheus of the operator's own, checked by
Prometheus' own tools where they are installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from exctl import files
from exctl.errors import NothingTouched
from exctl.site import Site
from monitoring import dashboards, prometheus, shipping
from monitoring.placement import settled
from monitoring.prometheus import ALERTMANAGER_FILE, PROMETHEUS_FILE, Subject

CHECK_SECONDS = 30
CHECKS = {
    "promtool": ("check", "config", PROMETHEUS_FILE),
    "amtool": ("check-config", ALERTMANAGER_FILE),
}
"""Program → its words and the file, which stands for those that it names."""


def export(site: Site, directory: Path) -> list[str]:
    """Writes the files, and returns what was done, a line each.

    Raises NothingTouched if one of them can't be written, or if Prometheus' own tools refuse one.
    """
    wanted = prometheus.files(Subject(site.stack, settled(site.config.monitoring), site.layout))
    checked = _checked(wanted)
    wanted |= dashboards.files() | shipping.files(site.stack, site.config, site.layout)
    said = []
    for name, text in wanted.items():
        path = directory / name
        if name == ALERTMANAGER_FILE and path.exists():
            said.append(f"{path}: kept, it is yours")
            continue
        _make(path.parent)
        files.write(path, text)
        said.append(f"{path}: written")
    words = " and ".join(checked)
    said.append(f"checked with {words}" if words else "not checked: no promtool, no amtool here")
    return said


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NothingTouched(f"{directory} can't be made: {error.strerror}.") from None


def _checked(wanted: Mapping[str, str]) -> list[str]:
    """The tools that took the files, asked before any of them is put in its place."""
    found = [name for name in CHECKS if shutil.which(name)]
    with tempfile.TemporaryDirectory() as scratch:
        for name, text in wanted.items():
            path = Path(scratch, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for name in found:
            _check(name, Path(scratch))
    return found


def _check(tool: str, scratch: Path) -> None:
    run = subprocess.run(
        [tool, *CHECKS[tool]],
        cwd=scratch,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=CHECK_SECONDS,
        check=False,
    )
    if run.returncode != 0:
        lines = [line.strip() for line in (run.stdout + run.stderr).splitlines() if line.strip()]
        why = next((line for line in lines if "FAILED" in line or "rror" in line), lines[-1])
        raise NothingTouched(f"{tool} refuses what would be written: {why}.")
