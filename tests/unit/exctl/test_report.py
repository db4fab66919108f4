"""The report of a stack, and the warnings in it: complete, escaped, without a secret."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser

from exctl.history.run import Run
from exctl.observe.drift import Drift
from exctl.observe.endpoints import EndpointRow
from exctl.observe.outages import outages
from exctl.releases.store import Release
from exctl.report.collected import Collected, NotFoundOut, as_json
from exctl.report.markup import Cell, Chapter, Document, Notes, Paragraph, Table, html, markdown
from exctl.report.page import document
from exctl.site import Site
from exctl.stackfile.cautions import cautions
from health.preflight.finding import Finding
from health.verdict import VerdictKind
from stack.paths import Setting, changed
from tests.unit.exctl.sites import make_site
from tests.unit.stack_file import CLONE

STACK_FILE = (CLONE / "Pulumi.dev.yaml").read_text()
RELEASE = Release(
    number=3,
    at="2026-11-24T05:00:00Z",
    by="ops@bootstrap",
    message="new pair <1>",
    program="e994efc",
    images={"excs": {"tag": "100.0.100.11", "digest": "sha256:0123456789abcdef0123"}},
    stack_file=STACK_FILE,
)


def rows(site: Site, ill: str = "") -> list[EndpointRow]:
    return [
        EndpointRow(
            instance=i.key,
            host=i.host,
            port=i.port,
            tag=i.tag,
            health_url=i.health_url,
            is_stopped=i.is_stopped,
            pair=i.pair,
            verdict=VerdictKind.DOWN if i.key == ill else VerdictKind.HEALTHY,
            answer="connection refused" if i.key == ill else "HTTP 200",
            sync="sync complete (HWM 9 of 9)" if i.key == "excs" else "",
        )
        for i in site.layout.instances
    ]


def state(site: Site, ill: str = "", **others: object) -> Collected:
    found = {
        "at": "2026-11-25 04:00 UTC",
        "by": "exctl 0.1.0",
        "rows": rows(site, ill),
        "drifts": [],
        "findings": [Finding("ssh-login", "10.77.0.101", "logged in", "login")],
        "releases": [RELEASE],
    }
    return Collected(**(found | others))  # type: ignore[arg-type]


RUN = Run(
    4,
    {"run": "x", "at": "2026-11-25T03:00:00Z", "command": "exctl up", "why": "new <pair>"},
    {"result": "rolled back", "seconds": 82.2, "error": "release 3 runs again\nmore"},
)


def test_the_last_runs_are_in_it_failed_ones_too() -> None:
    site = make_site()
    found = state(site, runs=[RUN])
    (line,) = [line for line in markdown(document(site, found)).splitlines() if "82 s" in line]
    for words in ("| 4 ", "2026-11-25 03:00:00", "rolled back", r"new \<pair\>", "release 3 runs"):
        assert words in line
    assert as_json(site, found)["runs"][0]["result"] == "rolled back"


def test_a_well_stack_says_so_in_short() -> None:
    site = make_site()
    text = markdown(document(site, state(site)))
    for fact in (
        "4 of 4 instances healthy",
        "sync complete (HWM 9 of 9)",
        "no drift",
        "preflight passed",
        "release 3",
        "no warning",
    ):
        assert f"\n- {fact}\n" in text


def test_every_part_says_what_is_not_well() -> None:
    site = make_site()
    drifts = [Drift("host changed", "exas", "10.77.0.102", "its container is gone")]
    findings = [Finding("disk", "10.77.0.103", "1 MiB", "at least 4096", "failed", "more")]
    text = markdown(document(site, state(site, "excp-1-2", drifts=drifts, findings=findings)))
    for words in (
        "3 of 4 instances healthy",
        "1 drift",
        "preflight: 1 FAILED",
        "NOT HEALTHY",
        "its container is gone",
        "at least 4096",
        "sha256:0123456789ab ",
        "not deployed yet",
    ):
        assert words in text, words


def test_what_could_not_be_found_out_is_said_and_no_error() -> None:
    site = make_site()
    why = NotFoundOut("no passphrase")
    text = markdown(document(site, state(site, drifts=why, findings=why, releases=why)))
    assert text.count("Unknown: no passphrase") == 3
    assert "drift unknown" in text


def ill(site: Site, **verdicts: VerdictKind) -> list[EndpointRow]:
    wanted = {name.replace("_", "-"): kind for name, kind in verdicts.items()}
    return [
        replace(row, verdict=wanted[row.instance], answer="HTTP 503")
        if row.instance in wanted
        else row
        for row in rows(site)
    ]


def test_warnings_begin_with_outages_the_worst_first() -> None:
    site = make_site(2, redis__secure=False)
    down = VerdictKind.UNHEALTHY
    found = ill(site, excs=VerdictKind.UNKNOWN, excp_1_2=down, excp_2_1=down, excp_2_2=down)
    warnings = as_json(site, state(site, rows=found))["warnings"]
    assert [warning.partition(":")[0] for warning in warnings[:3]] == [
        "outage",
        "may be down",
        "no redundancy",
    ]
    assert warnings[0] == (
        "outage: pair 2 is down, calls are missed (excp-2-1: HTTP 503, excp-2-2: HTTP 503)"
    )
    assert warnings[2] == "no redundancy: excp-1-1 serves pair 1 alone (excp-1-2: HTTP 503)"
    assert "redis.secure is false" in warnings[3]
    page = html(document(site, state(site, rows=found)))
    assert page.index('<li class="bad">outage: pair 2') < page.index('<li class="caution">redis')


def test_what_is_stopped_on_purpose_is_no_outage() -> None:
    site = make_site(1, stopped=["excp-1"])
    down = VerdictKind.DOWN
    assert outages(ill(site, excp_1_1=down, excp_1_2=down)) == []
    site = make_site(1, stopped=["excp-1-2"])
    assert outages(ill(site, excp_1_1=down, excp_1_2=down)) == [
        "outage: pair 1 is down, calls are missed (excp-1-1: HTTP 503)"
    ]


def test_the_firewalls_list_names_every_connection_and_ours() -> None:
    site = make_site()
    text = markdown(document(site, state(site)))
    for c in site.layout.connections:
        (line,) = [
            line
            for line in text.splitlines()
            if line.startswith(f"| {c.to_host} ")
            and f"| {c.to_port} " in line
            and c.purpose in line
        ]
        assert c.from_host in line
    assert text.count("| SSH ") == 4
    assert text.count("image registry") == 1
    assert text.count("health of ") == 4


def test_the_page_is_whole_and_escaped() -> None:
    site = make_site()
    page = html(document(site, state(site)))
    assert "new pair &lt;1&gt;" in page
    assert "<svg" in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in page
    open_tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in ("meta", "rect", "path", "polygon"):
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if tag not in ("rect", "path", "polygon"):
                assert open_tags.pop() == tag

    Reader().feed(page)
    assert open_tags == []


def test_no_ciphertext_is_in_a_report() -> None:
    site = make_site()
    found = document(site, state(site))
    assert "v1:" in STACK_FILE
    assert "v1:" not in markdown(found) + html(found)


def test_markdown_shows_texts_as_they_stand() -> None:
    table = Table(("a",), [["x | y"], [Cell("*b*\nc")], ["customer_folders"]])
    text = markdown(
        Document("t", "l", [], [Chapter("s", [table, Notes(["<i>"]), Paragraph("# no")])])
    )
    for words in (r"x \| y", r"\*b\* c", "customer_folders", r"- \<i\>", r"\# no"):
        assert words in text


def test_settings_off_the_defaults_are_found_with_the_default() -> None:
    found = list(changed(make_site().config))
    assert Setting("gate.interval_seconds", 0.5, 1.0) in found
    assert Setting("excs.sync.customer_folders", ["Retail", "Claims"], []) in found
    assert not [s for s in found if s.path.startswith("excp.pairs.1.port")]
    assert [s.path for s in changed(make_site(excp__pairs__1__port=3651).config)].count(
        "excp.pairs.1.port"
    ) == 1


def test_what_costs_money_data_or_sleep_is_warned_of() -> None:
    assert cautions(make_site().config) == []
    config = make_site(
        2,
        excs__sync={},
        excs__gc_queue_name_suffix="-mine",
        exas__log__level="trace",
        redis__secure=False,
        excp__pairs__2__tag="100.0.100.12",
        stopped=["excp-2"],
        preflight__waive={"disk-size": "a lab"},
        registry__infra_repository="registry.example.com/infra",
        logging__shipping={"url": "http://loki.example.com:3100/loki/api/v1/push"},
        excs__log__path=None,
    ).config
    said = "\n".join(cautions(config))
    for words in (
        "billed for that month",
        "gc_queue_name_suffix is '-mine'",
        "exas.log.level is trace",
        "redis.secure is false",
        "100.0.100.11, 100.0.100.12",
        "stopped on purpose: excp-2",
        "the check 'disk-size' is waived: a lab",
        "excs.log.path is not set: it logs to stdout, which logging.shipping leaves",
    ):
        assert words in said


def test_a_change_since_the_last_release_that_weighs_is_warned_of() -> None:
    assert cautions(make_site().config, STACK_FILE) == []
    config = make_site(
        excs__sync__customer_folders=["Retail"], tenant__id="2", excs__gc_queue_name_suffix="-x"
    ).config
    said = "\n".join(cautions(config, STACK_FILE))
    assert "customer_folders is Retail, and was Retail, Claims in the last release" in said
    assert "tenant.id is 2, and was 1" in said
    assert "gc_queue_name_suffix is -x, and was -Engage-external" in said


def test_as_data_each_part_is_there_and_what_is_not_known_says_why() -> None:
    site = make_site()
    unknown = state(site, "excp-1-2", drifts=NotFoundOut("no passphrase"))
    found = json.loads(json.dumps(as_json(site, unknown)))
    assert found["drift"] == {"unknown": "no passphrase"}
    assert [row["instance"] for row in found["instances"] if not row["is_healthy"]] == ["excp-1-2"]
    assert found["releases"][0]["number"] == 3
    assert "stack_file" not in found["releases"][0]
    assert found["preflight"][0]["check"] == "ssh-login"
    assert {row["path"] for row in found["settings"]} == {s.path for s in changed(site.config)}
    assert "v1:" not in json.dumps(found)


def test_what_could_not_be_checked_is_not_called_well() -> None:
    site = make_site()
    login = [
        Finding("redis-login", host, "not tried", "a login", "unknown", "set it")
        for host in ("10.77.0.101", "10.77.0.102")
    ]
    text = markdown(document(site, state(site, findings=login)))
    assert "\n- preflight passed, 2 warnings\n" in text
    assert "| 10.77.0.101, 10.77.0.102 | redis-login | unknown |" in text
