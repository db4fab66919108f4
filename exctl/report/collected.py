"""What a report is made from, as hosts, state and records say it now. Read only, without the lock,
without a secret."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from exctl.cli.version import described
from exctl.errors import ExctlError
from exctl.history import run as run_records
from exctl.history import store as history
from exctl.history.run import Run
from exctl.observe import doctor, drift, endpoints, health_past, topology
from exctl.observe.drift import Drift
from exctl.observe.endpoints import EndpointRow
from exctl.observe.health_past import Past, PastUnreadError
from exctl.observe.outages import outages
from exctl.pulumi.workspace import passphrase
from exctl.releases import store, views
from exctl.releases.store import Release
from exctl.site import Site
from exctl.stackfile import cautions
from health.preflight.finding import Finding
from health.preflight.report import as_json as findings_as_json
from stack import secrecy

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
        "warnings": warnings(site, state),
        "topology": topology.rows(site.config, site.layout),
        "instances": endpoints.as_json(state.rows),
        "drift": known(state.drifts, lambda found: [asdict(each) for each in found]),
        "preflight": known(state.findings, findings_as_json),
        "releases": known(state.releases, lambda found: [views.as_json(each) for each in found]),
        "runs": known(state.runs, lambda found: [run_records.as_json(each) for each in found]),
        "settings": [asdict(setting) for setting in secrecy.changed(site.config)],
    }


def warnings(site: Site, state: Collected) -> list[str]:
    """All of them, outages first."""
    known = state.known_releases
    said = cautions.cautions(site.config, known[-1].stack_file if known else None)
    return [*outages(state.rows), *said]
