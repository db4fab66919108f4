"""The one client of image registries, by their HTTP API: no Docker daemon takes part.

Source: OCI distribution specification 1.1; Docker registry token authentication.
"""

from __future__ import annotations

import base64
import hashlib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from oci.challenge import challenges
from oci.errors import Problem, RegistryError
from oci.login import Login
from oci.manifest import MANIFEST_TYPES
from oci.reference import ImageReference

CONNECT_SECONDS, ANSWER_SECONDS = 5, 300
"""Chosen: a registry that isn't there is known soon; one that stores a layer may take its time."""


@dataclass(frozen=True)
class FoundManifest:
    """A manifest that the registry has; `content` is empty where only its digest was asked for."""

    digest: str
    content: bytes = b""


class RegistryClient:
    """One registry, asked over `session` (from here, or as a host would) with one login.

    `schemes` are tried in their order until one is answered: a registry without TLS is `("http",)`,
    Docker's `insecure-registries` are `("https", "http")`.
    """

    def __init__(
        self,
        host: str,
        session: requests.Session,
        login: Login | None = None,
        schemes: Sequence[str] = ("https",),
    ) -> None:
        self.host = host
        self._session = session
        self._login = login
        self._schemes = list(schemes)
        self._authorization: dict[str, str] = {}

    @property
    def base(self) -> str:
        return f"{self._schemes[0]}://{self.host}"

    def url(self, image: ImageReference, rest: str) -> str:
        """The API's address of something of an image."""
        return f"{self.base}/v2/{image.path}/{rest}"

    def onward(self, answer: requests.Response, url: str) -> str:
        """Where the registry sends us on to, after a request to `url`.

        Behind a proxy that ends TLS it may believe itself to be without; then its word isn't taken.
        """
        found = urljoin(url, answer.headers.get("Location", url))
        bare = f"http://{self.host}/"
        return found.replace(bare, f"{self.base}/", 1) if found.startswith(bare) else found

    def log_in(self) -> None:
        """Finds out how it is spoken with, and that it takes the login where it asks for one."""
        while True:
            try:
                self.send("GET", f"{self.base}/v2/")
            except RegistryError as error:
                if error.status != 0 or error.problem == "not trusted" or len(self._schemes) == 1:
                    raise
                del self._schemes[0]
            else:
                return

    def digest(self, image: ImageReference) -> str | None:
        """The digest that the image's tag (or digest) leads to now; None if it isn't there."""
        answer = self._manifest("HEAD", image)
        if answer is None:
            return None
        if said := answer.headers.get("Docker-Content-Digest"):
            return str(said)
        found = self.manifest(image)
        return found.digest if found is not None else None

    def manifest(self, image: ImageReference) -> FoundManifest | None:
        """The manifest's own bytes; None if it isn't there."""
        answer = self._manifest("GET", image)
        if answer is None:
            return None
        return FoundManifest(f"sha256:{hashlib.sha256(answer.content).hexdigest()}", answer.content)

    def _manifest(self, method: str, image: ImageReference) -> requests.Response | None:
        answer = self.send(
            method,
            self.url(image, f"manifests/{image.digest or image.tag}"),
            headers={"Accept": ", ".join(MANIFEST_TYPES)},
            allowed=(404,),
        )
        return None if answer.status_code == 404 else answer

    def tags(self, image: ImageReference) -> list[str]:
        """The image's tags, sorted; none if the registry doesn't know it."""
        url: str | None = self.url(image, "tags/list?n=1000")
        found: list[str] = []
        while url is not None:
            answer = self.send("GET", url, allowed=(404,))
            if answer.status_code == 404:
                break
            found += _json(answer).get("tags") or []
            onward = answer.links.get("next", {}).get("url")
            url = urljoin(url, onward) if onward else None
        return sorted(found)

    def has_blob(self, image: ImageReference, digest: str) -> bool:
        url = self.url(image, f"blobs/{digest}")
        return self.send("HEAD", url, allowed=(404,)).status_code == 200

    def blob(self, image: ImageReference, digest: str, block: int) -> Iterator[bytes]:
        """A layer or config as the registry has it, in pieces of at most `block` bytes."""
        url = self.url(image, f"blobs/{digest}")
        # Not to be unpacked on its way: its hash is of what is stored.
        answer = self.send("GET", url, headers={"Accept-Encoding": "identity"}, stream=True)
        try:
            yield from answer.iter_content(block)
        except (requests.RequestException, OSError) as error:
            raise RegistryError(_reason(error), "://".join(urlsplit(url)[:2])) from error
        finally:
            answer.close()

    def put_manifest(self, image: ImageReference, manifest: bytes, media_type: str) -> None:
        """Gives the image its tag; every part of it must be there."""
        url = self.url(image, f"manifests/{image.tag}")
        self.send("PUT", url, data=manifest, headers={"Content-Type": media_type})

    def send(
        self,
        method: str,
        url: str,
        *,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        allowed: tuple[int, ...] = (),
        stream: bool = False,
    ) -> requests.Response:
        """The answer, logged in if that is asked for; with `stream`, its body is read as it comes.
        RegistryError for any refusal that isn't `allowed`."""
        answer = self._request(method, url, data, headers, stream)
        if answer.status_code == 401 and self._has_logged_in(answer, url):
            answer = self._request(method, url, data, headers, stream)
        if answer.status_code >= 400 and answer.status_code not in allowed:
            raise _answered(self.host, answer, len(data or b""))
        return answer

    def _request(
        self,
        method: str,
        url: str,
        data: bytes | None,
        headers: Mapping[str, str] | None,
        stream: bool,
    ) -> requests.Response:
        # Storage that the registry sends us on to has no business with the login.
        is_ours = url.startswith(f"{self.base}/")
        known = self._authorization.get(_path_of(url)) if is_ours else None
        return self._asked(
            method, url, data=data, stream=stream,
            headers={**(headers or {}), **({"Authorization": known} if known else {})},
        )  # fmt: skip

    def _asked(self, method: str, url: str, **arguments: Any) -> requests.Response:
        try:
            return self._session.request(
                method, url, timeout=(CONNECT_SECONDS, ANSWER_SECONDS), **arguments
            )
        except (requests.RequestException, OSError) as error:
            place = "://".join(urlsplit(url)[:2])
            raise RegistryError(_reason(error), place) from error

    def _has_logged_in(self, answer: requests.Response, url: str) -> bool:
        """Whether there is now something to answer its challenge with: a token if it takes one, for
        it is for one image and short-lived, else the password itself."""
        offered = challenges(answer.headers.get("WWW-Authenticate", ""))
        for challenge in sorted(offered, key=lambda each: each.scheme != "bearer"):
            given = None
            if challenge.scheme == "bearer" and "realm" in challenge.fields:
                token = self._token(challenge.fields)
                given = f"Bearer {token}" if token else None
            elif challenge.scheme == "basic" and self._login is not None:
                given = _basic(self._login)
            if given is not None:
                self._authorization[_path_of(url)] = given
                return True
        return False

    def _token(self, fields: Mapping[str, str]) -> str:
        """A token for our login, or for anybody."""
        realm = urljoin(self.base, fields["realm"])
        wanted = {k: v for k, v in fields.items() if k in ("service", "scope") and v}
        login = self._login
        if login is not None and realm.startswith("http:") and self.base.startswith("https:"):
            raise RegistryError("insecure login", realm)
        if login is not None and login.is_identity_token:
            body = {
                **wanted,
                "grant_type": "refresh_token",
                "client_id": "exctl",
                "refresh_token": login.password,
            }
            answer = self._asked("POST", realm, data=body)
        else:
            headers = {"Authorization": _basic(login)} if login is not None else {}
            answer = self._asked("GET", realm, params=wanted, headers=headers)
        if not answer.ok:
            raise _answered(urlsplit(realm).netloc, answer, 0)
        found = _json(answer)
        return str(found.get("token") or found.get("access_token") or "")


