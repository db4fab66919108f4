"""What Pulumi says when it fails: its last error whole, or our sentence with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from pulumi import automation as auto

from exctl.pulumi.workspace import explained, last_error
from exctl.site import StackPlace

PLACE = StackPlace(Path("/project"), "prod")


def failed(stderr: str, stdout: str = "") -> auto.CommandError:
    return auto.CommandError(auto.CommandResult(stdout=stdout, stderr=stderr, code=255))


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        ("warning: x\nerror: one\nerror: two", "two"),
        ("error: error: this\n  goes on\n  and on\n\nUpdating", "this goes on and on"),
        ("something else", "something else"),
        ("", "Pulumi ended without a message"),
        ("error: ", "Pulumi ended without a message"),
    ],
)
def test_the_last_error_is_whole_and_never_empty(stderr: str, words: str) -> None:
    assert last_error(failed(stderr)) == words


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        (
            "error: incorrect passphrase",
            "the passphrase isn't the one that the secrets of Pulumi.prod.yaml are encrypted with;"
            " set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE, to that one",
        ),
        (
            'error: corrupt store: missing version in ".pulumi/meta.yaml"',
            'corrupt store: missing version in ".pulumi/meta.yaml"; put that file back: it holds'
            " the one line `version: 1`",
        ),
        (
            "error: failed to get the home path: getting current user",
            "this user has no home directory; set HOME to one that it may write to",
        ),
    ],
)
def test_what_has_a_remedy_is_said_with_it(stderr: str, words: str) -> None:
    assert explained(failed(stderr), PLACE) == words


def test_a_backend_that_cant_be_opened_is_named_by_what_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = failed('error: unable to open state directory "file:///x": no such file')
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    assert explained(error, PLACE).startswith("the backend that Pulumi.yaml names can't be opened")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file:///x")
    assert explained(error, PLACE).endswith("; correct PULUMI_BACKEND_URL")
