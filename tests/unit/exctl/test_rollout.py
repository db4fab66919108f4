"""What is kept of rollouts."""

from __future__ import annotations

import os
from pathlib import Path

from exctl.fleet import rollout


def test_of_two_rollouts_of_one_second_the_last_is_the_one_that_was_written_last(
    tmp_path: Path,
) -> None:
    names = ["20261127T030732Z-ffff", "20261127T030733Z-b789", "20261127T030733Z-2e5d"]
    for written, name in enumerate(names):
        found = rollout.Rollout(name, "", "", "", ("up",), (), {})
        rollout.save(tmp_path, found)
        path = rollout.directory_of(tmp_path) / f"{name}.json"
        os.utime(path, ns=(written, written))
    last = rollout.last(tmp_path)
    assert last is not None
    assert last.id == names[-1]
    os.utime(rollout.directory_of(tmp_path) / f"{names[0]}.json")  # an earlier second all the same
    last = rollout.last(tmp_path)
    assert last is not None
    assert last.id == names[-1]
