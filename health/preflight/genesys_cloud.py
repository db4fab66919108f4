"""Genesys Cloud, spoken to from a host: its certificate, a token for the OAuth client, and of which
organization that is."""

from __future__ import annotations

from collections.abc import Iterator

from config_schema import CheckName
from health.cloud_api import ORGANIZATION_PATH, CloudApi, Reply
from health.preflight.answers import CloudAnswer, Organization
from health.preflight.check import Check, HostView
from health.preflight.finding import Finding, Verdict, judged
from health.preflight.outcome import NOT_FORWARDED_FIX, Outcome, not_forwarded, of_error
from health.preflight.subject import Subject
from health.preflight.tunnel import Tunnels, trusting


def ask(subject: Subject, tunnels: Tunnels) -> CloudAnswer:
    api, _ = subject.cloud
    context = trusting(subject.config.genesys.ca_path or subject.config.preflight.ca_path)
    try:
        with context.wrap_socket(tunnels.connect(api), server_hostname=api.host):
            return CloudAnswer(Outcome("done"))
    except OSError as error:
        return CloudAnswer(of_error(error, tunnels))


def log_in(subject: Subject, tunnels: Tunnels) -> tuple[Outcome, Organization | None]:
    """Asks for a token, with it for its organization, and forgets it.

    Once a run, whatever the number of hosts: Genesys Cloud limits how often a client may log in,
    and what it answers doesn't depend on the host.
    """
    client, secret = subject.config.tenant.oauth_client_id, subject.secrets.get("oauthClientSecret")
    if client is None:
        words = "tenant.oauth_client_id isn't set, so no login is tried"
        return Outcome("not asked", words), None
    if secret is None:
        return Outcome("not asked", subject.no_secrets or "oauthClientSecret isn't set"), None
    context = trusting(subject.config.genesys.ca_path or subject.config.preflight.ca_path)
    api = CloudApi(tunnels.session(context), subject.config.tenant.region)
    token = api.token(client, secret)
    if not token.is_done:
        return _outcome(token, tunnels), None
    reply = api.get(ORGANIZATION_PATH)
    found = Organization(
        _outcome(reply, tunnels), str(reply.body.get("id", "")), str(reply.body.get("name", ""))
    )
    return Outcome("done"), found


_FAILED = {
    "not reached": "the connection ended without an answer",
    "proxy": "the proxy of genesys.proxy lets nothing through",
    "portal": "a web page answers in its place",
    "not understood": "its answer isn't understood",
}


def _outcome(reply: Reply, tunnels: Tunnels) -> Outcome:
    if reply.is_done:
        return Outcome("done")
    if reply.kind == "not reached" and tunnels.was_refused():
        return not_forwarded()
    if reply.kind == "not trusted":
        return Outcome("not trusted", reply.words)
    if reply.kind in ("refused", "forbidden"):
        return Outcome("refused", "it refuses the OAuth client or its secret")
    if reply.kind in ("too many", "server error"):
        return Outcome("busy", f"it answers HTTP {reply.code}")
    if reply.kind == "no answer":
        return Outcome("failed", f"no answer within {tunnels.timeout_seconds:g} s")
    return Outcome("failed", _FAILED.get(reply.kind, f"it answers HTTP {reply.code}"))


def _tls(view: HostView) -> Iterator[Finding]:
    if view.answers.cloud is None:
        return
    tls, name = view.answers.cloud.tls, CheckName.GENESYS_CLOUD_TLS
    needed = f"a certificate for {view.subject.cloud[0].host} that can be trusted"
    if tls.kind == "done":
        yield Finding(name, view.host, "its certificate is trusted", needed)
        return
    found = f"not trusted: {tls.words}" if tls.kind == "not trusted" else tls.words
    fix = {
        "not trusted": "if your gateway intercepts TLS, name its authority in preflight.ca_path,"
        " and check that the services trust it too",
        "not forwarded": NOT_FORWARDED_FIX,
    }.get(tls.kind, "open port 443 from this host, or correct tenant.region")
    yield Finding(name, view.host, found, needed, _unless_unknown(tls), fix)


def _login(view: HostView) -> Iterator[Finding]:
    if view.answers.cloud is None or view.answers.cloud.login is None:
        return
    login, name = view.answers.cloud.login, CheckName.GENESYS_CLOUD_LOGIN
    needed = f"a token from {view.subject.cloud[1].host}"
    if login.kind == "done":
        yield Finding(name, view.host, "it gave a token", needed)
        return
    fix = {
        "refused": "correct tenant.oauth_client_id, or exctl rotate oauthClientSecret; check"
        " that the"
        " client is of the type Client Credentials",
        "not asked": "it takes tenant.oauth_client_id and the secret oauthClientSecret",
        "not forwarded": NOT_FORWARDED_FIX,
    }.get(login.kind, "try it again; see status.mypurecloud.com")
    yield Finding(name, view.host, login.words, needed, _unless_unknown(login), fix)


def _organization(view: HostView) -> Iterator[Finding]:
    """A wrong one gets objects of a contact centre that isn't its own, and may cost money."""
    found = view.answers.cloud.organization if view.answers.cloud is not None else None
    if found is None:
        return
    name, org_id = CheckName.GENESYS_CLOUD_ORGANIZATION, view.subject.config.tenant.org_id
    needed = f"the organization {org_id}"
    if found.asked.kind != "done" or not found.id:
        words = found.asked.words or "it names none"
        fix = "ask again: exctl genesys check"
        yield Finding(name, view.host, words, needed, "unknown", fix)
        return
    words = f"{found.name}, {found.id}"
    fix = "correct tenant.org_id, or take an OAuth client of that organization"
    is_right = found.id.lower() == org_id.lower()
    yield judged(is_right, name, view.host, words, needed, "failed", fix)


def _unless_unknown(outcome: Outcome) -> Verdict:
    return "unknown" if outcome.is_unknown else "failed"


TLS = Check(
    CheckName.GENESYS_CLOUD_TLS, "Genesys Cloud shows a certificate that can be trusted", _tls
)
LOGIN = Check(CheckName.GENESYS_CLOUD_LOGIN, "Genesys Cloud gives the OAuth client a token", _login)
ORGANIZATION = Check(
    CheckName.GENESYS_CLOUD_ORGANIZATION,
    "the OAuth client is of the organization tenant.org_id",
    _organization,
)
