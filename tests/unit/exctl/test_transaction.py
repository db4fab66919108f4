"""The annex of hybrid_integration: the vendor's folders and keys, the stack's values."""

from __future__ import annotations

import configparser

import pytest

from engage.transactions import TransactionFacts, compared
from exctl.errors import NothingTouched
from exctl.onboarding.transaction import (
    Given,
    as_cfg,
    as_json,
    compared_table,
    entries,
    notes,
    refuse_wrong,
    table,
    wanted,
)
from tests.unit.exctl.sites import make_site

CLIENT = "2f0b1a6e-7c57-4a9e-9a3e-0d7c1f5b8a11"
EVERYTHING = Given("acme", 0, 10, CLIENT, "en-US")
VENDORS_KEYS = {
    "general": ["organization_sname", "organization_id", "base_service_url", "base_auth_url",
                "region"],
    "config_sync": ["client_id", "client_secret", "skill_level_max_value",
                    "skill_level_min_value"],
    "agent_state_sync": ["client_id", "client_secret"],
    "conversation_provider": ["client_id", "client_secret", "sta_default_programid",
                              "sta_default_language", "password"],
}  # fmt: skip
config = make_site(tenant__region="mypurecloud.de", tenant__oauth_client_id=CLIENT).config


def test_it_has_the_folders_and_keys_of_the_vendors_table() -> None:
    found: dict[str, list[str]] = {}
    for entry in entries(config, Given(), None):
        found.setdefault(entry.folder, []).append(entry.key)
    assert found == VENDORS_KEYS


def test_the_urls_follow_from_the_region() -> None:
    values = {e.key: e.value for e in entries(config, Given(), None) if e.folder == "general"}
    assert values["base_service_url"] == "https://api.mypurecloud.de"
    assert values["base_auth_url"] == "https://login.mypurecloud.de"
    assert values["region"] == "mypurecloud.de"


def test_what_is_not_known_is_the_vendors_placeholder_and_marked() -> None:
    lines = table(entries(config, Given(), None))
    assert any("CFG_ALIAS_EX_ORG_SHORT_NAME   <- fill in" in line for line in lines)
    assert any("<oauthClientSecret>   <-" in line for line in lines)
    assert not any("to be filled in" in line for line in table(entries(config, EVERYTHING, "s")))


def test_the_file_form_leaves_out_what_is_open() -> None:
    read = configparser.ConfigParser(interpolation=None)
    read.read_string(as_cfg(entries(config, Given(short_name="acme"), None)))
    assert dict(read["general"])["organization_sname"] == "acme"
    assert dict(read["config_sync"]) == {"client_id": CLIENT}
    assert "oauthClientSecret" not in as_cfg(entries(config, Given(), None))


def test_the_secret_is_in_three_folders_and_in_password_if_it_is_wanted() -> None:
    annex = as_json(entries(config, EVERYTHING, "word"))["annex"]
    assert str(annex).count("'word'") == 4
    assert "'client_secret': None" in str(as_json(entries(config, Given(), None))["annex"])


def test_it_says_what_the_vendor_asks_for_besides() -> None:
    said = "\n".join(notes(config, entries(config, Given(), None)))
    assert "to be filled in: organization_sname, client_secret" in said
    assert "its own transaction and its own EX organization" in said
    assert "redis.secure" not in said
    open_redis = make_site(redis__secure=False, tenant__oauth_client_id=None).config
    said = "\n".join(notes(open_redis, entries(open_redis, EVERYTHING, None)))
    assert "warning: redis.secure is false" in said
    assert "set tenant.oauth_client_id" in said


def test_values_that_the_table_does_not_allow_are_all_refused_at_once() -> None:
    with pytest.raises(NothingTouched) as error:
        refuse_wrong(Given(None, 10, 1, "program", "english"))
    for option in ("--skill-level-min", "--sta-language", "--sta-program-id"):
        assert option in str(error.value)


def test_what_differs_from_the_database_is_ready_to_be_typed_in() -> None:
    given = Given(skill_level_max=12)
    annex = {
        "general": {"organization_id": "other", "region": "eu"},
        "config_sync": {"client_secret": "old-word", "skill_level_max_value": "12"},
    }
    keys = compared(annex, wanted(config, given, "new-word"))
    lines = compared_table(TransactionFacts("there", 1, 21, keys=tuple(keys)))
    cut = lines.index("To be set in the annex:")
    states = {line.split()[0]: line.split()[1] for line in lines[: cut - 1]}
    typed = {line.split()[0]: line.split()[1:] for line in lines[cut + 1 :]}
    assert states["general/organization_id"] == "differs"
    assert typed["general/organization_id"] == [config.tenant.org_id]
    assert typed["config_sync/client_secret"] == ["<oauthClientSecret>"]
    assert "config_sync/skill_level_max_value" not in typed
    # The form of the region isn't documented: nobody is told to change it.
    assert "general/region" not in typed
    assert "word" not in "".join(lines).replace("password", "")
    assert compared_table(TransactionFacts("missing")) == []
