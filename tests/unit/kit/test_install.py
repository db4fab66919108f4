"""What an installation refuses, and what it leaves then; a whole one is in tests/lab."""

from __future__ import annotations

import errno
import fcntl
import gzip
import os
from dataclasses import replace
from pathlib import Path

import pytest

from kit import install as installing
from kit.contents import DESCRIPTION, Description
from kit.errors import KitError
from kit.place import LINKS, Place
from kit.uninstall import main as uninstall
from tests.unit.kit import kits
from tests.unit.limits import files_of_at_most
from tests.unit.oci.tars import tar_of


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "exec")


def run(kit: Path, place: Place, *words: str) -> int:
    return installing.main(["--kit", str(kit), "--dir", str(place.directory), *words])


def in_use(place: Place, described: Description, project: str = "name: exec\n") -> None:
    """A version as an installation leaves it, without a program."""
    directory = place.version(described)
    (directory / "project").mkdir(parents=True)
    (directory / "project/Pulumi.yaml").write_text(project)
    (directory / DESCRIPTION).write_text(described.text())
    before = place.shipped_project_file() if place.installed() else None
    place.switch(described)
    place.take_project_file(before)


def operators_files(place: Place) -> dict[str, str]:
    """What an operator makes there, written and returned."""
    files = {"Pulumi.prod.yaml": "config: {}\n", "releases/prod/1.yaml": "a", ".exec/state/x": "b"}
    for name, text in files.items():
        path = place.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return files


@pytest.mark.parametrize(
    ("described", "said"),
    [
        (replace(kits.DESCRIBED, platform="linux/riscv64"), "this kit is for linux/riscv64"),
        (replace(kits.DESCRIBED, pythons=("3.99",)), "has wheels for Python 3.99"),
        (replace(kits.DESCRIBED, unpacked_bytes=10**18), "Make room, or name another place"),
    ],
)
def test_a_kit_that_does_not_fit_is_refused_and_nothing_is_left(
    tmp_path: Path, place: Place, capfd: pytest.CaptureFixture[str], described: Description,
    said: str,
) -> None:  # fmt: skip
    assert run(kits.unpacked(tmp_path / "kit", described), place) == 1
    error = capfd.readouterr().err
    assert said in error
    assert error.endswith("Nothing was installed.\n")
    assert not place.directory.exists()


