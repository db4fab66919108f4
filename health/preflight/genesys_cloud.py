"""Genesys Cloud, spoken to from a host: its certificate, and a token for the OAuth client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import requests

from config_schema import CheckName
from health.preflight.check import Check, HostView
from health.preflight.finding import Finding, Verdict
from health.preflight.outcome import NOT_FORWARDED_FIX, Outcome, of_error
from health.preflight.subject import Subject
from health.preflight.tunnel import Tunnels, trusting

TOKEN_PATH = "/oauth/token"
TOO_MANY, SERVER_ERROR = 429, 500


@dataclass(frozen=True)
class CloudAnswer:
    """How TLS with the API went, and on one host of the stack the login of the OAuth client."""

    tls: Outcome
    login: Outcome | None = None


def ask(subject: Subject, tunnels: Tunnels) -> CloudAnswer:
    api, _ = subject.cloud
    context = trusting(subject.config.preflight.ca_path)
    try:
        with context.wrap_socket(tunnels.connect(api), server_hostname=api.host):
            return CloudAnswer(Outcome("done"))
    except OSError as error:
        return CloudAnswer(of_error(error, tunnels))


def log_in(subject: Subject, tunnels: Tunnels) -> Outcome:
    """Asks for a token, and forgets it. Source: Genesys Cloud, "Client Credentials Grant".

    Once a run, whatever the number of hosts: Genesys Cloud limits how often a client may log in,
    and what it answers doesn't depend on the host.
    """
    _, login = subject.cloud
    client, secret = subject.config.tenant.oauth_client_id, subject.secrets.get("oauthClientSecret")
    if client is None:
        return Outcome("not asked", "tenant.oauth_client_id isn't set, so no login is tried")
    if secret is None:
        return Outcome("not asked", subject.no_secrets or "oauthClientSecret isn't set")
    try:
        answer = tunnels.session(trusting(subject.config.preflight.ca_path)).post(
            f"https://{login.host}{TOKEN_PATH}",
            data={"grant_type": "client_credentials"},
            auth=(client, secret),
            allow_redirects=False,
        )
        return _of(answer)
    except (requests.RequestException, OSError) as error:
        return of_error(error, tunnels)


def _of(answer: requests.Response) -> Outcome:
    if answer.status_code in (400, 401, 403):
        return Outcome("refused", "it refuses the OAuth client or its secret")
    if answer.status_code == TOO_MANY or answer.status_code >= SERVER_ERROR:
        return Outcome("busy", f"it answers HTTP {answer.status_code}")
    if answer.status_code != 200:
        return Outcome("failed", f"it answers HTTP {answer.status_code}")
    try:
        token = answer.json().get("access_token")
    except (ValueError, AttributeError):
        return Outcome("failed", "its answer isn't understood")
    return Outcome("done") if token else Outcome("failed", "its answer holds no token")


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
        "not trusted": "if a gateway of yours opens TLS, name its authority in preflight.ca_path,"
        " and see that the services trust it too",
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
        "refused": "correct tenant.oauth_client_id, or exctl rotate oauthClientSecret; see that the"
        " client is of the type Client Credentials",
        "not asked": "it takes tenant.oauth_client_id and the secret oauthClientSecret",
        "not forwarded": NOT_FORWARDED_FIX,
    }.get(login.kind, "try it again; see status.mypurecloud.com")
    yield Finding(name, view.host, login.words, needed, _unless_unknown(login), fix)


def _unless_unknown(outcome: Outcome) -> Verdict:
    return "unknown" if outcome.is_unknown else "failed"


TLS = Check(
    CheckName.GENESYS_CLOUD_TLS, "Genesys Cloud shows a certificate that can be trusted", _tls
)
LOGIN = Check(CheckName.GENESYS_CLOUD_LOGIN, "Genesys Cloud gives the OAuth client a token", _login)
