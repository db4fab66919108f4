"""A secret is found in whatever spelling, alone or within more."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from tests.lab.secret_watch import files_with, spellings

SECRET = 'p+s/s"w?rd&of~nobody'
TEXTS = {
    "plain": f"password={SECRET}",
    "JSON": json.dumps({"password": SECRET}),
    "URL": f"redis://:{quote(SECRET, safe='')}@host",
    "form": urlencode({"password": SECRET}),
    **{
        f"base64 after {count}": b64encode(f"{'x' * count}{SECRET}:more".encode()).decode()
        for count in range(4)
    },
    "base64 for URLs": urlsafe_b64encode(f"user:{SECRET}".encode()).decode(),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_a_secret_is_found_however_it_is_written(tmp_path: Path, text: str) -> None:
    (tmp_path / "left").write_text(text)
    assert files_with(spellings([SECRET]), tmp_path) == [str(tmp_path / "left")]


def test_what_holds_none_is_let_be(tmp_path: Path) -> None:
    (tmp_path / "other").write_text(b64encode(b"password=another-one-of-nobody").decode())
    assert files_with(spellings([SECRET]), tmp_path) == []
