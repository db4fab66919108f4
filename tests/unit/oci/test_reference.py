"""References are read as Docker reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from oci.reference import ImageReference, host_and_port, parsed

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("text", "registry", "path", "tag"),
    [
        ("10.77.0.10:5000/exec/excs:1.2", "10.77.0.10:5000", "exec/excs", "1.2"),
        ("registry.example.com/exec/excs", "registry.example.com", "exec/excs", None),
        ("localhost/excs:1", "localhost", "excs", "1"),
        ("[2001:db8::1]:5000/exec/excs:1", "[2001:db8::1]:5000", "exec/excs", "1"),
        ("Registry.Example.com/exec/excs:1", "registry.example.com", "exec/excs", "1"),
        ("debian:12", "docker.io", "library/debian", "12"),
        ("registry/exec/excs:1", "docker.io", "registry/exec/excs", "1"),
        ("acme/excs:1", "docker.io", "acme/excs", "1"),
        ("index.docker.io/acme/excs:1", "docker.io", "acme/excs", "1"),
    ],
)
def test_the_first_word_is_a_registry_only_with_a_dot_or_a_port(
    text: str, registry: str, path: str, tag: str | None
) -> None:
    found = ImageReference.parse(text)
    assert (found.registry, found.path, found.tag, found.digest) == (registry, path, tag, None)
    assert ImageReference.parse(str(found)) == found


def test_two_spellings_of_one_image_are_equal() -> None:
    assert parsed("acme/excs:1") == parsed("docker.io/acme/excs:1")
    assert parsed("debian:12") == parsed("docker.io/library/debian:12")
    assert parsed("acme/excs:1") != parsed("registry.example.com/acme/excs:1")


def test_docker_hubs_api_has_another_name() -> None:
    assert ImageReference.parse("acme/excs").api_host == "registry-1.docker.io"
    assert ImageReference.parse("r.example.com:5000/excs").api_host == "r.example.com:5000"


def test_a_tag_and_a_digest_take_each_others_place() -> None:
    image = ImageReference.parse("r.example.com/exec/excs:1")
    assert str(image.with_digest(DIGEST)) == f"r.example.com/exec/excs@{DIGEST}"
    assert str(image.with_digest(DIGEST).with_tag("2")) == "r.example.com/exec/excs:2"
    assert (image.place, image.name) == ("r.example.com/exec/excs", "excs")
    both = ImageReference.parse(f"r.example.com/exec/excs:1@{DIGEST}")
    assert (both.tag, both.digest) == ("1", DIGEST)


@pytest.mark.parametrize(
    "text",
    ["", "<none>:<none>", "UPPER/x", "https://r/x", "r.example.com/", "excs:", "excs:-1",
     "excs@sha256:abc", "excs:1 2", "a//b", f"r.example.com/x@{DIGEST}0", DIGEST + ":x y"],
)  # fmt: skip
def test_what_is_no_reference_is_none(text: str) -> None:
    assert parsed(text) is None


@given(some.text(max_size=40))
def test_whatever_stands_there_is_read_or_refused(text: str) -> None:
    found = parsed(text)
    assert found is None or ImageReference.parse(str(found)) == found


def test_a_registrys_port_is_443_unless_it_names_one() -> None:
    assert host_and_port("r.example.com") == ("r.example.com", 443)
    assert host_and_port("r.example.com:5000") == ("r.example.com", 5000)
    assert host_and_port("[2001:db8::1]:5000") == ("2001:db8::1", 5000)
    assert host_and_port("[2001:db8::1]") == ("2001:db8::1", 443)
