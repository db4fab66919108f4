"""How findings are shown: the worst first, what hosts have in common once, JSON as it stays."""

from __future__ import annotations

from health.preflight import report
from health.preflight.finding import EVERYWHERE, Finding

OK = Finding("kernel", "a", "5.10", "4.18 or newer")
BAD = [Finding("image", host, "missing", "there", "failed", "push it") for host in ("a", "b", "c")]
WAIVED = Finding("cpus", "b", "1", "2", "warning", "more", waived="a small site")
UNKNOWN = Finding("clock", "a", "not read", "within 2 s", "unknown", "see ssh-sessions")
TAGS = Finding("tags", EVERYWHERE, "two", "one", "warning", "not for long")


def test_the_table_begins_with_what_stops_and_names_common_hosts_once() -> None:
    assert report.table([OK, WAIVED, UNKNOWN, TAGS, *BAD]) == [
        "         HOST          CHECK   FOUND     NEEDED         TO DO",
        "FAILED   a and 2 more  image   missing   there          push it",
        "warning  -             tags    two       one            not for long",
        "unknown  a             clock   not read  within 2 s     see ssh-sessions",
        "waived   b             cpus    1         2              a small site",
        "passed   a             kernel  5.10      4.18 or newer",
    ]


def test_the_summary_counts_failures_warnings_and_waivers() -> None:
    assert (
        report.summary([OK, WAIVED, UNKNOWN, TAGS, *BAD])
        == "3 FAILED, 2 warnings, 1 waived (7 checks)"
    )
    assert report.summary([OK]) == "passed (1 check)"


def test_json_has_every_host_and_no_host_where_there_is_none() -> None:
    rows = report.as_json([*BAD, TAGS])
    assert [row["host"] for row in rows] == ["a", "b", "c", None]
    assert rows[0] == {
        "check": "image",
        "proves": "the registry has the image, or the host has it already",
        "host": "a",
        "found": "missing",
        "needed": "there",
        "verdict": "failed",
        "stops": True,
        "fix": "push it",
        "waived": "",
    }


def test_what_is_waived_neither_stops_nor_warns() -> None:
    waived = Finding("image", "a", "missing", "there", "failed", "push it", waived="on its way")
    assert not report.stopping([waived])
    assert not report.warning([waived, WAIVED])
