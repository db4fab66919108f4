"""A stack on one page, for a change board or a hand-over: what runs where, how it is now, what it
connects to, and how it came to be so. Read only, without the lock, without a secret."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, TypeVar

from exctl.cli.version import described
from exctl.errors import ExctlError
from exctl.history import run as run_records
from exctl.history import store as history
from exctl.history.run import Run
from exctl.history.views import row as run_row
from exctl.observe import (
    connections,
    doctor,
    drift,
    endpoints,
    health_past,
    topology,
    topology_svg,
)
from exctl.observe.drift import Drift
from exctl.observe.endpoints import EndpointRow
from exctl.observe.health_past import Past, PastUnreadError
from exctl.observe.outages import outages
from exctl.pulumi.workspace import passphrase
from exctl.releases import store, views
from exctl.releases.store import Release
from exctl.report import charts
from exctl.report.markup import (
    BAD,
    CAUTION,
    GOOD,
    Cell,
    Chapter,
    Document,
    Notes,
    Paragraph,
    Picture,
    Table,
)
from exctl.site import Site
from exctl.stackfile import cautions
from health.gates.sync import SyncKind
from health.preflight.finding import EVERYWHERE, Finding
from health.preflight.report import as_json as findings_as_json
from health.preflight.report import rows as findings_in_rows
from stack import paths, secrecy
from stack.text import counted

RELEASES = RUNS = 10
CHARTS = 3
Found = TypeVar("Found")


@dataclass(frozen=True)
class NotFoundOut:
    """Why something couldn't be found out."""

    unknown: str


@dataclass(frozen=True)
class Collected:
    """What was found out for a report."""

    at: str
    by: str
    rows: Sequence[EndpointRow]
    drifts: Sequence[Drift] | NotFoundOut
    findings: Sequence[Finding] | NotFoundOut
    releases: Sequence[Release] | NotFoundOut
    runs: Sequence[Run] | NotFoundOut = ()
    past: Past | NotFoundOut | None = None
    """None where the stack file knows of no Prometheus."""

    @property
    def known_releases(self) -> Sequence[Release]:
        """None where they aren't known."""
        return () if isinstance(self.releases, NotFoundOut) else self.releases


def collect(site: Site) -> Collected:
    """Asks instances, hosts and state, all at once; what can't be told is NotFoundOut, no error."""
    _or_unknown(lambda: passphrase(site))  # if it has to be typed: before the threads
    with ThreadPoolExecutor(3) as pool:
        drifts = pool.submit(_or_unknown, lambda: drift.look(site))
        findings = pool.submit(_or_unknown, lambda: doctor.findings(site))
        past = pool.submit(_past, site)
        rows = endpoints.ask_all(site)
    return Collected(
        at=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        by=described(),
        rows=rows,
        drifts=drifts.result(),
        findings=findings.result(),
        releases=_or_unknown(lambda: store.all_of(site)),
        runs=_or_unknown(lambda: history.read(site).runs),
        past=past.result(),
    )


def _past(site: Site) -> Past | NotFoundOut | None:
    url = health_past.prometheus_of(site)
    try:
        return health_past.ask(url, site.stack) if url is not None else None
    except PastUnreadError as error:
        return NotFoundOut(str(error))


def _or_unknown(ask: Callable[[], Found]) -> Found | NotFoundOut:
    try:
        return ask()
    except ExctlError as error:
        return NotFoundOut(str(error))


def as_json(site: Site, state: Collected) -> dict[str, Any]:
    """The report as data, each part as its own command's --json gives it; pure.

    What couldn't be found out is `{"unknown": reason}` in place of a list.
    """
    tenant = site.config.tenant

    def known(found: Sequence[Found] | NotFoundOut, of: Callable[[Sequence[Found]], Any]) -> Any:
        return asdict(found) if isinstance(found, NotFoundOut) else of(found)

    return {
        "stack": site.stack,
        "tenant": {"id": tenant.id, "org_id": tenant.org_id, "region": tenant.region},
        "at": state.at,
        "by": state.by,
        "warnings": _warnings(site, state),
        "topology": topology.rows(site.config, site.layout),
        "instances": endpoints.as_json(state.rows),
        "drift": known(state.drifts, lambda found: [asdict(each) for each in found]),
        "preflight": known(state.findings, findings_as_json),
        "releases": known(state.releases, lambda found: [views.as_json(each) for each in found]),
        "runs": known(state.runs, lambda found: [run_records.as_json(each) for each in found]),
        "settings": [asdict(setting) for setting in secrecy.changed(site.config)],
    }


