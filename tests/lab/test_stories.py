"""Stories of a deployment, told on a real lab with the operator's own commands.

Proves order, outages and recovery as they happen on hosts; the rules behind them are proved one by
one in tests/unit. Each story begins with the site deployed and well, or with nothing.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable

import pytest

from lab import settings
from stack.ssh import CONTROL_PATH
from tests.lab.conftest import PAIR, Site
from tests.lab.operator import CRASHES, NEW, OLD, watched
from tests.lab.prober import Watch
from tests.lab.reliability import faced
from tests.lab.workspace import STACK

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("ready")]


@pytest.mark.usefixtures("undeployed")
def test_the_first_deployment_starts_exas_and_excp_only_after_the_sync(site: Site) -> None:
    """All connections to hosts end while the gates wait for EXCS, as in a sync of half an hour."""
    site.forget_sync()
    early: list[str] = []
    ended: set[str] = set()
    with (
        Background(lambda: early.extend(started_before_the_sync(site))),
        Background(lambda: end_connections(site, ended)),
    ):
        run = site.work.up()
    assert ended == set(site.hosts.values())
    assert not early, f"containers that existed while EXCS was still syncing: {set(early)}"
    assert site.codes() == dict.fromkeys(("excs", "exas", *PAIR), 200)
    assert sync_status(site) == "Success"
    started = {key: site.started_at(key) for key in ("excs", "exas", *PAIR)}
    assert started["excs"] < started["exas"]
    assert started["exas"] < started["excp-1-2"]
    assert started["excp-1-1"] < started["excp-1-2"]
    assert "sync" in run.text


def test_each_container_has_its_own_secrets_only_and_none_is_in_clear_in_the_state(
    site: Site,
) -> None:
    exas = site.inspect("exas")["Config"]["Env"]
    assert any(line.startswith("REDIS_PASSWORD=") for line in exas)
    assert not any(line.startswith("CONFIG_DB_PASSWORD=") for line in exas)
    state = "".join(path.read_text() for path in site.work.backend.rglob("*.json"))
    for secret in site.secrets:
        assert secret not in state


def test_the_stack_outputs_name_every_endpoint(site: Site) -> None:
    outputs = site.work.outputs()
    assert {entry["instance"] for entry in outputs["endpoints"]} == {"excs", "exas", *PAIR}
    assert outputs["health"]["exas"] == site.url("exas", "/health")
    assert outputs["excs_status"] == site.url("excs", "/status")
    assert len(outputs["hosts"]) == 4
    assert outputs["release"]["excs"]["tag"] == OLD
    assert outputs["release"]["excs"]["digest"].startswith("sha256:")


def test_a_second_up_changes_nothing(site: Site) -> None:
    before = site.container_ids()
    run = site.work.up()
    assert site.container_ids() == before
    assert set(site.last_changes()) == {"same"}, run.text
    preview = site.work.pulumi("preview", "--stack", STACK, "--expect-no-changes")
    assert preview.code == 0, preview.text


def test_a_new_excp_tag_replaces_one_instance_after_the_other(site: Site) -> None:
    before = site.container_ids()
    site.work.edit("excp.pairs.1.tag", NEW)
    with Watch(site.health_urls()) as watch:
        site.work.up()
    after = site.container_ids()
    assert watch.seconds_without_any(site.url(key, "/health") for key in PAIR) == 0
    assert all(watch.was_ever_down(site.url(key, "/health")) for key in PAIR)
    assert not watch.was_ever_down(site.url("excs", "/health"))
    assert not watch.was_ever_down(site.url("exas", "/health"))
    assert (before["excs"], before["exas"]) == (after["excs"], after["exas"])
    assert all(site.version(key) == NEW for key in PAIR)
    assert site.started_at("excp-1-1") < site.started_at("excp-1-2")


def test_an_image_that_crashes_stops_at_the_first_instance_and_the_good_tag_repairs_it(
    site: Site,
) -> None:
    before = site.container_ids()
    site.work.edit("excp.pairs.1.tag", CRASHES)
    with Watch(site.health_urls()) as watch:
        run = site.work.exctl("up", "--stack", STACK, "--yes", "--no-rollback")
    assert run.code == 1
    assert "excp-1-1" in run.text
    assert site.hosts["excp-1-1"] in run.text
    assert "Traceback" not in run.text
    assert site.container_id_on_host("excp-1-2") == before["excp-1-2"]
    assert not watch.was_ever_down(site.url("excp-1-2", "/health"))
    site.work.edit("excp.pairs.1.tag", OLD)
    with Watch(site.health_urls()) as watch:
        site.work.up()
    assert site.container_id_on_host("excp-1-2") == before["excp-1-2"]
    assert watch.seconds_without_any(site.url(key, "/health") for key in PAIR) == 0
    assert site.codes() == dict.fromkeys(("excs", "exas", *PAIR), 200)


def test_the_guard_refuses_to_take_the_last_healthy_instance(
    site: Site, request: pytest.FixtureRequest
) -> None:
    before = site.container_ids()
    site.set_fault("excp-1-2", "hang")
    try:
        site.wait_until(lambda: site.codes()["excp-1-2"] != 200, "excp-1-2 to hang")
        words = ("restart", "excp", "--pair", "1", "--host", "1", "--stack", STACK, "--yes")
        with watched(site):
            run = site.work.exctl(*words)
        assert run.code == 1
        assert "--allow-outage" in run.text
        assert "excp-1-2" in run.text
        assert site.container_id_on_host("excp-1-1") == before["excp-1-1"]
        assert site.codes()["excp-1-1"] == 200
    finally:
        site.clear_faults("excp-1-2")
    site.wait_until(lambda: site.codes()["excp-1-2"] == 200, "excp-1-2 to answer again")
    line, then = "was not touched", "nothing was touched"
    faced(request, "peer-dead", run.stderr, line, code=1, then=then)


def test_what_was_stopped_or_removed_by_hand_is_put_right_by_up(
    site: Site, request: pytest.FixtureRequest
) -> None:
    before = site.container_ids()
    with watched(site):
        site.docker("exas", "stop", "--time", "2", "exas")
        site.docker("excp-1-1", "rm", "--force", "excp-1-1")
        run = site.work.up()
    assert f"exas on {site.hosts['exas']}: start again; it has stopped" in run.stderr
    assert "exas: container started again" in run.stderr
    after = site.container_ids()
    assert site.codes() == dict.fromkeys(("excs", "exas", *PAIR), 200)
    assert after["exas"] == before["exas"]
    assert after["excp-1-1"] != before["excp-1-1"]
    assert after["excp-1-2"] == before["excp-1-2"]
    line = "start again; it has stopped"
    faced(request, "removed-by-hand", run.stderr, line, code=0, then="`exctl up`")


def test_a_wrong_redis_password_names_redis(site: Site) -> None:
    site.work.secret("redisPassword", "not-the-password")
    site.work.edit("gate.deadline_seconds", 10)
    run = site.work.exctl("up", "--stack", STACK, "--yes")
    assert run.code == 1
    assert "redis" in run.text
    assert "not-the-password" not in run.text
    site.work.secret("redisPassword", site.redis_password)
    site.work.edit("gate.deadline_seconds", 60)
    site.work.up()
    assert site.codes() == dict.fromkeys(("excs", "exas", *PAIR), 200)


def test_destroy_leaves_no_container_and_no_state_but_the_log_files(site: Site) -> None:
    run = site.work.exctl("destroy", "--stack", STACK, "--yes")
    assert run.code == 0, run.text
    assert all(not site.containers(key) for key in ("excs", "exas", *PAIR))
    assert not site.work.rows()
    logs = site.lab.ssh(site.hosts["excs"], "find /var/log/exec -name 'excs*.log'")
    assert logs.stdout.strip(), "the log files of EXCS are gone"


@pytest.mark.usefixtures("undeployed")
def test_a_stuck_sync_fails_at_its_stall_limit_and_the_next_up_resumes_with_the_same_excs(
    site: Site,
) -> None:
    site.forget_sync()
    site.work.edit("excs.sync_gate.stall_seconds", 5)
    site.set_fault("excs", "sync_stuck")
    try:
        run = site.work.exctl("up", "--stack", STACK, "--yes", "--no-rollback")
        assert run.code == 1
        assert "5 seconds" in run.text or "5 s" in run.text
        assert not site.containers("exas")
        stuck = site.container_id_on_host("excs")
    finally:
        site.clear_faults("excs")
    site.work.up()
    assert site.container_id_on_host("excs") == stuck
    assert site.codes() == dict.fromkeys(("excs", "exas", *PAIR), 200)


def started_before_the_sync(site: Site) -> list[str]:
    """The containers besides EXCS's that exist while /status doesn't say Success."""
    if sync_status(site) == "Success":
        return []
    found = [key for key in ("exas", *PAIR) if site.containers(key)]
    # Asked again afterwards: the sync may have completed while we looked.
    return found if sync_status(site) != "Success" else []


def end_connections(site: Site, ended: set[str]) -> None:
    """Once EXCS answers at all, end what is connected to each host, once."""
    if not ended and site.answer_of_any_code("excs", "/health") is not None:
        for host in site.hosts.values():
            control = ("-O", "exit", "-o", f"ControlPath={CONTROL_PATH}", "-p", "22")
            command = ["ssh", *control, f"{settings.USER}@{host}"]
            if subprocess.run(command, capture_output=True).returncode == 0:
                ended.add(host)


def sync_status(site: Site) -> str:
    answer = site.answer("excs", "/status")
    return str(answer["data"]["updateStatus"]["status"]) if answer else "no answer"


class Background:
    """Calls `look` over and over, from its own thread, while the block runs."""

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._repeat)

    def _repeat(self) -> None:
        while not self._stop.wait(0.1):
            self._look()

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
