"""How findings are shown: the worst first, what hosts have in common once, JSON as it stays."""

from __future__ import annotations

from health.preflight import report
from health.preflight.finding import EVERYWHERE, Finding

OK = Finding("kernel", "a", "5.10", "4.18 or newer")
BAD = [Finding("image", host, "missing", "there", "stops", "push it") for host in ("a", "b", "c")]
WAIVED = Finding("cpus", "b", "1", "2", "warning", "more", waived="a small site")
UNKNOWN = Finding("clock", "a", "not read", "within 2 s", "not known", "see ssh-sessions")
TAGS = Finding("tags", EVERYWHERE, "two", "one", "warning", "not for long")


def test_the_table_begins_with_what_stops_and_names_common_hosts_once() -> None:
    assert report.table([OK, WAIVED, UNKNOWN, TAGS, *BAD]) == [
        "           HOST          CHECK   FOUND     NEEDED         TO DO",
        "STOPS      a and 2 more  image   missing   there          push it",
        "warning    -             tags    two       one            not for long",
        "not known  a             clock   not read  within 2 s     see ssh-sessions",
        "waived     b             cpus    1         2              a small site",
        "ok         a             kernel  5.10      4.18 or newer",
    ]


def test_the_summary_counts_what_is_well_waived_doubtful_and_stopping() -> None:
    assert report.summary([OK, WAIVED, UNKNOWN, TAGS, *BAD]) == (
        "1 of 7 checks are well, 1 waived, 2 to look at, 3 would stop a deployment"
    )
    assert report.summary([OK]) == "1 of 1 checks are well, 0 would stop a deployment"


def test_json_has_every_host_and_no_host_where_there_is_none() -> None:
    rows = report.as_json([*BAD, TAGS])
    assert [row["host"] for row in rows] == ["a", "b", "c", None]
    assert rows[0] == {
        "check": "image",
        "proves": "the registry has the image, or the host has it already",
        "host": "a",
        "found": "missing",
        "needed": "there",
        "verdict": "stops",
        "stops": True,
        "fix": "push it",
        "waived": "",
    }


def test_what_is_waived_neither_stops_nor_warns() -> None:
    waived = Finding("image", "a", "missing", "there", "stops", "push it", waived="on its way")
    assert not report.stopping([waived])
    assert not report.warning([waived, WAIVED])
