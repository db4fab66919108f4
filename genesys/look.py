"""What the stack's OAuth client can find out of its organization: each question's reply, as data.

Only questions that need no permission, but for some of the totals: what the role "EX Integration"
allows isn't public.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from health.cloud_api import ORGANIZATION_PATH, CloudApi, Rate, Reply

ROLE = "EX Integration"
"""Source: deployment, "Configuring OAuth Client in the GC Org"."""
CLIENT_PATH = "/api/v2/tokens/me"
SUBJECT_PATH = "/api/v2/authorization/subjects/me"
TOTALS: Mapping[str, str] = {
    "users": "/api/v2/users?pageSize=1",
    "skills": "/api/v2/routing/skills?pageSize=1",
    "queues": "/api/v2/routing/queues?pageSize=1&name=*{suffix}",
    "wrap-up codes": "/api/v2/routing/wrapupcodes?pageSize=1",
}
"""Source: the platform's SDKs. Queues: those whose name ends as EXCS's do."""


@dataclass(frozen=True)
class Grant:
    """A role of the client, in a division."""

    role: str
    division: str


@dataclass(frozen=True)
class CloudLook:
    """Every reply; those behind `token` are None where there was no token."""

    region: str
    token: Reply
    organization: Reply | None = None
    client: Reply | None = None
    subject: Reply | None = None
    totals: Mapping[str, Reply] = field(default_factory=dict)

    @property
    def org(self) -> Mapping[str, object]:
        """What the organization says of itself, empty where it didn't."""
        return self.organization.body if self.organization is not None else {}

    @property
    def client_name(self) -> str:
        client = self.client.body.get("OAuthClient") if self.client is not None else None
        return str(client.get("name", "")) if isinstance(client, dict) else ""

    @property
    def grants(self) -> list[Grant] | None:
        """The client's roles; None where its own token couldn't see them."""
        found = self.subject.body.get("grants") if self.subject is not None else None
        if not isinstance(found, list):
            return None
        return [Grant(_name(each, "role"), _name(each, "division")) for each in found]

    @property
    def counts(self) -> dict[str, int | None]:
        """How many objects of a kind the organization has; None where that wasn't told."""
        totals = {kind: reply.body.get("total") for kind, reply in self.totals.items()}
        return {kind: n if isinstance(n, int) else None for kind, n in totals.items()}

    @property
    def rate(self) -> Rate | None:
        """As the last answer told it."""
        replies = [self.token, self.organization, self.client, self.subject, *self.totals.values()]
        told = [reply.rate for reply in replies if reply is not None and reply.rate is not None]
        return told[-1] if told else None


def looked(api: CloudApi, region: str, client_id: str, secret: str, suffix: str) -> CloudLook:
    """Asks; after a token that isn't given nothing more."""
    token = api.token(client_id, secret)
    if not token.is_done:
        return CloudLook(region, token)
    return CloudLook(
        region,
        token,
        api.get(ORGANIZATION_PATH),
        api.get(CLIENT_PATH),
        api.get(SUBJECT_PATH),
        {kind: api.get(path.format(suffix=suffix)) for kind, path in TOTALS.items()},
    )


def _name(grant: object, of: str) -> str:
    found = grant.get(of) if isinstance(grant, dict) else None
    return str(found.get("name", "")) if isinstance(found, dict) else ""