def _warnings(site: Site, state: Collected) -> list[str]:
    """All of them, outages first."""
    known = state.known_releases
    said = cautions.cautions(site.config, known[-1].stack_file if known else None)
    return [*outages(state.rows), *said]


def document(site: Site, state: Collected) -> Document:
    """The page; pure."""
    tenant = site.config.tenant
    known = state.known_releases
    urgent = outages(state.rows)
    warned = [Cell(w, BAD if w in urgent else CAUTION) for w in _warnings(site, state)]
    return Document(
        title=f"EX Engage Connector, stack {site.stack}",
        lead=f"Tenant {tenant.id}, EX organization {tenant.org_id} in {tenant.region}. As of"
        f" {state.at}, by {state.by}.",
        facts=[*_facts(state, known), _count(len(warned), "warning", CAUTION)],
        sections=[
            Chapter(
                "Warnings",
                [Notes(warned)] if warned else [Paragraph("None.")],
            ),
            Chapter(
                "Topology",
                [Picture(_picture(site, state))],
            ),
            Chapter("What runs where", [_instances(state.rows, known), *_past_days(state.past)]),
            Chapter("Drift", [_drift(state.drifts)]),
            Chapter("Preflight", list(_preflight(state.findings))),
            Chapter("Connections, for the firewall", [_connections(site)]),
            Chapter("Releases", [_releases(state.releases)]),
            Chapter("Runs", [_runs(state.runs), *_charts(state.runs)]),
            Chapter("Settings that differ from the defaults", [_settings(site)]),
            Chapter("Taken from no vendor text", [Paragraph(topology.inferred())]),
        ],
    )


def _picture(site: Site, state: Collected) -> str:
    health = topology_svg.health_of(state.rows, state.at)
    return topology_svg.svg(site.layout, site.config, f"Stack {site.stack}", health)


def _facts(state: Collected, known: Sequence[Release]) -> list[Cell]:
    meant = [row for row in state.rows if not row.is_stopped]
    ill = endpoints.unhealthy(state.rows)
    found = [
        Cell(f"{len(meant) - len(ill)} of {len(meant)} instances healthy", BAD if ill else GOOD)
    ]
    found += [
        Cell(row.sync, GOOD if row.sync_kind is SyncKind.COMPLETE else CAUTION)
        for row in state.rows
        if row.sync
    ]
    if isinstance(state.drifts, NotFoundOut):
        found.append(Cell("drift unknown", CAUTION))
    else:
        found.append(_count(len(state.drifts), "drift", BAD, "no drift"))
    if isinstance(state.findings, NotFoundOut):
        found.append(Cell("preflight unknown", CAUTION))
    else:
        found.append(_judged(state.findings))
    found.append(Cell(f"release {known[-1].number}" if known else "no release yet"))
    return found


def _judged(findings: Sequence[Finding]) -> Cell:
    if stopping := sum(finding.stops for finding in findings):
        return Cell(f"preflight: {stopping} FAILED", BAD)
    if warned := sum(finding.warns for finding in findings):
        return Cell(f"preflight passed, {counted(warned, 'warning')}", CAUTION)
    return Cell("preflight passed", GOOD)


def _count(number: int, what: str, tone: str, none: str = "") -> Cell:
    if number == 0:
        return Cell(none or f"no {what}", GOOD)
    noun, *rest = what.split(" ", 1)
    return Cell(" ".join([counted(number, noun), *rest]), tone)


def _instances(rows: Sequence[EndpointRow], known: Sequence[Release]) -> Table:
    images: Mapping[str, Mapping[str, str]] = known[-1].images if known else {}

    def digest(row: EndpointRow) -> str:
        image = images.get(row.instance) or images.get(row.instance.rpartition("-")[0]) or {}
        return image.get("digest", "") if image.get("tag") == row.tag else "not deployed yet"

    return Table(
        ("Instance", "Host", "Port", "Version", "Digest", "State", "Answer"),
        [
            (
                row.instance,
                row.host,
                str(row.port),
                row.tag,
                _short(digest(row)),
                Cell(row.state, "" if row.is_stopped else GOOD if row.is_healthy else BAD),
                "; ".join(filter(None, [row.answer, row.detail])),
            )
            for row in rows
        ],
    )