def test_a_kit_that_was_changed_is_refused_file_by_file(
    tmp_path: Path, place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    kit = kits.unpacked(tmp_path / "kit")
    (kit / "README.md").write_text("?")
    assert run(kit, place) == 1
    assert "changed: README.md" in capfd.readouterr().err
    assert not place.directory.exists()


def test_a_signature_that_is_wanted_and_missing_is_an_error(
    tmp_path: Path, place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    signers = kits.allowed(tmp_path / "signers", kits.key_at(tmp_path / "key"))
    assert run(kits.unpacked(tmp_path / "kit"), place, "--signers", str(signers)) == 1
    assert "isn't signed" in capfd.readouterr().err


def test_a_python_that_the_kit_is_not_for_is_refused_by_its_version(
    tmp_path: Path, place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(kits.unpacked(tmp_path / "kit"), place, "--python", "/bin/false") == 1
    assert "/bin/false is no Python, and this kit has wheels" in capfd.readouterr().err


def test_a_directory_of_something_else_is_left_alone(
    tmp_path: Path, place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    place.directory.mkdir()
    photo = place.directory / "photo.jpg"
    photo.write_text("a holiday")
    kit = kits.unpacked(tmp_path / "kit")
    assert run(kit, place) == 1
    assert "holds something else (photo.jpg)" in capfd.readouterr().err
    assert [path.name for path in place.directory.iterdir()] == ["photo.jpg"]
    assert run(kit, Place(kit / "exec")) == 1
    assert "is in the kit itself" in capfd.readouterr().err
    assert run(kit, Place(photo)) == 1
    assert "isn't a directory" in capfd.readouterr().err


def test_a_clone_is_something_else_and_what_an_uninstalled_kit_left_is_not(place: Place) -> None:
    operators_files(place)
    place.check()
    (place.directory / "__main__.py").write_text("")
    with pytest.raises(KitError, match="holds something else"):
        place.check()


def test_an_older_kit_is_refused_unless_it_is_meant(
    tmp_path: Path, place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    newer = kits.later(60)
    in_use(place, newer)
    kit = kits.unpacked(tmp_path / "kit")
    assert run(kit, place) == 1
    error = capfd.readouterr().err
    assert f"has {newer.name}, which is newer than this kit ({kits.DESCRIBED.name})" in error
    assert f"{newer.name} is installed in {place.directory}, and works as before." in error
    assert run(kit, place, "--downgrade") == 1
    assert "newer" not in capfd.readouterr().err
    assert place.installed() == newer


def test_versions_compare_by_their_numbers_and_then_by_when_they_were_made() -> None:
    first, second, third = kits.later(9, "0.2.0"), kits.later(1, "0.10"), kits.later(2, "0.10")
    assert sorted([third, first, second], key=lambda each: each.age) == [first, second, third]


def test_an_upgrade_that_fails_leaves_the_version_before_in_use(
    tmp_path: Path, place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    in_use(place, kits.DESCRIBED)
    files = operators_files(place)
    described = kits.later(60)
    assert run(kits.unpacked(tmp_path / "kit", described), place) == 1
    error = capfd.readouterr().err
    assert "pip" in error
    assert f"{kits.DESCRIBED.name} is installed" in error
    assert place.installed() == kits.DESCRIBED
    assert not place.version(described).exists()
    assert {name: (place.directory / name).read_text() for name in files} == files


def test_a_run_of_a_stack_holds_an_upgrade_and_an_uninstallation(
    tmp_path: Path, place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    in_use(place, kits.DESCRIBED)
    operators_files(place)
    lock = place.directory / ".exec/prod.lock"
    lock.touch()
    descriptor = os.open(lock, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        assert run(kits.unpacked(tmp_path / "kit", kits.later(60)), place) == 1
        assert "a run of the stack prod is under way" in capfd.readouterr().err
        assert uninstall(str(place.directory)) == 1
        assert "Nothing was removed." in capfd.readouterr().err
    finally:
        os.close(descriptor)
    assert place.installed() == kits.DESCRIBED


def test_a_full_disk_in_the_middle_leaves_nothing(
    tmp_path: Path, place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    big = {**kits.FILES, "program.tar.gz": gzip.compress(tar_of({"big": bytes(2 << 20)}))}
    kit = kits.unpacked(tmp_path / "kit", files=big)
    with files_of_at_most(1 << 20):
        assert run(kit, place) == 1
    assert "File too large" in capfd.readouterr().err
    assert not place.directory.exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_with_what_to_do(place: Place, number: int) -> None:
    said = installing.why(OSError(number, os.strerror(number), "a file"), place)
    assert said == f"the disk of {place.directory} is full. Make room"


def test_an_upgrade_keeps_the_version_before_and_an_edited_project_file(place: Place) -> None:
    in_use(place, kits.DESCRIBED)
    in_use(place, kits.later(1), "name: exec\n# newer\n")
    path = place.directory / "Pulumi.yaml"
    assert path.read_text() == "name: exec\n# newer\n"
    path.write_text("name: exec\n# ours\n")
    in_use(place, kits.later(2), "name: exec\n# newest\n")
    assert path.read_text() == "name: exec\n# ours\n"
    gone = place.forget_versions(kits.later(2).name, kits.later(1).name)
    assert gone == [kits.DESCRIBED.name]
    assert place.installed() == kits.later(2)


def test_an_uninstallation_leaves_what_is_the_operators_and_nothing_else(
    place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    in_use(place, kits.DESCRIBED)
    assert all((place.directory / name).is_symlink() for name in LINKS)
    files = operators_files(place)
    (place.directory / "__pycache__").mkdir()
    (place.directory / "__pycache__/__main__.cpython-311.pyc").touch()  # of a run
    assert uninstall(str(place.directory)) == 0
    assert "yours stay there: .exec, Pulumi.prod.yaml, releases" in capfd.readouterr().out
    there = {p.relative_to(place.directory).as_posix() for p in place.directory.rglob("*")}
    assert {name for name in there if (place.directory / name).is_file()} == files.keys()
    assert uninstall(str(place.directory)) == 1
    assert "holds no installation" in capfd.readouterr().err


def test_an_installation_that_was_never_used_goes_without_a_trace(place: Place) -> None:
    in_use(place, kits.DESCRIBED)
    assert uninstall(str(place.directory)) == 0
    assert not place.directory.exists()
