"""A kit is the same bytes each time, and every difference from them is found and named."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kit.errors import KitError
from kit.verify import Difference, verify
from tests.unit.kit import kits


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return kits.unpacked(tmp_path / "kit")


def test_the_same_files_give_the_same_bytes(directory: Path, tmp_path: Path) -> None:
    first = kits.packed(directory, tmp_path / "first.tar").read_bytes()
    kits.aged(directory)
    assert kits.packed(directory, tmp_path / "second.tar").read_bytes() == first


def test_a_kit_as_it_was_built_has_no_difference_packed_or_unpacked(
    directory: Path, tmp_path: Path
) -> None:
    for path in (directory, kits.packed(directory, tmp_path / "kit.tar")):
        found = verify(path)
        assert found.is_whole
        assert (found.files, found.description, found.key) == (4, kits.DESCRIBED, "")


def test_what_was_changed_taken_away_and_added_is_named(directory: Path, tmp_path: Path) -> None:
    (directory / "README.md").write_text("?")
    (directory / "program.tar.gz").unlink()
    (directory / "wheels/b.whl").write_text("another")
    wanted = (
        Difference("README.md", "changed"),
        Difference("program.tar.gz", "missing"),
        Difference("wheels/b.whl", "extra"),
    )
    assert verify(directory).differences == wanted
    assert verify(kits.packed(directory, tmp_path / "kit.tar")).differences == wanted


def test_sha256sum_alone_can_check_it_too(directory: Path) -> None:
    check = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(check, cwd=directory, check=False).returncode == 0
    (directory / "README.md").write_text("?")
    assert subprocess.run(check, cwd=directory, capture_output=True, check=False).returncode == 1


def test_any_byte_of_an_archive_counts(directory: Path, tmp_path: Path) -> None:
    """Wherever one is changed: it is named, or the archive is refused. Padding and the headers'
    times and owners, which nobody reads, may differ."""
    whole = kits.packed(directory, tmp_path / "kit.tar").read_bytes()
    for position in range(0, len(whole), 97):
        if not whole[position]:
            continue
        broken = tmp_path / "broken.tar"
        damaged = bytes([whole[position] ^ 1])
        broken.write_bytes(whole[:position] + damaged + whole[position + 1 :])
        assert refusal(broken) or verify(broken).differences, position


def refusal(path: Path) -> str:
    try:
        verify(path)
    except KitError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("size", [0, 300, 700, 1500, 3000])
def test_a_kit_that_was_cut_is_refused_or_says_what_is_missing(
    directory: Path, tmp_path: Path, size: int
) -> None:
    path = kits.packed(directory, tmp_path / "kit.tar")
    path.write_bytes(path.read_bytes()[:size])
    if found := refusal(path):
        assert "isn't a kit" in found or "opy" in found
    else:
        assert verify(path).differences


def test_something_else_is_no_kit(tmp_path: Path) -> None:
    (tmp_path / "photo.tar").write_bytes(b"\xff\xd8" * 1000)
    (tmp_path / "empty").mkdir()
    for name in ("photo.tar", "empty"):
        with pytest.raises(KitError, match="isn't a kit"):
            verify(tmp_path / name)
    with pytest.raises(KitError, match="there is no"):
        verify(tmp_path / "away.tar")


def test_a_signature_tells_whose_key_it_was(tmp_path: Path) -> None:
    key = kits.key_at(tmp_path / "key")
    signers = kits.allowed(tmp_path / "signers", key)
    signed = kits.unpacked(tmp_path / "kit", key=key)
    assert verify(signed, signers).signer == "builder@example.com"
    assert verify(signed).signer == ""
    assert verify(signed).key.startswith("SHA256:")


def test_a_signature_by_nobody_who_may_is_refused(tmp_path: Path) -> None:
    key, other = kits.key_at(tmp_path / "key"), kits.key_at(tmp_path / "other")
    signers = kits.allowed(tmp_path / "signers", other)
    signed = kits.unpacked(tmp_path / "kit", key=key)
    with pytest.raises(KitError, match="belongs to nobody in"):
        verify(signed, signers)
    with pytest.raises(KitError, match="isn't signed"):
        verify(kits.unpacked(tmp_path / "unsigned"), signers)
    with pytest.raises(KitError, match="there is no file"):
        verify(signed, tmp_path / "away")


def test_checksums_made_anew_after_a_change_betray_themselves_by_the_signature(
    tmp_path: Path,
) -> None:
    signed = kits.unpacked(tmp_path / "kit", key=kits.key_at(tmp_path / "key"))
    kits.unpacked(signed, files={**kits.FILES, "README.md": b"another"})
    with pytest.raises(KitError, match="the signature isn't of this kit"):
        verify(signed)
