"""What the replies of Genesys Cloud amount to for an operator. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engage.estimate import REQUESTS_PER_MINUTE
from exctl.points import Level, Point, in_order
from genesys.look import ROLE, CloudLook
from genesys.regions import REGIONS
from health.cloud_api import Reply

HEADROOM = 0.2
"""Chosen: with less of a minute's requests left, a sync under way is slowed by whoever asks."""


@dataclass(frozen=True)
class Asked:
    """What the stack file says. `engage`: objects of each kind that a sync makes, where the Config
    DB was asked too; `short_name`: the transaction's."""

    stack: str
    org_id: str
    has_proxy: bool
    engage: Mapping[str, int | None] | None = None
    short_name: str | None = None


def of(look: CloudLook, asked: Asked) -> list[Point]:
    """Every point, problems first."""
    points = [*_region(look), *_services(asked)]
    if not look.token.is_done:
        points.append(_not_done(look.token, "a token", f"login.{look.region}", asked))
        return in_order(points)
    points += [
        *_organization(look, asked),
        *_role(look),
        *_rate(look),
        *_totals(look, asked),
    ]
    return in_order(points)


def _region(look: CloudLook) -> Iterator[Point]:
    if look.region not in REGIONS:
        yield Point(
            "warning",
            "region-unknown",
            f"{look.region} isn't among the {len(REGIONS)} regions that exctl knows; there may be"
            " newer ones",
            "compare tenant.region with the address of your Genesys Cloud",
        )


def _services(asked: Asked) -> Iterator[Point]:
    if asked.has_proxy:
        yield Point(
            "unknown",
            "services-proxy",
            "whether EXCS, EXAS and EXCP can use a proxy isn't documented; genesys.proxy is for"
            " exctl only",
            "ask Genesys; if they support HTTPS_PROXY, set it in environment of each service",
        )


def _not_done(reply: Reply, what: str, host: str, asked: Asked) -> Point:
    """The sentence for each way in which a question can fail."""
    at = f"HTTP {reply.code}"
    later = "ask again in a minute"
    if reply.retry_after_seconds is not None:
        later = f"ask again in {reply.retry_after_seconds} s"
    secret = f"exctl secret set oauthClientSecret --stack {asked.stack}"
    proxy = (
        "correct genesys.proxy"
        if asked.has_proxy
        else "set genesys.proxy, if the way out is through a proxy"
    )
    said: Mapping[str, tuple[Level, str, str]] = {
        "refused": (
            "problem",
            f"{host} refuses the OAuth client or its secret ({at})",
            f"correct tenant.oauth_client_id, or: {secret}; the client's type has to be Client"
            " Credentials",
        ),
        "forbidden": (
            "problem",
            f"{host} takes the OAuth client, but doesn't allow it {what} ({at})",
            f"give the client the role {ROLE}; a change of roles takes some minutes",
        ),
        "too many": ("unknown", f"{host} has received too many requests from this client"
                                f" ({at})", later),
        "server error": (
            "unknown", f"{host} has an error of its own ({at})", "see status.mypurecloud.com",
        ),
        "portal": (
            "problem",
            f"a web page answers in place of {host} ({at}"
            + (f", to {reply.words})" if reply.words else ")"),
            f"a captive portal or gateway is in between: {proxy}",
        ),
        "not trusted": (
            "problem",
            f"the certificate of {host} isn't trusted: {reply.words}",
            "if your gateway intercepts TLS, name its authority in genesys.ca_path; the services"
            " have to trust it too",
        ),
        "proxy": (
            "problem",
            "the proxy of genesys.proxy lets nothing through"
            + (f" ({at})" if reply.code else ": nobody answers there"),
            "correct genesys.proxy, or have the proxy let it through",
        ),
        "no answer": ("problem", f"{host} doesn't answer in time", proxy),
        "not reached": (
            "problem", f"{host} isn't reached", f"open port 443, correct tenant.region, or {proxy}",
        ),
    }  # fmt: skip
    unclear: tuple[Level, str, str] = (
        "unknown", f"{host} gives an answer that isn't understood"
                   f" ({at})", "check that nothing is in between"
    )  # fmt: skip
    level, text, to_do = said.get(reply.kind, unclear)
    return Point(level, f"cloud-{reply.kind.replace(' ', '-')}", text, to_do)


