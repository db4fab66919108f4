"""The manual pages: each command has one, and it says what its help says."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from exctl.__main__ import SECTIONS
from exctl.cli import man

NAMES = [name for names in SECTIONS.values() for name in names]
PAGES = man.pages()
DASH = r"\-"


def test_there_is_a_page_for_each_command_and_one_of_all() -> None:
    assert {*PAGES} == {"exctl.1", *(f"exctl-{name}.1" for name in NAMES)}
    for name in NAMES:
        assert rf".BR exctl\-{name.replace('-', DASH)} (1)" in PAGES["exctl.1"]


def test_a_page_has_options_examples_and_the_parts_of_a_group() -> None:
    up, images = PAGES["exctl-up.1"], PAGES["exctl-images.1"]
    assert "\n.B \\-y, \\-\\-yes\ndon't ask\n" in up
    assert 'exctl up \\-\\-stack dev \\-m "new pair"' in up
    for part in ("list", "load", "prune", "push", "recover"):
        assert f".SH EXCTL IMAGES {part.upper()}\n" in images
    assert "\\-\\-chunk\\-mib N" in images


def test_what_would_be_a_request_of_roff_is_text() -> None:
    assert man._shown(".exec holds `a` \\ 'b'") == "\\&.exec holds \\fBa\\fR \\e 'b'"
    assert man._shown("'quoted'").startswith("\\&'")


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff to read them")
@pytest.mark.parametrize("name", PAGES)
def test_groff_has_no_complaint(name: str) -> None:
    words = ["groff", "-man", "-Tutf8", "-Kutf8", "-ww"]
    run = subprocess.run(words, input=PAGES[name], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    assert "EX Engage Connector" in run.stdout


def test_pages_of_commands_that_are_no_more_go(tmp_path: Path) -> None:
    (tmp_path / "man1").mkdir()
    (tmp_path / "man1/exctl-gone.1").write_text("x")
    man.write(tmp_path)
    assert {path.name for path in (tmp_path / "man1").iterdir()} == {*PAGES}
