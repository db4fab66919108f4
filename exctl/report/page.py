"""A stack on one page, for a change board or a hand-over: what runs where, how it is now, what it
connects to, and how it came to be so. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from exctl.history import run as run_records
from exctl.history.run import Run
from exctl.history.views import row as run_row
from exctl.observe import (
    connections,
    endpoints,
    topology,
    topology_svg,
)
from exctl.observe.drift import Drift
from exctl.observe.endpoints import EndpointRow
from exctl.observe.health_past import Past
from exctl.observe.outages import outages
from exctl.releases.store import Release
from exctl.report import charts
from exctl.report.collected import Collected, NotFoundOut, warnings
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
from health.gates.sync import SyncKind
from health.preflight.finding import EVERYWHERE, Finding
from health.preflight.report import rows as findings_in_rows
from stack import paths, secrecy
from stack.text import counted

RELEASES = RUNS = 10
CHARTS = 3


def document(site: Site, state: Collected) -> Document:
    """The page; pure."""
    tenant = site.config.tenant
    known = state.known_releases
    urgent = outages(state.rows)
    warned = [Cell(w, BAD if w in urgent else CAUTION) for w in warnings(site, state)]
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
