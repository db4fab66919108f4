"""`exctl kit verify` and `build`, as they are typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.unit.kit import kits


def exctl(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "exctl", "kit", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_verify_names_each_difference_and_ends_with_its_exit_code(tmp_path: Path) -> None:
    kit = kits.unpacked(tmp_path / "kit")
    whole = exctl("verify", str(kits.packed(kit, tmp_path / "kit.tar")))
    assert (whole.returncode, whole.stdout) == (0, "as it was built: 4 files, not signed\n")
    (kit / "README.md").write_text("?")
    changed = exctl("verify", str(kit))
    assert changed.returncode == 4
    assert changed.stdout.splitlines()[0] == "changed: README.md"
    said = json.loads(exctl("verify", str(kit), "--json").stdout)
    assert said["differences"] == [{"name": "README.md", "kind": "changed"}]


def test_a_mistake_is_said_in_words_and_nothing_is_touched(tmp_path: Path) -> None:
    cut = tmp_path / "kit.tar"
    whole = kits.packed(kits.unpacked(tmp_path / "kit"), cut).read_bytes()
    cut.write_bytes(whole[:700])
    for words in (("verify", str(cut)), ("build", "--python", "2.7")):
        run = exctl(*words)
        assert run.returncode == 2
        assert run.stderr.endswith("Nothing was touched.\n")
        assert "Traceback" not in run.stderr