def _short(digest: str) -> str:
    """The first characters of a digest: enough to compare, and Docker's own length."""
    name, colon, value = digest.partition(":")
    return f"{name}:{value[:12]}" if colon else digest


def _drift(drifts: Sequence[Drift] | NotFoundOut) -> Notes | Paragraph | Table:
    if isinstance(drifts, NotFoundOut):
        return Paragraph(f"Unknown: {drifts.unknown}")
    if not drifts:
        return Paragraph(
            "None: the hosts are as the last run left them, and as the stack file says."
        )
    rows = [(d.instance, d.host, Cell(d.kind, CAUTION), d.what) for d in drifts]
    return Table(("Instance", "Host", "Kind", "What"), rows)


def _preflight(findings: Sequence[Finding] | NotFoundOut) -> Sequence[Paragraph | Table]:
    if isinstance(findings, NotFoundOut):
        return [Paragraph(f"Unknown: {findings.unknown}")]
    bad = [finding for finding in findings if not finding.is_ok]
    hosts = len({finding.host for finding in findings} - {EVERYWHERE})
    well = len(findings) - len(bad)
    summary = Paragraph(f"{well} of {len(findings)} checks on {counted(hosts, 'host')} passed.")
    if not bad:
        return [summary]
    rows = [
        (at, check, Cell(verdict, BAD if verdict == "FAILED" else CAUTION), found, needed, to_do)
        for verdict, at, check, found, needed, to_do in findings_in_rows(bad, ", ".join)
    ]
    return [summary, Table(("Host", "Check", "", "Found", "Needed", "To do"), rows)]


def _connections(site: Site) -> Table:
    """Each address that has to be reached, with the hosts that need it; our own ways included."""
    found: dict[tuple[str, ...], dict[str, None]] = {}
    for c in connections.every(site.config, site.layout):
        to = (c.to_host, str(c.to_port), c.protocol, c.purpose)
        found.setdefault(to, {})[c.from_host] = None
    rows = [(*to, ", ".join(sources)) for to, sources in found.items()]
    return Table(("To", "Port", "Protocol", "Purpose", "From"), rows)


def _releases(known: Sequence[Release] | NotFoundOut) -> Table | Paragraph:
    if isinstance(known, NotFoundOut):
        return Paragraph(f"Unknown: {known.unknown}")
    if not known:
        return Paragraph("None yet: the first successful exctl up makes one.")
    return Table(
        ("Release", "When", "Who", "Why", "Versions", "Program"),
        [
            (str(r.number), r.at, r.by, r.message, r.tags, r.program)
            for r in reversed(known[-RELEASES:])
        ],
    )


def _runs(known: Sequence[Run] | NotFoundOut) -> Table | Paragraph:
    if isinstance(known, NotFoundOut):
        return Paragraph(f"Unknown: {known.unknown}")
    if not known:
        return Paragraph("None was recorded yet.")
    return Table(
        ("Run", "Began (UTC)", "Took", "How it ended", "Who", "Command", "Why", "What was said"),
        [
            (*cells[:3], Cell(cells[3], BAD if run.has_failed else ""), *cells[4:], run.why, said)
            for run in run_records.last(known, RUNS)
            for cells, said in [(run_row(run), run.error.partition("\n")[0])]
        ],
    )


def _past_days(past: Past | NotFoundOut | None) -> Iterator[Picture | Paragraph]:
    if isinstance(past, NotFoundOut):
        yield Paragraph(f"How they were in the last day is unknown: {past.unknown}.")
    elif past is not None and (svg := charts.health(past)):
        yield Picture(svg)


def _charts(known: Sequence[Run] | NotFoundOut) -> Iterator[Picture]:
    """The last runs that touched something, the newest first, and how the last sync went on."""
    runs = [] if isinstance(known, NotFoundOut) else run_records.last(known, len(known))
    drawn = (charts.rollout(run) for run in runs)
    yield from (Picture(svg) for svg in islice(filter(None, drawn), CHARTS))
    yield from (Picture(svg) for svg in islice(filter(None, map(charts.sync, runs)), 1))


def _settings(site: Site) -> Table | Paragraph:
    found = list(secrecy.changed(site.config))
    if not found:
        return Paragraph("None.")
    rows = [(s.path, paths.as_words(s.value), paths.as_words(s.default)) for s in found]
    return Table(("Setting", "Here", "Default"), rows)
