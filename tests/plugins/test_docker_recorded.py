"""The docker plugin does what the official one did, and leaves the same state to the byte."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.daemon import Daemon
from tests.plugins.recordings import Recording
from tests.plugins.sshd import free_port

pytestmark = pytest.mark.docker
NEW_SINCE = frozenset({"deviceCgroupRules"})
"""Properties that came with 5.2; the recordings are of 5.1."""


RECORDED_ADDRESS = "tcp://127.0.0.1:2375"
RECORDED_ROOT = "/var/tmp/golden-docker"
"""Where the daemon of the recordings listened, and what it stood on."""
RECORDED_PORT, PORT = 18080, free_port()
"""What a recorded container publishes, and where ours does."""


@dataclass(frozen=True)
class OnOurDaemon(Recording):
    """A recording whose programs use another daemon."""

    address: str = ""

    def program(self, number: int) -> str:
        text = super().program(number).replace(RECORDED_ADDRESS, self.address)
        return text.replace(str(RECORDED_PORT), str(PORT))


def _without_new(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_new(item) for key, item in value.items() if key not in NEW_SINCE}
    return value


def _as_recorded(row: dict[str, Any], daemon: Daemon) -> dict[str, Any]:
    """The row as it would be on the recorder's machine, with 5.1."""
    text = json.dumps(row).replace(daemon.address, RECORDED_ADDRESS)
    row = json.loads(text.replace(f'"external": {PORT}', f'"external": {RECORDED_PORT}'))
    outputs = row.get("outputs")
    if not row["type"].startswith("docker:") or not outputs:
        return row
    kept = _without_new(outputs)
    if kept.get("hostname") == socket.gethostname():
        kept["hostname"] = "HOST"
    if "mountpoint" in kept:
        kept["mountpoint"] = kept["mountpoint"].replace(str(daemon.root), RECORDED_ROOT)
    return {**row, "outputs": kept}


@pytest.mark.parametrize(
    "case",
    [
        "24-docker-container",
        "25-docker-drift",
        "26-docker-network-volume",
        "27-docker-mistakes",
    ],
)
def test_state_and_events_are_what_the_official_plugin_gave(
    case: str, clean_daemon: Daemon, tmp_path: Path
) -> None:
    def prepare(before: str) -> None:
        if before.startswith("!"):
            clean_daemon.shell(before[1:])

    def as_recorded(row: dict[str, Any]) -> dict[str, Any]:
        return _as_recorded(row, clean_daemon)

    differences = OnOurDaemon(case, clean_daemon.address).replay(
        tmp_path / "work", prepare, as_recorded
    )
    assert differences == "", differences
