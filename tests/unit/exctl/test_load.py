"""What an archive is loaded as, and what a load leaves behind; the load itself is in tests/lab."""

from __future__ import annotations

import gzip
import os
import tempfile
from pathlib import Path

import pytest

from exctl.errors import NothingTouched
from exctl.images.content import check_space
from exctl.images.load import WORK, Wanted, target, work_directory
from tests.unit.exctl.tars import tar_of, write


def archive(directory: Path, name: str) -> Path:
    return write(directory / name, gzip.compress(tar_of({"bin/run": b"#!"})))


def test_the_name_says_what_it_is_and_options_say_it_better(tmp_path: Path) -> None:
    path = archive(tmp_path, "excs-100.0.100.11.tgz")
    found = target(path, Wanted())
    assert (found.service, found.tag) == ("excs", "100.0.100.11")
    other = target(path, Wanted(service="exas", tag="7"))
    assert (other.service, other.tag) == ("exas", "7")


def test_a_name_that_says_nothing_asks_for_options(tmp_path: Path) -> None:
    with pytest.raises(NothingTouched, match=r"--service excs\|exas\|excp --tag VERSION"):
        target(archive(tmp_path, "image.tgz"), Wanted())


def test_the_bootstrap_package_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(NothingTouched, match="bootstrap package and no image"):
        target(archive(tmp_path, "exop-100.0.100.11.tgz"), Wanted())


def test_a_disk_without_room_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(NothingTouched, match=r"needs 1000000000 MB in .*TMPDIR"):
        check_space(tmp_path, 10**15, "the content of excs-1.tgz")


def test_what_a_killed_run_left_is_removed_and_what_another_uses_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead, alive = tmp_path / f"{WORK}999999999-a", tmp_path / f"{WORK}{os.getpid()}-b"
    other = tmp_path / "exctl-report-1-c"
    for directory in (dead, alive, other):
        directory.mkdir()
    with work_directory() as made:
        assert made.is_dir()
        assert sorted(tmp_path.iterdir()) == sorted([alive, other, made])
    assert sorted(tmp_path.iterdir()) == sorted([alive, other])
