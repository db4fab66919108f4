"""Genesys Cloud, spoken to from a host: its certificate, and a token for the OAuth client."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import requests

from health.preflight.finding import Finding, Verdict
from health.preflight.outcome import Outcome, of_error
from health.preflight.subject import Address, Subject
from health.preflight.tunnel import Tunnels, trusting

TOKEN_PATH = "/oauth/token"


@dataclass(frozen=True)
class CloudAnswer:
    """How TLS with the API and the login of the OAuth client went."""

    tls: Outcome
    login: Outcome


def ask(subject: Subject, tunnels: Tunnels) -> CloudAnswer:
    api, login = subject.cloud
    context = trusting(subject.config.preflight.ca_path)
    tls = _shake_hands(api, tunnels, context)
    if tls.kind != "done":
        return CloudAnswer(tls, Outcome("not asked", "TLS comes before it"))
    return CloudAnswer(tls, _token(subject, login, tunnels, context))


def _shake_hands(to: Address, tunnels: Tunnels, context: ssl.SSLContext) -> Outcome:
    try:
        with context.wrap_socket(tunnels.connect(to), server_hostname=to.host):
            return Outcome("done")
    except OSError as error:
        return of_error(error, tunnels)


def _token(subject: Subject, login: Address, tunnels: Tunnels, context: ssl.SSLContext) -> Outcome:
    """Asks for a token, and forgets it. Source: Genesys Cloud, "Client Credentials Grant"."""
    client, secret = subject.config.tenant.oauth_client_id, subject.secrets.get("oauthClientSecret")
    if client is None:
        return Outcome("not asked", "tenant.oauth_client_id isn't set, so no login is tried")
    if secret is None:
        return Outcome("not asked", subject.no_secrets or "oauthClientSecret isn't set")
    try:
        answer = tunnels.session(context).post(
            f"https://{login.host}{TOKEN_PATH}",
            data={"grant_type": "client_credentials"},
            auth=(client, secret),
            allow_redirects=False,
        )
        if answer.status_code in (400, 401, 403):
            return Outcome("refused", "it refuses the OAuth client or its secret")
        if answer.status_code != 200:
            return Outcome("failed", f"it answers HTTP {answer.status_code}")
        token = answer.json().get("access_token")
    except (requests.RequestException, OSError) as error:
        return of_error(error, tunnels)
    except (ValueError, AttributeError):
        return Outcome("failed", "its answer isn't understood")
    return Outcome("done") if token else Outcome("failed", "its answer holds no token")


def findings(subject: Subject, host: str, answer: CloudAnswer) -> Iterator[Finding]:
    """What the answer amounts to; pure."""
    api, login = subject.cloud
    yield _tls(host, f"a certificate for {api.host} that can be trusted", answer.tls)
    if answer.tls.kind == "done":
        yield _login(host, f"a token from {login.host}", answer.login)


def _tls(host: str, needed: str, tls: Outcome) -> Finding:
    if tls.kind == "done":
        return Finding("genesys-cloud-tls", host, "its certificate is trusted", needed)
    if tls.kind == "not trusted":
        return Finding(
            "genesys-cloud-tls",
            host,
            f"not trusted: {tls.words}",
            needed,
            "stops",
            "if a gateway of yours opens TLS, name its authority in preflight.ca_path, and see that"
            " the services trust it too",
        )
    verdict: Verdict = "not known" if tls.kind == "not asked" else "stops"
    fix = "open port 443 from this host, or correct tenant.region"
    return Finding("genesys-cloud-tls", host, tls.words, needed, verdict, fix)


def _login(host: str, needed: str, login: Outcome) -> Finding:
    if login.kind == "done":
        return Finding("genesys-cloud-login", host, "it gave a token", needed)
    fixes = {
        "refused": "correct tenant.oauth_client_id, or exctl rotate oauthClientSecret; see that the"
        " client is of the type Client Credentials",
        "not asked": "it takes tenant.oauth_client_id and the secret oauthClientSecret",
    }
    verdict: Verdict = "not known" if login.kind == "not asked" else "stops"
    fix = fixes.get(login.kind, "try it again; see status.mypurecloud.com")
    return Finding("genesys-cloud-login", host, login.words, needed, verdict, fix)
