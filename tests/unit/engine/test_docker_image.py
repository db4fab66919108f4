"""By which digest an image is known; pulls and daemons are in the conformance tests."""

from __future__ import annotations

from engine.docker_api import split_image
from engine.docker_image import repo_digest

PLACE = "10.77.0.10:5000/exec/excp"
FIRST, SECOND, OTHER = f"{PLACE}@sha256:1", f"{PLACE}@sha256:2", "r/other@sha256:3"


def test_an_image_named_by_digest_is_known_by_that_one() -> None:
    image = {"RepoDigests": [FIRST, SECOND]}
    assert repo_digest(image, SECOND) == SECOND
    assert repo_digest(image, f"{PLACE}:1") == FIRST


def test_the_digest_of_its_own_repository_comes_before_anothers() -> None:
    assert repo_digest({"RepoDigests": [OTHER, FIRST]}, f"{PLACE}:1") == FIRST
    assert repo_digest({"RepoDigests": [OTHER]}, f"{PLACE}:1") == OTHER
    assert repo_digest({"RepoDigests": None}, f"{PLACE}:1") == ""


def test_a_digest_is_asked_for_as_docker_wants_it() -> None:
    assert split_image(FIRST) == (PLACE, "sha256:1")
