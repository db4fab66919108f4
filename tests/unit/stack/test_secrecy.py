"""What is a secret, or looks like one, is redacted; what isn't stays."""

from __future__ import annotations

import pytest

from exctl.stackfile.cautions import cautions
from stack import secrecy
from stack.secrecy import REDACTED, redacted, redacted_text
from tests.unit.stack_file import StackFile


@pytest.mark.parametrize(
    "name",
    ["REDIS_PASSWORD", "apiToken", "KEY", "Client-Secret", "DB_PASSWD", "pwd", "AUTH_HEADER"],
)
def test_a_name_that_says_secret_is_one(name: str) -> None:
    assert secrecy.names_a_secret(name)


@pytest.mark.parametrize("name", ["KEYBOARD", "LOG_LEVEL", "AUTHOR", "MONKEY", "PORT"])
def test_a_name_that_only_has_such_letters_is_none(name: str) -> None:
    assert not secrecy.names_a_secret(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://user:S3cr3t@host/1", f"redis://user:{REDACTED}@host/1"),
        ("Server=a;Password=S3cr3t;x", f"Server=a;{REDACTED};x"),
        ("-----BEGIN RSA PRIVATE KEY-----\nS3cr3t", REDACTED),
        ("eyJhbGciOi.eyJzdWIiOi.S3cr3t", REDACTED),
        ("  API_KEY: S3cr3t # x", f"  API_KEY: {REDACTED} # x"),
        ("{DB_PASSWORD: 'S3 cr3t', A: b}", f"{{DB_PASSWORD: {REDACTED}, A: b}}"),
        ("EXEC_REDIS_PASSWORD=S3cr3t", f"EXEC_REDIS_PASSWORD={REDACTED}"),
        ("key_path: ~/.ssh/id", "key_path: ~/.ssh/id"),
        ("MONKEYS: 3", "MONKEYS: 3"),
        ("http://exec-1:3640/health", "http://exec-1:3640/health"),
    ],
)
def test_a_value_that_looks_like_a_secret_is_redacted(text: str, shown: str) -> None:
    assert redacted_text(text) == shown


def test_known_secrets_are_redacted_wherever_they_stand_but_for_chance() -> None:
    value = {"a": ["x S3cr3t-pw y", "S3cr3t-pw"], "b": {"c": "ab"}, "d": "cab"}
    assert redacted(value, ["S3cr3t-pw", "ab"]) == {
        "a": [f"x {REDACTED} y", REDACTED],
        "b": {"c": REDACTED},
        "d": "cab",
    }


def test_secrets_and_variables_that_look_like_some_are_redacted_by_their_names() -> None:
    value = {
        "exec:redisPassword": {"secure": "v1:a:b"},
        "exec:oauthClientSecret": "plain",
        "environment": {"API_KEY": "S3cr3t", "LEVEL": "5"},
    }
    assert redacted(value) == {
        "exec:redisPassword": REDACTED,
        "exec:oauthClientSecret": REDACTED,
        "environment": {"API_KEY": REDACTED, "LEVEL": "5"},
    }


def test_a_variable_that_looks_like_a_secret_is_warned_about_without_its_value() -> None:
    file = StackFile().put("exas.environment", {"API_TOKEN": "S3cr3t", "URL": "x://a:S3cr3t@b"})
    found = [text for text in cautions(file.config()) if "looks like a secret" in text]
    assert [text.split()[0] for text in found] == [
        "exas.environment.API_TOKEN",
        "exas.environment.URL",
    ]
    shown = [s.value for s in secrecy.changed(file.config()) if s.path == "exas.environment"]
    assert "S3cr3t" not in str(found) + str(shown)


def test_no_value_of_a_variable_is_in_a_problem() -> None:
    file = StackFile().put("exas.environment", {"A": 123456})
    assert file.problems() == [
        "exas.environment.A: must be a text (in quotes, if it looks like a number); found a number"
    ]


def test_what_a_passphrase_could_be_guessed_against_is_redacted() -> None:
    shown = redacted({"encryptionsalt": "v1:abc:v1:def", "encryptedkey": "QUJD", "config": {}})
    assert shown == {"encryptionsalt": REDACTED, "encryptedkey": REDACTED, "config": {}}
