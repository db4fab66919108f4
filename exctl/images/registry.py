"""The registry, by its own HTTP API: no Docker daemon takes part, and no host learns a password.

Source: OCI distribution specification 1.1; Docker registry token authentication.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping, Sequence
from urllib.parse import urljoin

import requests

from exctl.errors import ExctlError
from exctl.images.manifest import MANIFEST_TYPES, digest_of
from hosts.tunnel import Connect, TunnelAdapter, dialled

CONNECT_SECONDS, ANSWER_SECONDS = 5, 300
"""Chosen: a registry that isn't there is known soon; one that stores a layer may take its time."""
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


class RegistryError(ExctlError):
    """The registry refused, or isn't there: then `status` is 0, else it's HTTP's."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Registry:
    """One place of images, `registry.example.com:5000/exec`, as one user."""

    def __init__(
        self,
        repository: str,
        username: str | None,
        password: str,
        insecure: bool,
        way: Sequence[str] | None = None,
    ) -> None:
        self.address, _, path = repository.partition("/")
        self.repository = repository
        self._prefix = f"{path}/" if path else ""
        self._by_host = way is not None
        self._base = f"{'http' if insecure else 'https'}://{self.address}"
        self._username, self._password = username, password
        self._session = requests.Session()
        self._session.trust_env = False  # ~/.netrc and proxies are for other places than ours
        self._session.verify = _authorities()
        if way is not None:
            self._session.mount(self._base, TunnelAdapter(_by(way)))
        self._authorization: dict[str, str] = {}

    def url(self, name: str, rest: str) -> str:
        """The API's address of something of the image `name`."""
        return f"{self._base}/v2/{self._prefix}{name}/{rest}"

    def onward(self, answer: requests.Response, url: str) -> str:
        """Where the registry sends us on to, after a request to `url`.

        Behind a proxy that ends TLS it may believe itself to be without; then its word isn't taken.
        """
        found = urljoin(url, answer.headers.get("Location", url))
        bare = f"http://{self.address}/"
        return found.replace(bare, f"{self._base}/", 1) if found.startswith(bare) else found

    def digest(self, name: str, reference: str) -> str | None:
        """The digest that a tag (or digest) leads to now; None if the registry hasn't it."""
        found = self._manifest("HEAD", name, reference)
        if found is None:
            return None
        if said := found.headers.get("Docker-Content-Digest"):
            return str(said)
        again = self._manifest("GET", name, reference)
        return digest_of(again.content) if again is not None else None

    def manifest(self, name: str, reference: str) -> bytes | None:
        """The manifest's own bytes."""
        found = self._manifest("GET", name, reference)
        return found.content if found is not None else None

    def _manifest(self, method: str, name: str, reference: str) -> requests.Response | None:
        answer = self.send(
            method,
            self.url(name, f"manifests/{reference}"),
            headers={"Accept": ", ".join(MANIFEST_TYPES)},
            allowed=(404,),
        )
        return None if answer.status_code == 404 else answer

    def tags(self, name: str) -> list[str]:
        """The image's tags, sorted; none if the registry doesn't know it."""
        url: str | None = self.url(name, "tags/list?n=1000")
        found: list[str] = []
        while url is not None:
            answer = self.send("GET", url, allowed=(404,))
            if answer.status_code == 404:
                break
            found += answer.json().get("tags") or []
            onward = answer.links.get("next", {}).get("url")
            url = urljoin(url, onward) if onward else None
        return sorted(found)

    def has_blob(self, name: str, digest: str) -> bool:
        url = self.url(name, f"blobs/{digest}")
        return self.send("HEAD", url, allowed=(404,)).status_code == 200

    def put_manifest(self, name: str, tag: str, manifest: bytes, media_type: str) -> None:
        """Gives the image its tag; every part of it must be there."""
        url = self.url(name, f"manifests/{tag}")
        self.send("PUT", url, data=manifest, headers={"Content-Type": media_type})

    def send(
        self,
        method: str,
        url: str,
        *,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        allowed: tuple[int, ...] = (),
    ) -> requests.Response:
        """The answer, logging in if that is asked for. RegistryError for any refusal that isn't
        `allowed`."""
        answer = self._request(method, url, data, headers)
        if answer.status_code == 401:
            self._log_in(answer)
            answer = self._request(method, url, data, headers)
        if answer.status_code >= 400 and answer.status_code not in allowed:
            raise RegistryError(
                refusal(self.address, answer.status_code, _said(answer), len(data or b"")),
                answer.status_code,
            )
        return answer

    def _request(
        self, method: str, url: str, data: bytes | None, headers: Mapping[str, str] | None
    ) -> requests.Response:
        is_ours = url.startswith(f"{self._base}/")
        try:
            return self._session.request(
                method,
                url,
                data=data,
                # Storage that the registry sends us on to has no business with the password.
                headers={**(headers or {}), **(self._authorization if is_ours else {})},
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
            )
        except requests.RequestException as error:
            raise RegistryError(unreachable(self._base, error, self._by_host)) from None

    def _log_in(self, answer: requests.Response) -> None:
        """Answers a challenge: the password itself, or a token that it is exchanged for."""
        challenge = answer.headers.get("WWW-Authenticate", "")
        if self._username is None:
            return
        given = requests.Request("GET", self._base, auth=(self._username, self._password))
        basic = str(given.prepare().headers["Authorization"])
        if not challenge.lower().startswith("bearer "):
            self._authorization = {"Authorization": basic}
            return
        fields = dict(_CHALLENGE.findall(challenge))
        realm = urljoin(self._base, fields.pop("realm", ""))
        if realm.startswith("http:") and self._base.startswith("https:"):
            raise RegistryError(
                f"{self.address} wants its password sent to {realm}, without TLS; it was not sent."
            )
        wanted = {k: v for k, v in fields.items() if k in ("service", "scope")}
        try:
            found = self._session.get(
                realm,
                params=wanted,
                headers={"Authorization": basic},
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
            )
        except requests.RequestException as error:
            raise RegistryError(unreachable(realm, error, self._by_host)) from None
        if found.ok and isinstance(content := found.json(), dict):
            token = content.get("token") or content.get("access_token") or ""
            self._authorization = {"Authorization": f"Bearer {token}"}


