"""Which images may go from the hosts, and how they are listed."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from exctl.images.keeping import (
    Kept,
    kept,
    last_releases,
    of_older,
    places,
    prunable,
    releases_of,
)
from exctl.images.listing import Listing, rows, table
from exctl.images.on_hosts import HostImage, of_host
from exctl.releases.store import Release
from hosts.docker import container_of, image_of
from oci.reference import ImageReference
from stack.layout import build_layout
from tests.unit.stack_file import StackFile

PLACE = "10.77.0.10:5000/exec"
CONFIG = StackFile().config()
OURS = places(CONFIG)
LAYOUT = build_layout(CONFIG, "dev")


def digest(letter: str) -> str:
    return f"sha256:{letter * 64}"


def image(letter: str, name: str = "excp", tag: str | None = None, **more: Any) -> HostImage:
    tags = (f"{PLACE}/{name}:{tag}",) if tag else ()
    references = (f"{PLACE}/{name}@{digest(letter)}",)
    return HostImage(f"id-{letter}", tags, references, 100, host="h1", **more)


def release(number: int, letter: str) -> Release:
    return Release(number, "", "", "", "", {"excp-1": {"tag": "1", "digest": digest(letter)}})


RELEASES = [release(1, "a"), release(2, "b"), release(3, "c"), release(4, "c")]


def test_what_runs_what_is_about_to_and_what_is_kept_stays() -> None:
    images = [
        image("a"),
        image("b"),
        image("c"),
        image("d", running=("excp-1-1",)),
        image("e", stopped=("somebodys",)),
        image("f", tag="100.0.100.11"),
        image("0", tag="9"),
    ]
    keep = kept([LAYOUT], RELEASES[-2:])
    assert [i.id for i in prunable(images, OURS, keep)] == ["id-a", "id-b", "id-0"]
    assert [i.id for i in of_older(prunable(images, OURS, keep), RELEASES, 1)] == ["id-a", "id-b"]
    assert [i.id for i in of_older(prunable(images, OURS, keep), RELEASES, 2)] == ["id-a"]


def test_stops_and_starts_push_no_release_out() -> None:
    many = [release(1, "a"), *(release(n, "b") for n in range(2, 9))]
    assert last_releases(many, 2) == many
    assert last_releases(many, 1) == many[1:]
    assert last_releases(RELEASES, 2) == RELEASES[1:]
    assert last_releases(RELEASES, 9) == RELEASES
    assert last_releases([], 3) == []


def test_a_pinned_image_stays() -> None:
    pinned = StackFile().put("excp.pairs.1.digest", digest("a")).config()
    keep = kept([build_layout(pinned, "dev")], [])
    assert prunable([image("a")], OURS, keep) == []


def test_an_image_that_also_has_a_name_of_somebody_elses_stays() -> None:
    shared = HostImage("id", (f"{PLACE}/excp:1", "10.77.0.10:5000/other/excp:1"), host="h1")
    assert prunable([shared], OURS, kept([], [])) == []


def test_an_image_without_a_name_stays() -> None:
    assert prunable([HostImage("id", host="h1")], OURS, kept([], [])) == []


references = some.sampled_from(
    [f"{PLACE}/excp:1", f"{PLACE}/excs:2", f"{PLACE}/tool:1", "debian:12", f"{PLACE}x/excp:1"]
)


@given(some.lists(references, unique=True), some.booleans(), some.booleans())
def test_nothing_goes_that_is_used_or_anothers(tags: list[str], runs: bool, is_made: bool) -> None:
    found = HostImage("id", tuple(tags), host="h1", running=("x",) * runs, stopped=("y",) * is_made)
    is_ours = bool(tags) and all(tag.startswith(f"{PLACE}/exc") for tag in tags)
    keep = Kept(frozenset(), frozenset())
    assert prunable([found], OURS, keep) == ([found] if is_ours and not runs | is_made else [])


def test_a_hosts_images_are_told_with_who_uses_them() -> None:
    image: dict[str, Any] = {"Id": "i1", "RepoTags": ["p/excp:1", "<none>:<none>"], "Size": 5,
             "RepoDigests": [f"p/excp@{digest('1')}"], "Architecture": "amd64"}  # fmt: skip
    other: dict[str, Any] = {"Id": "i2", "RepoTags": None, "RepoDigests": [], "Size": 6}
    states = {"excp-1-1": "running", "old": "exited"}
    containers = [
        container_of({"Name": f"/{name}", "Image": "i1", "State": {"Status": state}})
        for name, state in states.items()
    ]
    assert of_host("h1", map(image_of, (image, other)), containers) == [
        HostImage(
            "i1",
            ("p/excp:1",),
            (f"p/excp@{digest('1')}",),
            5,
            architecture="amd64",
            host="h1",
            running=("excp-1-1",),
            stopped=("old",),
        ),
        HostImage("i2", size_bytes=6, host="h1"),
    ]


def test_a_tag_that_leads_elsewhere_in_the_registry_is_told() -> None:
    found = rows(
        {"excp": "excp"},
        {"excp": ImageReference.parse(f"{PLACE}/excp")},
        {"excp": {"1": digest("b"), "2": digest("c")}},
        [image("a", tag="1", running=("excp-1-1",)), image("c", tag="2")],
        releases_of(RELEASES),
    )
    assert table(Listing(found, {"h9": "no answer"})) == [
        "excp  1  sha256:bbbbbbbbbbbb  in the registry; on no host; release 2",
        "excp  1  sha256:aaaaaaaaaaaa  not in the registry; tag 1 is another image there; on 1"
        " host;"
        " runs as excp-1-1; release 1",
        "excp  2  sha256:cccccccccccc  in the registry; on 1 host; release 3, 4",
        "h9 doesn't say: no answer",
    ]
