"""The picture and the list of a stack: complete, nothing over anything else, texts escaped."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from dataclasses import dataclass

import pytest

from exctl.observe import topology, topology_svg
from exctl.observe.svg import CHARACTER_PX, PLAIN_CHARACTER_PX, fitted
from exctl.site import Site
from tests.unit.exctl.sites import make_site

SVG = "{http://www.w3.org/2000/svg}"
LONG = "a-host-with-a-name-that-nobody-would-type.in-a-data-centre-far-away.example.com"
SITES = {
    "the lab": make_site(),
    "three pairs": make_site(3, stopped=["excp-2-2"]),
    "one host for EXCS and EXAS": make_site(2, exas__host="10.77.0.101"),
    "two pairs on the same hosts": make_site(
        2, excp__pairs__2__hosts=["10.77.0.103", "10.77.0.104"], excp__pairs__2__port=3651
    ),
    "pairs in a chain of hosts": make_site(
        2, excp__pairs__2__hosts=["10.77.0.104", "10.77.0.105"], excp__pairs__2__port=3651
    ),
    "a host of a pair for EXAS": make_site(exas__host="10.77.0.103"),
    "long names": make_site(
        excs__host=LONG, redis__host=LONG, excp__pairs__1__hosts=[f"1.{LONG}", f"2.{LONG}"]
    ),
    "SIP Servers for each kind": make_site(
        excp__pairs__1__voice_servers__agent=["sip-3:8001/sip-4:8001"],
        excp__pairs__1__voice_servers__call=["sip-5:8001/sip-6:8001", f"{LONG}:1/{LONG}:2"],
    ),
}


@dataclass(frozen=True)
class Area:
    """A rectangle that something takes, and what it is."""

    left: float
    top: float
    right: float
    bottom: float
    what: str

    def meets(self, other: Area) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def drawn(site: Site) -> ET.Element:
    return ET.fromstring(topology_svg.svg(site.layout, site.config, f"stack {site.stack}"))


def texts(root: ET.Element) -> list[Area]:
    found = []
    for node in root.iter(f"{SVG}text"):
        words = "".join(part for part in [node.text, *(child.tail for child in node)] if part)
        style = node.attrib["class"].split()[-1]
        width = len(words) * CHARACTER_PX.get(style, PLAIN_CHARACTER_PX)
        x, y = float(node.attrib["x"]), float(node.attrib["y"])
        left = x - {"start": 0, "middle": width / 2, "end": width}[node.attrib["text-anchor"]]
        found.append(Area(left, y - 11, left + width, y + 3, words))
    return found


def lines(root: ET.Element) -> list[Area]:
    found = []
    for node in root.iter(f"{SVG}path"):
        points = [
            tuple(map(float, point.split(",")))
            for point in node.attrib["d"].removeprefix("M").split(" L")
        ]
        for (x1, y1), (x2, y2) in itertools.pairwise(points):
            area = (min(x1, x2), min(y1, y2) - 1, max(x1, x2), max(y1, y2) + 1)
            found.append(Area(*area, what=f"arrow {points}"))
    return found


@pytest.mark.parametrize("site", SITES.values(), ids=SITES)
def test_no_text_lies_over_another_or_under_an_arrow_or_outside(site: Site) -> None:
    root = drawn(site)
    words = texts(root)
    met = [(a.what, b.what) for a, b in itertools.combinations(words, 2) if a.meets(b)]
    met += [(a.what, b.what) for a in words for b in lines(root) if a.meets(b)]
    assert not met
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert width <= 1200
    whole = Area(0, 0, width, height, "")
    assert [a.what for a in words if a.right > whole.right or a.bottom > whole.bottom] == []


@pytest.mark.parametrize("site", SITES.values(), ids=SITES)
def test_every_instance_host_and_port_is_in_the_picture(site: Site) -> None:
    shown = ET.tostring(drawn(site), encoding="unicode")
    for instance in site.layout.instances:
        assert f"{instance.key}  :{instance.port}" in shown
        assert instance.host in shown  # whole, if only as the tooltip
    for connection in site.layout.connections:
        assert connection.to_host in shown
        assert str(connection.to_port) in shown


def test_hosts_that_pairs_share_are_one_cluster() -> None:
    found = topology_svg.clusters(SITES["pairs in a chain of hosts"].layout)
    assert [cluster.hosts for cluster in found] == [
        ("10.77.0.101",),
        ("10.77.0.102",),
        ("10.77.0.103", "10.77.0.104", "10.77.0.105"),
    ]
    assert found[2].pairs == ["1", "2"]


def test_texts_are_escaped() -> None:
    site = make_site(excs__config_db__name="a<b>&'c'")
    assert "a&lt;b&gt;&amp;" in topology_svg.svg(site.layout, site.config, "x <y>")
    assert drawn(site) is not None


def test_a_text_too_long_loses_its_middle() -> None:
    assert fitted("exec-1.example.com", 77, 7) == "exec-…e.com"
    assert fitted("short", 77, 7) == "short"


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("site", SITES.values(), ids=SITES)
def test_the_list_fits_a_terminal(site: Site, columns: int) -> None:
    for line in topology.text(site.layout, columns):
        assert len(line) <= columns or LONG in line, line


def test_the_list_says_each_connection_of_each_kind_of_instance_once() -> None:
    text = topology.text(make_site(3).layout)
    assert sum("EXCS REST API" in line for line in text) == 4
    assert [line for line in text if line and not line.startswith(" ")] == [
        "EXCS", "EXAS", "EXCP pair 1", "EXCP pair 2", "EXCP pair 3",
    ]  # fmt: skip
