"""Stories of secrets: rotated without a moment of a pair lost, and to be read by nobody else.

A watcher looks at every process of this host, the lab's hosts' as well, and at every temporary file
while the stories run; at the end all that they have left is searched.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from health.probe import direct_probe
from lab import settings
from tests.lab.conftest import Site
from tests.lab.operator import NEW, OLD, costing_nothing, exctl, releases
from tests.lab.secret_watch import SecretWatch, files_with, spellings
from tests.lab.workspace import STACK

pytestmark = pytest.mark.lab

REDIS, CONFIG_SERVER = (f"{secrets.token_hex(12)}+/&?" for _ in range(2))
"""Unlike the lab's own, nobody else on this host can have these; a URL spells them otherwise."""
ARTEFACTS = "artefacts"
"""Where the story of commands has everything written that can be handed on."""


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where exctl, Pulumi and the program keep temporary files meanwhile."""
    directory = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(directory))
        yield directory


@pytest.fixture(scope="module")
def watch(site: Site, temporary: Path) -> Iterator[SecretWatch]:
    site.secrets = (*site.secrets, REDIS, CONFIG_SERVER)
    with SecretWatch((REDIS, CONFIG_SERVER), temporary) as found:
        yield found


@pytest.fixture(scope="module")
def deployed(site: Site, watch: SecretWatch) -> Iterator[Site]:
    site.work.edit("gate.interval_seconds", 0.2)
    exctl(site, "up", "--yes")
    try:
        yield site
    finally:
        redis(site, settings.REDIS_PASSWORD, "resetpass >")
        exctl(site, "destroy", "--yes")


def redis(site: Site, password: str, rule: str) -> None:
    """Makes a password valid in Redis (>), the only one (resetpass >), or ends it (<), whichever
    Redis takes now; on stdin, as an operator should."""
    said = ""
    for auth in (settings.REDIS_PASSWORD, REDIS):
        said = site.redis(stdin=f"ACL SETUSER default {rule}{password}\n", password=auth)
        if said.strip().endswith("OK"):
            return
    raise AssertionError(said)


def test_the_watcher_sees_a_secret_on_a_command_line_and_in_a_file(tmp_path: Path) -> None:
    word = secrets.token_hex(12)
    with SecretWatch([word], tmp_path) as found:
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.5)", word], check=True)
        (tmp_path / "left").write_text(f"password={word}")
        subprocess.run(["sleep", "0.3"], check=True)
    assert any("cmdline" in place for place in found.found)
    assert str(tmp_path / "left") in found.found


@pytest.mark.long
def test_a_redis_password_is_rotated_while_both_are_valid_and_costs_no_pair(
    deployed: Site, request: pytest.FixtureRequest
) -> None:
    redis(deployed, REDIS, ">")
    with costing_nothing(deployed, request, excs_replaced=1, without_excs=True):
        exctl(deployed, "rotate", "redisPassword", "--yes", text=f"{REDIS}\n")
        redis(deployed, settings.REDIS_PASSWORD, "<")
        exctl(deployed, "restart", "excp", "--pair", "1", "--host", "1", "--yes")
    assert set(deployed.codes().values()) == {200}
    assert releases(deployed)[-1]["message"] == "rotate redisPassword"


@pytest.mark.long
def test_a_rollback_across_a_rotated_password_names_the_way_that_keeps_it(deployed: Site) -> None:
    site = deployed
    if "rotate redisPassword" not in [release["message"] for release in releases(site)]:
        redis(site, REDIS, ">")
        exctl(site, "rotate", "redisPassword", "--yes", text=f"{REDIS}\n")
        redis(site, settings.REDIS_PASSWORD, "<")
    exctl(site, "update", "excp", "--tag", NEW, "--yes")
    refused = exctl(site, "rollback", "1", "--yes", code=1)
    assert "the preflight stops this: redis-login." in refused.stderr
    assert "Set since release 1: redisPassword." in refused.stderr
    assert "exctl rollback 1 --keep-secrets --stack dev" in refused.stderr
    assert refused.stderr.endswith("Nothing was touched.\n")
    exctl(site, "rollback", "1", "--keep-secrets", "--yes")
    assert site.version("excp-1-1") == OLD
    assert set(site.codes().values()) == {200}


def test_a_rotated_secret_reaches_its_service_and_no_other(deployed: Site) -> None:
    before = deployed.container_ids()
    exctl(deployed, "rotate", "configServerPassword", "--yes", text=f"{CONFIG_SERVER}\n")
    changed = {key for key, found in deployed.container_ids().items() if found != before[key]}
    assert changed == {"excs"}
    assert f"CONFIG_SERVER_PASSWORD={CONFIG_SERVER}" in deployed.inspect("excs")["Config"]["Env"]


def test_no_command_tells_a_secret(deployed: Site) -> None:
    """`exctl` of the stories fails on any output that holds one."""
    deployed.set_fault("excp-1-1", "crash_at_start")
    exctl(deployed, "update", "excp", "--tag", NEW, "--yes", code=1)
    deployed.clear_faults("excp-1-1")
    exctl(deployed, "up", "--yes")
    for words in ("status --json", "logs --since 1h", "doctor", "preview --json", "topology"):
        exctl(deployed, *words.split())
    exctl(deployed, "drift")
    exctl(deployed, "releases", "--json")
    exctl(deployed, "releases", "1", "2")
    exctl(deployed, "support-bundle", "--to", "bundle.tar.gz")
    to = deployed.work.directory / ARTEFACTS
    to.mkdir()
    writes = {
        "history.json": "history --json",
        "run.json": "history --json 1",
        "audit.json": "audit --json",
        "fleet.json": "fleet status --json",
        "genesys.json": "genesys check --json",
    }
    for name, words in writes.items():
        (to / name).write_text(exctl(deployed, *words.split()).stdout)
    survey = ("survey", "--html", f"{ARTEFACTS}/survey.html")
    assert deployed.work.exctl(*survey, "--stack", STACK).code in (0, 4)
    exctl(deployed, "report", "--html", f"{ARTEFACTS}/report.html")
    exctl(deployed, "topology", "--svg", f"{ARTEFACTS}/topology.svg")
    exctl(deployed, "monitoring", "export", f"{ARTEFACTS}/monitoring")
    deployed.work.edit("exas.environment", {"SHIFT": "late"})
    exctl(deployed, "plan", "--out", f"{ARTEFACTS}/plan.json", "-m", "ticket 7")
    deployed.work.remove("exas.environment")
    (to / "metrics").write_text(metrics(deployed))


def metrics(site: Site) -> str:
    """What the exporter says once it has looked at everything."""
    address = f"{site.lab.plan.operator}:9641"
    exporter = site.work.start("exctl", "exporter", "--listen", address, "--stack", STACK)
    try:
        site.wait_until(lambda: b"exec_" in direct_probe(1)(f"http://{address}/metrics").body,
                        "the exporter", 60)  # fmt: skip
        return direct_probe(2)(f"http://{address}/metrics").body.decode()
    finally:
        exporter.terminate()
        exporter.communicate(timeout=20)


def test_nothing_that_is_left_holds_a_secret(
    deployed: Site, watch: SecretWatch, temporary: Path
) -> None:
    wanted = spellings(deployed.secrets)
    if not (deployed.work.directory / ARTEFACTS).exists():
        test_no_command_tells_a_secret(deployed)
    # The stack file of the kept releases too; what the lab itself has lies behind a link.
    assert files_with(wanted, deployed.work.directory) == []
    assert files_with(wanted, temporary) == []
    with tarfile.open(deployed.work.directory / "bundle.tar.gz") as tar:
        for member in tar:
            content = tar.extractfile(member)
            assert content is not None
            text = content.read()
            assert not [secret for secret in wanted if secret in text], member.name
    for key in deployed.hosts:
        host = deployed.host(key)
        for place in (host.directory / "logs", host.directory / "home", host.root / "var/log"):
            assert files_with(wanted, place) == [], key
        labels = deployed.docker(key, "inspect", "--format", "{{json .Config.Labels}}", key)
        command = deployed.docker(key, "inspect", "--format", "{{json .Args}}", key)
        said = (labels + command + deployed.docker(key, "logs", key)).encode()
        assert not [secret for secret in wanted if secret in said], key


def test_no_process_and_no_temporary_file_has_shown_a_secret(watch: SecretWatch) -> None:
    assert watch.looks > 50
    assert watch.found == set()
