"""What speaks against sending an image to a host; the sending itself is a story in tests/lab."""

from __future__ import annotations

from pathlib import Path

import pytest

from exctl.images.onto_hosts import Ready, _problems
from exctl.images.target import LoadOptions
from oci.archives.content import Content, content_of
from oci.archives.examine import examined
from oci.manifest import Start
from oci.reference import ImageReference
from tests.unit.oci.tars import saved, tar_of, write

IMAGE = ImageReference.parse("no-registry.invalid/exec/excs:1")
PLENTY = 1 << 40


@pytest.fixture
def content(tmp_path: Path) -> Content:
    path = write(tmp_path / "excs-1.tar", saved(tar_of({"bin/run": b"#!"})))
    return content_of(examined(path), Start(), tmp_path)


def test_a_host_that_has_room_and_none_of_that_name_is_sent_to(content: Content) -> None:
    ready = Ready("linux/amd64", PLENTY, None)
    assert _problems("h", IMAGE, ready, content, LoadOptions()) == []


@pytest.mark.parametrize("known_by", ["image_id", "digest"])
def test_a_host_that_has_it_is_well_whichever_store_its_docker_uses(
    content: Content, known_by: str
) -> None:
    ready = Ready("linux/amd64", 0, getattr(content, known_by))
    assert _problems("h", IMAGE, ready, content, LoadOptions()) == []


def test_another_image_under_its_name_is_replaced_only_on_purpose(content: Content) -> None:
    ready = Ready("linux/amd64", PLENTY, "sha256:other")
    (problem,) = _problems("h", IMAGE, ready, content, LoadOptions())
    assert "another image under no-registry.invalid/exec/excs:1 (sha256:other)" in problem
    assert _problems("h", IMAGE, ready, content, LoadOptions(replace=True)) == []


def test_everything_that_speaks_against_it_is_told(content: Content) -> None:
    found = _problems("h", IMAGE, Ready("linux/arm64", 0, None), content, LoadOptions())
    assert len(found) == 2
    assert "h is linux/arm64, and the image is for linux/amd64" in found[0]
    assert "0 MB free for images" in found[1]
    assert _problems("h", IMAGE, "h can't be reached", content, LoadOptions()) == [
        "h can't be reached"
    ]