def _organization(look: CloudLook, asked: Asked) -> Iterator[Point]:
    reply, org = look.organization, look.org
    if reply is None or not reply.is_done or not org.get("id"):
        yield _not_done(reply or look.token, "the organization", f"api.{look.region}", asked)
        return
    if str(org["id"]).lower() != asked.org_id.lower():
        yield Point(
            "problem",
            "organization-differs",
            f"the OAuth client is of the organization {org.get('name')}, {org['id']}, not of"
            f" {asked.org_id}",
            "correct tenant.org_id, or take an OAuth client of that organization: a sync would go"
            " to the wrong one",
        )
    if org.get("state") not in (None, "active"):
        yield Point(
            "problem",
            "organization-not-active",
            f"the organization is {org['state']}",
            "have it activated by Genesys",
        )
    short_name = str(org.get("thirdPartyOrgName") or "")
    if asked.short_name and short_name and asked.short_name != short_name:
        yield Point(
            "problem",
            "short-name-differs",
            f"the organization's short name is {short_name}; the transaction has"
            f" {asked.short_name}",
            "correct general/organization_sname of hybrid_integration",
        )


def _role(look: CloudLook) -> Iterator[Point]:
    grants = look.grants
    if grants is None:
        why = f"HTTP {look.subject.code}" if look.subject is not None else "not asked"
        yield Point(
            "unknown",
            "role-not-seen",
            f"the client's own token can't see its roles ({why})",
            f"check in Genesys Cloud that it has the role {ROLE}",
        )
        return
    divisions = [grant.division for grant in grants if grant.role == ROLE]
    if not divisions:
        roles = ", ".join(sorted({grant.role for grant in grants})) or "none"
        yield Point(
            "problem",
            "role-missing",
            f"the OAuth client doesn't have the role {ROLE} (its roles: {roles})",
            f"Admin / Integrations / OAuth / the client / Roles: add {ROLE}",
        )
    elif "Home" not in divisions:
        yield Point(
            "warning",
            "role-division",
            f"the client has {ROLE} in {', '.join(divisions)}; users are created in the division"
            f" Home",
            "check that the role is granted there too",
        )


def _rate(look: CloudLook) -> Iterator[Point]:
    rate = look.rate
    if rate is None:
        yield Point(
            "unknown", "rate-not-told", "the API doesn't say how many requests are left", ""
        )
        return
    if rate.allowed < REQUESTS_PER_MINUTE:
        yield Point(
            "warning",
            "rate-lower",
            f"the API allows this client {rate.allowed} requests a minute; estimates count with"
            f" {REQUESTS_PER_MINUTE}",
            "expect a longer first sync; raise excs.sync_gate.deadline_seconds",
        )
    if rate.count > rate.allowed * (1 - HEADROOM):
        yield Point(
            "warning",
            "rate-used-up",
            f"{rate.count} of {rate.allowed} requests of this minute are used",
            "see who else uses this OAuth client",
        )


def _totals(look: CloudLook, asked: Asked) -> Iterator[Point]:
    for kind, count in look.counts.items():
        wanted = (asked.engage or {}).get(kind)
        if wanted is None:
            continue
        if count is None:
            code = look.totals[kind].code
            yield Point(
                "unknown",
                "total-not-seen",
                f"how many {kind} the organization has isn't known (HTTP {code})",
                "count them in Genesys Cloud",
            )
        elif count < wanted:
            yield Point(
                "warning",
                "total-lower",
                f"Engage has {wanted:,} {kind} to sync, the organization {count:,}",
                f"before the sync that is normal; after it: exctl logs excs --stack {asked.stack}",
            )
