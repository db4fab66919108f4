"""A file is there whole, or as it was, with nothing beside it; text is UTF-8 in every locale."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from exctl import files
from exctl.errors import NothingTouched


def test_a_file_is_replaced_whole_with_the_mode_it_had(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    files.write(path, "one\n", 0o600)
    files.write(path, "zwölf 電\n")
    assert path.read_bytes() == "zwölf 電\n".encode()
    assert path.stat().st_mode & 0o777 == 0o600
    assert files.read(path) == "zwölf 電\n"


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    files.write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_missing_directory_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NothingTouched, match="gone isn't a directory"):
        files.write(tmp_path / "gone/a.svg", "x")
    with pytest.raises(NothingTouched, match="gone isn't a directory"):
        files.refuse_unwritable(tmp_path / "gone/a.svg")
    with pytest.raises(NothingTouched, match="is a directory; name a file"):
        files.refuse_unwritable(tmp_path)


def test_a_disk_without_room_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text("old")
    pid = os.fork()
    if pid == 0:
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            files.write(path, "x" * 5000)
        except NothingTouched as error:
            os._exit(7 if "can't be written: File too large" in str(error) else 8)
        os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.html"]


def test_text_that_isnt_utf8_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("a: 1\nb: ü\n".encode("latin-1"))
    with pytest.raises(NothingTouched, match=r"a\.yaml can't be read: line 2 isn't UTF-8"):
        files.read(path)


def test_no_file_is_read_or_written_in_the_locales_encoding() -> None:
    root = Path(files.__file__).parents[1]
    sources = [p for room in ("exctl", "stack") for p in (root / room).rglob("*.py")]
    assert len(sources) > 50
    assert [p.name for p in sources if ".read_text()" in p.read_text("utf-8")] == []
