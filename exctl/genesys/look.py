"""`exctl genesys check`: what the stack's OAuth client can see of its organization."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from engage.objects import DnType
from engage.results import Survey
from exctl.errors import NothingTouched
from exctl.genesys import points
from exctl.genesys.points import Asked
from exctl.hosts import Via
from exctl.points import Point, as_block, count_of
from exctl.report.markup import BAD, Cell, Chapter, Document, Notes, Table
from exctl.site import Site
from exctl.stackfile import secrets
from genesys.look import CloudLook, looked
from health.cloud_api import CloudApi
from health.preflight.subject import ServerAddress
from health.preflight.tunnel import Tunnels, http_session, trusting
from stack.ssh import make_control_directory, ssh_target
from stack.text import counted

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Checked:
    """What was found, and what it comes to."""

    stack: str
    look: CloudLook
    asked: Asked
    points: list[Point]

    @property
    def problems(self) -> int:
        return count_of("problem", self.points)


def checked(site: Site, via: Via, survey: Survey | None) -> Checked:
    """Asks Genesys Cloud. `survey`: compare totals and short name with what Engage has.

    Raises NothingTouched if the stack has no OAuth client or no secret of it.
    """
    client = site.config.tenant.oauth_client_id
    if client is None:
        raise NothingTouched(
            f"tenant.oauth_client_id isn't set in {site.file.name}; set it to the id of the OAuth"
            " client in the EX organization."
        )
    secret = secrets.all_of(site).get("oauthClientSecret")
    if secret is None:
        raise NothingTouched(
            "oauthClientSecret isn't set; set it: exctl secret set oauthClientSecret --stack"
            f" {site.stack}."
        )
    region, suffix = site.config.tenant.region, site.config.excs.gc_queue_name_suffix
    with _api(site, via) as api:
        look = looked(api, region, client, secret, suffix)
    asked = Asked(
        site.stack,
        site.config.tenant.org_id,
        site.config.genesys.proxy is not None,
        _made_by_a_sync(survey) if survey is not None else None,
        _short_name(survey) if survey is not None else None,
    )
    return Checked(site.stack, look, asked, points.of(look, asked))


@contextmanager
def _api(site: Site, via: Via) -> Iterator[CloudApi]:
    settings = site.config.genesys
    path = settings.ca_path or site.config.preflight.ca_path
    try:
        certificates = trusting(path)
    except OSError as error:  # ssl's errors are among them
        raise NothingTouched(
            f"genesys.ca_path: {path} isn't a file of certificates: {error.strerror or error}."
        ) from None
    region = site.config.tenant.region
    if via == "direct":
        with http_session(_connected, certificates, TIMEOUT_SECONDS, settings.proxy) as session:
            yield CloudApi(session, region)
        return
    make_control_directory()
    with Tunnels(ssh_target(site.config.ssh, site.config.excs.host).command) as tunnels:
        yield CloudApi(tunnels.session(certificates, settings.proxy), region)


def _connected(to: ServerAddress) -> socket.socket:
    return socket.create_connection((to.host, to.port), TIMEOUT_SECONDS)


def _made_by_a_sync(survey: Survey) -> dict[str, int | None]:
    """The kinds of the totals, as far as Engage knows them."""
    dns = survey.dns
    queues = None
    if dns is not None:
        queues = sum(number for kind, number in dns.items() if kind != DnType.EXTENSION)
    return {"users": survey.persons, "skills": survey.skills, "queues": queues}


def _short_name(survey: Survey) -> str | None:
    keys = survey.transaction.keys if survey.transaction is not None else ()
    return next((key.found for key in keys if key.key == "organization_sname"), None)


def as_json(found: Checked) -> dict[str, Any]:
    """Stable. `totals` and `engage`: number by kind, null where it isn't known."""
    org, rate = found.look.org, found.look.rate
    grants = found.look.grants
    return {
        "stack": found.stack,
        "region": found.look.region,
        "token": found.look.token.kind,
        "organization": {
            "id": org.get("id"),
            "name": org.get("name"),
            "short_name": org.get("thirdPartyOrgName"),
            "state": org.get("state"),
        },
        "client": found.look.client_name or None,
        "grants": None if grants is None else [asdict(grant) for grant in grants],
        "rate": None if rate is None else asdict(rate),
        "totals": found.look.counts,
        "engage": found.asked.engage,
        "points": [asdict(point) for point in found.points],
    }


def document(found: Checked) -> Document:
    look = found.look
    chapters = [Chapter("What to do", [as_block(found.points)])]
    if look.org:
        chapters.append(Chapter("The organization", [Notes(list(_said(look)))]))
        chapters.append(Chapter("Objects", [_objects(look, found.asked.engage)]))
    return Document(
        f"Genesys Cloud for the stack {found.stack}",
        f"Asked in the region {look.region} with the stack's OAuth client. Read only.",
        [Cell(counted(found.problems, "problem"), BAD if found.problems else "")],
        chapters,
    )


def _said(look: CloudLook) -> Iterator[str]:
    org = look.org
    yield f"{org.get('name')}, id {org.get('id')}, short name {org.get('thirdPartyOrgName')}"
    if look.client_name:
        yield f"the OAuth client is called {look.client_name}"
    for grant in look.grants or ():
        yield f"role {grant.role} in the division {grant.division}"
    if look.rate is not None:
        yield f"{look.rate.count} of {look.rate.allowed} requests of this minute are used"


def _objects(look: CloudLook, engage: Mapping[str, int | None] | None) -> Table:
    def text(number: int | None) -> str:
        return "unknown" if number is None else f"{number:,}"

    if engage is None:
        return Table(("TYPE", "IN GENESYS CLOUD"), [(k, text(n)) for k, n in look.counts.items()])
    rows = [(k, text(n), text(engage.get(k))) for k, n in look.counts.items()]
    return Table(("TYPE", "IN GENESYS CLOUD", "TO SYNC IN ENGAGE"), rows)


def next_step(found: Checked) -> str:
    again = f"run again: exctl genesys check --stack {found.stack}"
    if found.problems:
        return f"next: fix {counted(found.problems, 'problem')}, then {again}"
    if not found.look.token.is_done:
        return f"next: nothing is proved yet; {again}"
    return f"next: exctl doctor --stack {found.stack}"
