"""A new stack from nothing: begun from a file, checked, deployed, looked at, handed over."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping

import pytest
import yaml

from lab import settings
from tests.lab.conftest import Site

pytestmark = [pytest.mark.lab, pytest.mark.in_order]

STACK = "begun"
SECRETS = {
    "EXCTL_REDIS_PASSWORD": settings.REDIS_PASSWORD,
    "EXCTL_CONFIG_DB_PASSWORD": settings.DATABASE_PASSWORD,
    "EXCTL_REGISTRY_PASSWORD": settings.REGISTRY_PASSWORD,
    "EXCTL_CONFIG_SERVER_PASSWORD": settings.CONFIG_SERVER_PASSWORD,
    "EXCTL_OAUTH_CLIENT_SECRET": settings.OAUTH_CLIENT_SECRET,
}


def exctl(site: Site, *arguments: str, variables: Mapping[str, str] | None = None) -> str:
    return told(site, *arguments, variables=variables).stdout


def told(
    site: Site, *arguments: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    run = subprocess.run(
        ["exctl", *arguments, "--stack", STACK],
        cwd=site.work.directory,
        env={**site.work.environment, **(variables or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert not [word for word in SECRETS.values() if word in run.stdout + run.stderr]
    return run


def test_a_file_becomes_a_stack_that_deploys(site: Site) -> None:
    content = yaml.safe_load(site.stack_file.read_text())["config"]
    site.stack_file.unlink()  # the lab has one organization, and two stacks can't share it
    source = site.work.directory / "settings.yaml"
    source.write_text(yaml.safe_dump({k: v for k, v in content.items() if "secure" not in v}))
    assert "exctl survey" in exctl(site, "init", "--from", str(source), variables=SECRETS)
    assert f"next: exctl up --stack {STACK}" in told(site, "doctor").stderr
    up = told(site, "up", "--yes", "-m", "the beginning")
    assert f"next: exctl genesys check --survey --stack {STACK}" in up.stdout + up.stderr
    rows = json.loads(exctl(site, "status", "--json"))["instances"]
    assert [row["state"] for row in rows] == ["healthy"] * 4
    assert rows[0]["version"] == rows[0]["tag"]
    assert rows[0]["sync"].startswith("sync complete (HWM ")


def test_what_a_sync_has_made_is_compared_with_what_engage_has(site: Site) -> None:
    found = json.loads(exctl(site, "genesys", "check", "--survey", "--json"))
    assert found["engage"]["queues"] == 3
    assert "total-lower" not in {point["code"] for point in found["points"]}
    assert all(found["totals"][kind] >= number > 0 for kind, number in found["engage"].items())


def test_what_was_begun_can_be_handed_over_on_one_page(site: Site) -> None:
    page = site.work.directory / "report.html"
    exctl(site, "report", "--html", str(page))
    text = exctl(site, "report")
    for words in ("4 of 4 instances healthy", "no drift", "the beginning", "sha256:"):
        assert words in text
        assert words in page.read_text()
    assert "not deployed yet" not in text
    assert not [word for word in SECRETS.values() if word in text + page.read_text()]
    assert "v1:" not in text + page.read_text()


def test_the_transaction_for_engage_has_the_secret_only_if_it_is_wanted(site: Site) -> None:
    assert settings.ORG_ID in exctl(site, "transaction")
    run = site.work.exctl("transaction", "--cfg", "--with-secrets", "--stack", STACK)
    assert run.stdout.count(settings.OAUTH_CLIENT_SECRET) == 4


def test_watching_draws_in_place_until_ctrl_c(site: Site) -> None:
    ours, theirs = pty.openpty()
    command = ["setsid", "--ctty", "--wait", "exctl", "status", "--stack", STACK, "--watch"]
    process = subprocess.Popen(
        [*command, "--interval-seconds", "0.3"],
        cwd=site.work.directory,
        env=site.work.environment | {"TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown, deadline = "", time.monotonic() + 30
    try:
        while shown.count("4 of 4 healthy") < 3:
            assert time.monotonic() < deadline, shown
            if select.select([ours], [], [], 1)[0]:
                shown += os.read(ours, 65536).decode()
        os.write(ours, b"\x03")
        assert process.wait(10) == 130
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert "\x1b[1A" in shown  # the cursor goes up, instead of a table below the other
    assert "Traceback" not in shown


def test_the_stack_ends_as_it_began(site: Site) -> None:
    exctl(site, "destroy", "--yes")
    assert all(site.containers(key) == [] for key in site.hosts)
