"""What goes into a kit: which wheels, which commit, and what its bill of materials says."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kit import sbom, wheels
from kit.build import Wanted, build
from kit.errors import KitError
from kit.program import commit_of
from kit.verify import verify
from tests.unit.kit import kits
from tests.unit.stack_file import CLONE

LOCK = """a==1 \\
    --hash=sha256:aa
    # via b
b==2 ; python_version < "3.12" \\
    --hash=sha256:bb
c==3 ; python_full_version < "3.11.3" \\
    --hash=sha256:cc
"""


def test_a_lock_file_is_read_for_the_python_wanted_and_not_for_this_one() -> None:
    pins = {
        python: [line for line in wheels.entries_for(LOCK, python) if "==" in line]
        for python in ("3.11", "3.12")
    }
    assert pins == {"3.11": ["a==1 \\\n", "b==2 \\\n", "c==3 \\\n"], "3.12": ["a==1 \\\n"]}
    assert "bb" not in "".join(wheels.entries_for(LOCK, "3.12"))


def test_every_entry_of_our_lock_files_is_understood() -> None:
    for name in ("requirements.txt", "kit/requirements.txt"):
        text = (CLONE / name).read_text()
        wanted = [line for line in text.splitlines() if line[:1].isalnum()]
        found = [line for line in wheels.entries_for(text, "3.11") if line[:1].isalnum()]
        assert len(found) == len(wanted) > 1
        assert not [line for line in found if ";" in line]


def test_the_lock_file_has_all_that_debians_python_needs() -> None:
    """Whatever Python it was made under: what an older one needs besides is in no clone's .venv."""
    lines = wheels.entries_for((CLONE / "requirements.txt").read_text(), "3.11")
    pinned = {canonicalize_name(line.partition("==")[0]) for line in lines if "==" in line}
    debian = {"python_version": "3.11", "python_full_version": "3.11.2", "extra": ""}
    wanted = {
        canonicalize_name(needed.name)
        for name in pinned - {"async-timeout"}
        for needed in map(Requirement, metadata.requires(name) or ())
        if needed.marker is None or needed.marker.evaluate(debian)
    }
    assert not wanted - pinned


@pytest.mark.parametrize("pythons", ["", "3.10", "2.7", "3.11;3.12", "3.x"])
def test_a_python_that_is_none_or_too_old_is_refused(pythons: str) -> None:
    with pytest.raises(KitError, match=r"^--python .*3\.11 or newer"):
        wheels.checked(pythons)


def test_pythons_are_sorted_as_versions() -> None:
    assert wheels.checked("3.12, 3.9999,3.11,3.12") == ("3.11", "3.12", "3.9999")


def wheel(path: Path, *lines: str) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("some_thing-1.0.dist-info/METADATA", "\n".join(lines) + "\n\nText\n")
        made.writestr("some_thing/_vendor/other.dist-info/METADATA", "Name: other\n\n")
    return path


@pytest.mark.parametrize(
    ("licence", "wanted"),
    [
        ("License-Expression: MIT", [{"expression": "MIT"}]),
        ("License: Apache 2", [{"license": {"name": "Apache 2"}}]),
        ("Summary: none", None),
    ],
)
def test_a_bill_of_materials_follows_the_schema(
    tmp_path: Path, licence: str, wanted: object
) -> None:
    path = wheel(
        tmp_path / "some_thing-1.0-py3-none-any.whl", "Name: Some.Thing", "Version: 1.0", licence
    )
    found = sbom.of_wheel(path, "a" * 64)
    assert (found["name"], found["version"], found.get("licenses")) == ("some-thing", "1.0", wanted)
    program = b"\x00\npath\tx\nmod\texample.com/a/v2\tv2.0.0\th1:x=\n"
    program += b"dep\tgithub.com/b\tv1.0.1+incompatible\th1:y=\n"
    modules = sbom.of_go_program(program, "pulumi.gz", "b" * 64)
    assert [each["name"] for each in modules] == ["pulumi.gz", "example.com/a/v2", "github.com/b"]
    image = sbom.of_image("images/excs-1.tar", "excs", "1", "c" * 64)
    document = sbom.document(kits.DESCRIBED, [found, *modules, image])
    text = json.dumps(document)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert json.dumps(sbom.document(kits.DESCRIBED, [found, *modules, image])) == text


def wanted(clone: Path, out: Path | None = None, key: Path | None = None) -> Wanted:
    return Wanted(clone, out, ("3.11",), lambda: Path("/bin/true"), lambda _: [], key)


def test_a_kit_is_built_in_a_clone_into_a_place_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(KitError, match="is built in a clone"):
        build(wanted(tmp_path), print)
    clone = clone_at(tmp_path / "clone")
    with pytest.raises(KitError, match="there is no directory"):
        build(wanted(clone, tmp_path / "away/kit.tar"), print)
    with pytest.raises(KitError, match=r"a file that ends in \.tar"):
        build(wanted(clone, tmp_path / "kit.tar.zst"), print)
    with pytest.raises(KitError, match="can't sign"):
        build(wanted(clone, tmp_path / "kit.tar", tmp_path / "no-key"), print)
    assert [path.name for path in tmp_path.iterdir()] == ["clone"]


def test_the_same_commit_gives_the_same_kit(tmp_path: Path) -> None:
    clone = clone_at(tmp_path / "clone")
    first, description = build(wanted(clone, tmp_path / "first.tar"), print)
    second, _ = build(wanted(clone, tmp_path), print)
    assert second.name == f"exec-kit-{description.name}.tar"
    assert first.read_bytes() == second.read_bytes()
    assert verify(first).is_whole
    with tarfile.open(first) as tar:
        names = [name.partition("/")[2] for name in tar.getnames()]
        assert {(entry.mtime, entry.uid, entry.gid) for entry in tar} == {
            (description.committed, 0, 0)
        }
    assert names[:2] == ["kit.json", "SHA256SUMS"]
    assert {"install", "kit/install.py", "program.tar.gz", "pulumi.gz", "sbom.cdx.json"} <= {*names}
    assert sorted(tmp_path.iterdir()) == sorted([clone, first, second])


def clone_at(path: Path) -> Path:
    git = ["git", "-C", str(path), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    """A clone with all that a kit needs, and nothing to be fetched."""
    (path / "tests").mkdir(parents=True)
    shutil.copytree(CLONE / "kit", path / "kit", ignore=shutil.ignore_patterns("__pycache__"))
    (path / "kit/requirements.txt").write_text("")
    (path / "requirements.txt").write_text("")
    (path / "docs").mkdir()
    (path / "docs/airgapped.md").write_text("#")
    (path / "pyproject.toml").write_text('[project]\nversion = "0.1.0"\n')
    (path / "tests/test_a.py").write_text("")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "a"]):
        subprocess.run([*git, *words], check=True)
    return path


def test_what_is_not_committed_is_counted_and_not_carried(tmp_path: Path) -> None:
    clone = clone_at(tmp_path / "clone")
    first = commit_of(clone)
    assert first.changed == 0
    (clone / "pyproject.toml").write_text("changed")
    second = commit_of(clone)
    assert (second.changed, second.tar, second.packed()) == (1, first.tar, first.packed())
    second.unpack(tmp_path / "there")
    assert (tmp_path / "there/pyproject.toml").read_text() != "changed"
    assert not (tmp_path / "there/tests").exists()
