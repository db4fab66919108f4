"""What an archive is loaded as, and what a load leaves behind; the load itself is in tests/lab."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from exctl.errors import NothingTouched
from exctl.images.load import WORK, work_directory
from exctl.images.target import LoadOptions, targets_of
from oci.archives.content import check_space, content_of
from oci.errors import ArchiveError
from oci.manifest import Start
from tests.unit.kit import kits
from tests.unit.oci.tars import saved, tar_of, write


def archive(directory: Path, name: str) -> Path:
    return write(directory / name, gzip.compress(tar_of({"bin/run": b"#!"})))


def test_the_name_says_what_it_is_and_options_say_it_better(tmp_path: Path) -> None:
    path = archive(tmp_path, "excs-100.0.100.11.tgz")
    (found,) = targets_of([path], LoadOptions())
    assert (found.service, found.tag) == ("excs", "100.0.100.11")
    (other,) = targets_of([path], LoadOptions(service="exas", tag="7"))
    assert (other.service, other.tag) == ("exas", "7")


def test_a_name_that_says_nothing_asks_for_options(tmp_path: Path) -> None:
    with pytest.raises(NothingTouched, match=r"--service excs\|exas\|excp --tag VERSION"):
        targets_of([archive(tmp_path, "image.tgz")], LoadOptions())


def test_the_bootstrap_package_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(NothingTouched, match="bootstrap package, not an image"):
        targets_of([archive(tmp_path, "exop-100.0.100.11.tgz")], LoadOptions())


def test_a_disk_without_room_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"needs 1000000000 MB in .*TMPDIR"):
        check_space(tmp_path, 10**15, "the content of excs-1.tgz")


def test_what_a_killed_run_left_is_removed_and_what_another_uses_is_not(tmp_path: Path) -> None:
    dead, alive = tmp_path / f"{WORK}999999999-a", tmp_path / f"{WORK}{os.getpid()}-b"
    other = tmp_path / "exctl-report-1-c"
    for directory in (dead, alive, other):
        directory.mkdir()
    with work_directory(tmp_path) as made:
        assert made.is_dir()
        assert sorted(tmp_path.iterdir()) == sorted([alive, other, made])
    assert sorted(tmp_path.iterdir()) == sorted([alive, other])


@pytest.mark.parametrize("tag", ["latest", "1 2", "-1", "a/b", "x" * 129])
def test_a_tag_that_is_none_is_refused_before_the_file_is_read(tmp_path: Path, tag: str) -> None:
    with pytest.raises(NothingTouched, match=r"^--tag: .*name a version"):
        targets_of([tmp_path / "away.tgz"], LoadOptions(service="excs", tag=tag))


@pytest.mark.parametrize(
    ("tags", "wanted", "is_taken"),
    [
        (("exas:100.0.100.12",), LoadOptions(), False),
        (("registry.vendor.example:5000/exec/excs:100.0.100.11",), LoadOptions(), False),
        (("registry.vendor.example:5000/exec/excs:100.0.100.12",), LoadOptions(), True),
        (("config-sync:100.0.100.12",), LoadOptions(), True),
        (("excs:latest",), LoadOptions(), True),
        (("exas:100.0.100.12",), LoadOptions(service="excs"), True),
        (("excs:100.0.100.11",), LoadOptions(tag="100.0.100.12"), True),
        ((), LoadOptions(), True),
    ],
)
def test_an_archive_whose_own_words_are_another_services_or_versions_is_refused(
    tmp_path: Path, tags: tuple[str, ...], wanted: LoadOptions, is_taken: bool
) -> None:
    path = write(tmp_path / "excs-100.0.100.12.tar", saved(tar_of({"a": b"1"}), tags=tags))
    if is_taken:
        assert targets_of([path], wanted)[0].tag == "100.0.100.12"
        return
    with pytest.raises(
        NothingTouched,
        match=r"says that it holds.*--service excs --tag"
        r" 100\.0\.100",
    ):
        targets_of([path], wanted)


def test_an_archive_inside_that_is_named_as_another_is_refused(tmp_path: Path) -> None:
    inner = saved(tar_of({"a": b"1"}), tags=())
    path = write(tmp_path / "excs-1.2.tgz", gzip.compress(tar_of({"exas-1.2.tar": inner})))
    with pytest.raises(NothingTouched, match=r"says that it holds exas-1\.2\.tar"):
        targets_of([path], LoadOptions())


def kit_of(directory: Path, *names: str) -> tuple[Path, Path]:
    """A kit with archives of the vendor's in it: unpacked, and packed."""
    images = [(f"images/{name}.tgz", *name.split("-", 1)) for name in names]
    described = kits.with_images(*((file, service, tag) for file, service, tag in images))
    root = gzip.compress(tar_of({"bin/run": b"#!"}), mtime=0)
    kit = kits.unpacked(directory / "kit", described, {file: root for file, _, _ in images})
    return kit, kits.packed(kit, directory / "exec-kit.tar")


def test_a_kit_gives_each_of_its_images_and_a_service_named_only_its_own(tmp_path: Path) -> None:
    for path in kit_of(tmp_path, "excs-1.1", "exas-1.2", "excp-1.3"):
        found = targets_of([path], LoadOptions())
        assert [(each.service, each.tag) for each in found] == [
            ("excs", "1.1"), ("exas", "1.2"), ("excp", "1.3"),
        ]  # fmt: skip
        (one,) = targets_of([path], LoadOptions(service="exas"))
        assert one.tag == "1.2"
        content = content_of(one.archive, Start(("/run",)), tmp_path)
        assert content.starts == ("/run",)
        with pytest.raises(NothingTouched, match=r"no such image; in it: excs:1\.1, exas:1\.2"):
            targets_of([path], LoadOptions(tag="9"))


def test_an_image_is_the_same_in_a_kit_packed_and_unpacked(tmp_path: Path) -> None:
    ids = {
        content_of(one.archive, Start(("/run",)), tmp_path).image_id
        for path in kit_of(tmp_path, "excs-1.1")
        for one in targets_of([path], LoadOptions())
    }
    assert len(ids) == 1


def test_a_kit_without_images_says_how_they_come_into_one(tmp_path: Path) -> None:
    kit, _ = kit_of(tmp_path)
    with pytest.raises(NothingTouched, match="exctl kit build --stack NAME"):
        targets_of([kit], LoadOptions())
