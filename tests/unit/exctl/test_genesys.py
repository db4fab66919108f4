"""What `exctl genesys check` makes of each reply: which point, in which words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from exctl.errors import NothingTouched
from exctl.genesys import look, points
from exctl.genesys.look import Checked, next_step
from exctl.genesys.points import Asked
from exctl.report import markup
from genesys.look import CloudLook
from health.cloud_api import Rate, Reply
from tests.unit.exctl.sites import make_site

ORG = {"id": "org-1", "name": "Acme", "thirdPartyOrgName": "acme", "state": "active"}
GRANT = {"role": {"name": "EX Integration"}, "division": {"name": "Home"}}
ASKED = Asked("prod", "org-1", has_proxy=False)
DONE = Reply("done", 200, rate=Rate(10, 300, 60))


def done(body: Mapping[str, object]) -> Reply:
    return replace(DONE, body=body)


WELL = CloudLook(
    "mypurecloud.de",
    DONE,
    done(ORG),
    done({"OAuthClient": {"name": "EXEC"}}),
    done({"grants": [GRANT]}),
    {"users": done({"total": 5}), "queues": Reply("forbidden", 403)},
)


def failing() -> Iterator[tuple[Reply, str, str, str]]:
    """A reply to the question for a token: level, words, what to do."""
    yield (
        Reply("refused", 401),
        "problem",
        "refuses the OAuth client",
        "secret set oauthClientSecret",
    )
    yield Reply("forbidden", 403), "problem", "doesn't allow it a token", "role EX Integration"
    yield Reply("too many", 429, retry_after_seconds=9), "unknown", "too many", "again in 9 s"
    yield Reply("server error", 503), "unknown", "error of its own (HTTP 503)", "status.mypurecloud"
    yield Reply("portal", 302, words="http://x/"), "problem", "HTTP 302, to http://x/)", "captive"
    yield Reply("not trusted", words="self-signed"), "problem", "self-signed", "genesys.ca_path"
    yield Reply("proxy", 407), "problem", "lets nothing through (HTTP 407)", "correct genesys.proxy"
    yield Reply("no answer"), "problem", "doesn't answer in time", "set genesys.proxy"
    yield Reply("not reached"), "problem", "isn't reached", "open port 443"
    yield Reply("not understood", 418), "unknown", "isn't understood (HTTP 418)", "in between"


@pytest.mark.parametrize(("reply", "level", "words", "to_do"), list(failing()))
def test_each_way_to_no_token_has_its_own_sentence(
    reply: Reply, level: str, words: str, to_do: str
) -> None:
    (point,) = points.of(CloudLook("mypurecloud.de", reply), ASKED)
    assert point.level == level
    assert point.text.startswith(("login.mypurecloud.de", "a web page", "the cert", "the proxy"))
    assert words in point.text
    assert to_do in point.to_do


def test_a_stack_without_a_fault_has_no_points_and_goes_on_to_doctor() -> None:
    assert points.of(WELL, ASKED) == []
    assert next_step(Checked("prod", WELL, ASKED, [])) == "next: exctl doctor --stack prod"


def test_without_a_token_nothing_is_proved_and_it_is_asked_again() -> None:
    busy = CloudLook("mypurecloud.de", Reply("too many", 429))
    checked = Checked("prod", busy, ASKED, points.of(busy, ASKED))
    assert next_step(checked).endswith("again: exctl genesys check --stack prod")


def cases() -> Iterator[tuple[CloudLook, Asked, str, str, str]]:
    """A look, what was asked, and the point: level, code, words."""
    other = replace(WELL, organization=done(ORG | {"id": "org-2"}))
    yield other, ASKED, "problem", "organization-differs", "Acme, org-2, not of org-1"
    inactive = replace(WELL, organization=done(ORG | {"state": "inactive"}))
    yield inactive, ASKED, "problem", "organization-not-active", "is inactive"
    forbidden = replace(WELL, organization=Reply("forbidden", 403))
    yield forbidden, ASKED, "problem", "cloud-forbidden", "doesn't allow it the organization"
    named = replace(ASKED, short_name="acme-old")
    yield WELL, named, "problem", "short-name-differs", "is acme; the transaction has acme-old"
    role = {"grants": [GRANT | {"role": {"name": "Employee"}}]}
    yield (
        replace(WELL, subject=done(role)), ASKED, "problem", "role-missing", "(its roles: Employee)"
    )  # fmt: skip
    division = {"grants": [GRANT | {"division": {"name": "Sales"}}]}
    yield replace(WELL, subject=done(division)), ASKED, "warning", "role-division", "in Sales"
    hidden = replace(WELL, subject=Reply("forbidden", 403, rate=Rate(1, 300)))
    yield hidden, ASKED, "unknown", "role-not-seen", "can't see its roles (HTTP 403)"
    for rate, code in ((Rate(10, 180), "rate-lower"), (Rate(290, 300), "rate-used-up")):
        slow = replace(WELL, totals={"users": replace(DONE, rate=rate)})
        yield slow, ASKED, "warning", code, str(rate.allowed)
    yield replace(WELL, region="new.pure.cloud"), ASKED, "warning", "region-unknown", "18 regions"
    proxy = replace(ASKED, has_proxy=True)
    yield WELL, proxy, "unknown", "services-proxy", "isn't documented"
    more = replace(ASKED, engage={"users": 9, "skills": None})
    yield WELL, more, "warning", "total-lower", "Engage has 9 users to sync, the organization 5"
    queues = replace(ASKED, engage={"queues": 9})
    yield WELL, queues, "unknown", "total-not-seen", "how many queues"


@pytest.mark.parametrize(("found", "asked", "level", "code", "words"), list(cases()))
def test_each_fault_is_one_point_in_words(
    found: CloudLook, asked: Asked, level: str, code: str, words: str
) -> None:
    (point,) = points.of(found, asked)
    assert (point.level, point.code) == (level, code)
    assert words in point.text


def test_what_is_not_told_is_null_for_programs_and_unknown_for_persons() -> None:
    checked = Checked("prod", WELL, ASKED, [])
    data = json.loads(json.dumps(look.as_json(checked)))
    assert data["totals"] == {"users": 5, "queues": None}
    assert data["organization"]["short_name"] == "acme"
    text = markup.markdown(look.document(checked))
    assert "| queues | unknown" in text
    assert "role EX Integration in the division Home" in text


def test_without_an_oauth_client_nothing_is_asked() -> None:
    site = make_site(tenant={"id": "1", "org_id": "6662cb10-0d4d-4710-b979-db69011e66fd"})
    with pytest.raises(NothingTouched, match="oauth_client_id isn't set"):
        look.checked(site, "direct", None)