def _by(way: Sequence[str]) -> Connect:
    """Connections by the host that `way`, an ssh command up to and with the destination, leads to:
    for sites where only the hosts reach the registry."""
    return lambda host, port: dialled(way, host, port)[0]


def _authorities() -> str | bool:
    """The certificates to believe: the operator's variable, else this machine's own store."""
    named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
    return named or ssl.get_default_verify_paths().cafile or True


def _said(answer: requests.Response) -> str:
    """The registry's own words, on one line."""
    try:
        errors = answer.json()["errors"]
        words = [f"{e.get('code', '')} {e.get('message', '')}".strip() for e in errors]
        return "; ".join(words)
    except (ValueError, KeyError, TypeError, AttributeError):
        return " ".join(answer.text.split())[:200]


def refusal(address: str, status: int, said: str, sent_bytes: int) -> str:
    """What a registry's refusal means, and what to do. Pure."""
    advice = {
        400: "it doesn't understand the request.",
        401: "user or password is wrong: registry.username in the stack file, and the secret"
        " registryPassword (exctl rotate registryPassword).",
        403: "the user may not do this there: give it the right to push and pull.",
        404: "it doesn't know this place: registry.repository in the stack file; some registries"
        " want a project to be made first.",
        405: "it doesn't allow this: is it read only, or a mirror?",
        413: f"it, or a proxy before it, takes no request of {sent_bytes / 1e6:.1f} MB: raise that"
        " limit (nginx: client_max_body_size), or send less at a time with --chunk-mib 1.",
        429: "it was asked too often; wait a minute.",
        507: "its disk is full: remove old images there, and run its garbage collection.",
    }
    server = "it has a problem of its own; a full disk is the most frequent one. See its log."
    words = advice.get(status, server if status >= 500 else "")
    own = f" ({said})" if said else ""
    return f"the registry {address} answers {status}{own}: {words}".rstrip(": ")


def unreachable(place: str, error: Exception, by_host: bool) -> str:
    """Why nothing came back, without the layers of libraries. Pure."""
    text = str(error)
    if isinstance(error, requests.exceptions.SSLError):
        if "WRONG_VERSION_NUMBER" in text or "wrong version number" in text:
            return (
                f"{place} doesn't speak TLS. If that is meant, set registry.insecure: true in the"
                " stack file."
            )
        return (
            f"{place}: its certificate isn't trusted. Add its authority to this machine's store,"
            " or name the file of it in REQUESTS_CA_BUNDLE."
        )
    if isinstance(error, requests.exceptions.ConnectTimeout):
        why = f"no answer within {CONNECT_SECONDS} seconds"
    elif isinstance(error, requests.exceptions.Timeout):
        why = f"no answer within {ANSWER_SECONDS} seconds"
    elif "Connection refused" in text:
        why = "connection refused"
    elif "resolve" in text:
        why = "its name can't be resolved"
    else:
        why = "the connection was cut"
    if by_host:
        return f"{place} can't be reached from that host: {why}."
    return (
        f"{place} can't be reached: {why}. If only the EXEC hosts can reach it, go through one of"
        " them: --via HOST."
    )