def _path_of(url: str) -> str:
    """The image that an address is of: tokens are given for one image each."""
    path = urlsplit(url).path
    for part in ("/blobs/", "/manifests/", "/tags/"):
        path = path.partition(part)[0]
    return path


def _basic(login: Login) -> str:
    """UTF-8, where requests itself would take latin-1 and fail on other letters."""
    return "Basic " + base64.b64encode(f"{login.username}:{login.password}".encode()).decode()


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _answered(place: str, answer: requests.Response, sent_bytes: int) -> RegistryError:
    return RegistryError(
        "answered", place, status=answer.status_code, said=_said(answer), sent_bytes=sent_bytes
    )


def _said(answer: requests.Response) -> str:
    """The registry's own words, on one line; of a page for browsers, nothing."""
    errors = _json(answer).get("errors") or _json(answer).get("details")
    if isinstance(errors, str):
        return errors[:200]
    if isinstance(errors, list):
        entries = [each for each in errors if isinstance(each, dict)]
        words = [f"{e.get('code', '')} {e.get('message', '')}".strip() for e in entries]
        return "; ".join(filter(None, words))[:400]
    if "html" in answer.headers.get("Content-Type", ""):
        return ""
    return " ".join(answer.text.split())[:200]


def reasons(error: BaseException) -> Iterator[BaseException]:
    """An error and all that it came from: libraries wrap what happened."""
    seen: set[int] = set()
    todo: list[Any] = [error]
    while todo:
        found = todo.pop(0)
        if not isinstance(found, BaseException) or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        todo += [found.__cause__, found.__context__, getattr(found, "reason", None), *found.args]


def _reason(error: Exception) -> Problem:
    """Why nothing came back, without the layers of libraries."""
    text = str(error)
    for cause in reasons(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "not trusted"
        if isinstance(cause, ConnectionRefusedError):
            return "refused"
        if isinstance(cause, ssl.SSLError):
            return "no TLS"
    if isinstance(error, requests.Timeout) or any(
        isinstance(c, TimeoutError) for c in reasons(error)
    ):
        return "no answer"
    if "resolve" in text:
        return "unresolved"
    return "cut"
