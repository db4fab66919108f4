"""What counts as a version, and what a failed build says about its cause."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.stack_file import CLONE
from toolchain.failures import FailureCause, failure
from toolchain.found import answer, cached_cli
from toolchain.versions import Locked, Version, locked, parse


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("verifying x@v1: checksum mismatch\nSECURITY ERROR", FailureCause.UNVERIFIED),
        ("main.go:3: missing go.sum entry for module", FailureCause.UNVERIFIED),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", FailureCause.UNVERIFIED),
        ('Get "https://proxy/x.zip": dial tcp: lookup proxy: no such host', FailureCause.NETWORK),
        ("reading https://proxy/x.zip: 404 Not Found", FailureCause.NETWORK),
        ("x509: certificate signed by unknown authority", FailureCause.CERTIFICATE),
        ("x.zip: zip: not a valid zip file", FailureCause.DAMAGED),
        ("reading x.zip: unexpected EOF", FailureCause.DAMAGED),
        ("unexpected EOF\nwrite x.a: no space left on device", FailureCause.DISK),
        ("compile: signal: killed", FailureCause.MEMORY),
        ("something that nobody knows", FailureCause.OTHER),
        ("", FailureCause.OTHER),
    ],
)
def test_a_failure_has_its_cause(said: str, cause: FailureCause) -> None:
    assert failure(said).cause is cause


def test_a_failure_tells_the_line_that_says_why() -> None:
    said = "go: downloading a\nGet x: dial tcp: refused.\ngo: exit"
    assert failure(said).detail == "Get x: dial tcp: refused"


def test_versions_compare_by_number_and_a_pre_release_is_before_its_release() -> None:
    ordered = ["v3.99.0", "v3.272.0-alpha.1", "v3.272.0", "3.272.1", "v4.0.0+dirty"]
    versions = [parse(text) for text in ordered]
    assert None not in versions
    assert versions == sorted(versions, key=lambda version: version or Version(0, 0, 0, False))
    assert parse("go1.27rc1\n") == Version(1, 27, 0, False)
    assert parse("go1.26.8 X:none") == Version(1, 26, 8, True)
    assert parse("devel go1.28-abc") is None


@pytest.mark.parametrize("program", ["echo nothing", "echo v3.1.0; exit 1", "sleep 60"])
def test_a_program_that_does_not_tell_its_version_has_none(tmp_path: Path, program: str) -> None:
    assert answer(["/bin/sh", "-c", program], 0.5) is None
    assert answer([str(tmp_path / "absent")]) is None


def test_the_locked_cli_is_not_older_than_the_locked_sdk() -> None:
    assert locked(CLONE).cli >= locked(CLONE).sdk


def test_a_relative_cache_folder_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/operator")
    version = Version(3, 1, 0, True)
    folder = Path("/home/operator/.cache/exec/pulumi-3.1.0+0123abcd/pulumi")
    assert cached_cli(Locked(version, version, version, "0123abcd")) == folder


def test_a_raised_module_is_another_build(tmp_path: Path) -> None:
    shutil.copytree(CLONE / "toolchain", tmp_path / "toolchain")
    shutil.copy(CLONE / "requirements.txt", tmp_path)
    assert cached_cli(locked(tmp_path)) == cached_cli(locked(CLONE))
    with (tmp_path / "toolchain/go.sum").open("a") as file:
        file.write("example.com/module v1.0.1 h1:0=\n")
    assert cached_cli(locked(tmp_path)) != cached_cli(locked(CLONE))
