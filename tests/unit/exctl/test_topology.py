"""The picture and the list of a stack: complete, nothing over anything else, texts escaped."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from dataclasses import dataclass

import pytest

from exctl.observe import connections, topology, topology_parts, topology_svg
from exctl.observe.endpoints import EndpointRow
from exctl.observe.svg import CHARACTER_PX, PLAIN_CHARACTER_PX, fitted
from exctl.site import Site
from health.verdict import VerdictKind
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


LOOKS = (VerdictKind.HEALTHY, VerdictKind.UNHEALTHY, VerdictKind.UNKNOWN)


def health_of(site: Site) -> topology_svg.Health:
    """One instance after the other healthy, not healthy and unknown."""
    rows = [
        EndpointRow(
            i.key, i.host, i.port, i.tag, i.health_url, i.is_stopped, LOOKS[n % 3], f"<answer {n}>"
        )
        for n, i in enumerate(site.layout.instances)
    ]
    return topology_svg.health_of(rows, "2026-11-26 03:00 UTC")


def drawn(site: Site) -> ET.Element:
    title = f"stack {site.stack}"
    return ET.fromstring(topology_svg.svg(site.layout, site.config, title, health_of(site)))


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
    strokes = (s for n in root.iter(f"{SVG}path") for s in n.attrib["d"][1:].split(" M"))
    for stroke in strokes:
        points = [tuple(map(float, point.split(","))) for point in stroke.split(" L")]
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
    for connection in connections.every(site.config, site.layout):
        assert connection.to_host in shown
        assert str(connection.to_port) in shown
    assert "Operator&apos;s host" in shown.replace("'", "&apos;")


def test_how_an_instance_is_shows_by_colour_by_sign_and_in_words() -> None:
    site = SITES["three pairs"]
    root = drawn(site)
    boxes = [n.attrib["class"] for n in root.iter(f"{SVG}rect") if n.attrib.get("rx") == "5"]
    there = len(site.layout.instances)
    expected = [
        "t-stopped" if i.is_stopped else ("t-healthy", "t-ill", "t-unknown")[n % 3]
        for n, i in enumerate(site.layout.instances)
    ]
    assert boxes[:there] == expected
    signs = [n for n in root.iter(f"{SVG}path") if n.attrib["class"] == "t-sign"]
    assert signs[0][0].text == "excs: healthy, <answer 0>"
    assert signs[1][0].text == "exas: not healthy, <answer 1>"
    legend = [node[0].text for node in signs[there:]]
    assert legend == ["healthy", "not healthy", "unknown", "stopped"]
    shapes = {node.attrib["d"].count("L") for node in signs[there:]}
    assert len(shapes) > 2


def test_without_health_no_instance_is_judged() -> None:
    site = SITES["the lab"]
    shown = topology_svg.svg(site.layout, site.config, "x").partition("</style>")[2]
    assert not [name for name in ("t-healthy", "t-ill", "t-unknown", "t-sign") if name in shown]


def test_without_a_registry_and_with_gates_through_ssh_neither_is_drawn() -> None:
    site = make_site(registry__repository="none", registry__username="", gate__via="ssh")
    shown = ET.tostring(drawn(site), encoding="unicode")
    assert "Image registry" not in shown
    assert "HTTP health" not in shown
    assert "health: through SSH" in shown
    purposes = {c.purpose for c in connections.every(site.config, site.layout)}
    assert "deploy, look" in purposes
    assert not [p for p in purposes if p.startswith(("health", "image"))]


def test_hosts_that_pairs_share_are_one_cluster() -> None:
    found = topology_parts.clusters(SITES["pairs in a chain of hosts"].layout)
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
    for line in topology.text(site.config, site.layout, columns):
        assert len(line) <= columns or LONG in line, line


def test_what_recording_would_add_to_the_firewalls_list_is_said() -> None:
    lines = topology.note(60)
    assert "load balancer -> EXCP" in " ".join(lines)
    assert max(map(len, lines)) <= 60


def test_the_list_says_each_connection_of_each_kind_of_instance_once() -> None:
    site = make_site(3)
    text = topology.text(site.config, site.layout)
    assert sum("EXCS REST API" in line for line in text) == 4
    assert [line for line in text if line and not line.startswith(" ")] == [
        "EXCS", "EXAS", "EXCP pair 1", "EXCP pair 2", "EXCP pair 3", "Every host",
        "Operator's host",
    ]  # fmt: skip
