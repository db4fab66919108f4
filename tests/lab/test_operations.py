"""Stories of operating a deployed site: versions, releases, drift, secrets, killed runs.

Each story begins with the site deployed and well, or with nothing. The numbers that it proves stand
at the end of the test run: seconds without any instance of a pair, how often EXCS was replaced.
"""

from __future__ import annotations

import json
import signal
import tarfile
import time

import pytest

from tests.lab.conftest import PAIR, Site
from tests.lab.operator import CRASHES, NEW, OLD, Running, costing_nothing, exctl, locks, releases
from tests.lab.reliability import faced
from tests.lab.workspace import STACK

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("ready")]


@pytest.mark.usefixtures("undeployed")
def test_a_finding_is_told_once_for_all_hosts_and_can_be_waived(site: Site) -> None:
    site.set_fault("infra", "redis-down")
    before = site.stack_file.read_text()
    try:
        told = exctl(site, "doctor", code=4).stdout
        (line,) = (line for line in told.splitlines() if line.startswith("FAILED"))
        assert f"{site.hosts['excs']} and 3 more" in line
        assert "redis-reach" in line
        waiver = "waive:\n      redis-reach: Redis comes with the deployment"
        site.stack_file.write_text(before.replace("waive:", waiver))
        assert "Redis comes with the deployment" in exctl(site, "doctor").stdout
    finally:
        site.stack_file.write_text(before)
        site.clear_faults("infra")


@pytest.mark.usefixtures("undeployed")
def test_the_first_deployment_is_release_one(site: Site) -> None:
    exctl(site, "up", "--yes", "-m", "the beginning")
    (first,) = releases(site)
    assert first["number"] == 1
    assert first["message"] == "the beginning"
    assert first["images"]["excp-1"]["tag"] == OLD
    assert any("sync complete" in gate for gate in first["gates"])
    assert "no drift" in exctl(site, "drift").stdout


def test_an_update_is_a_release_and_costs_no_moment_of_the_pair(
    site: Site, request: pytest.FixtureRequest
) -> None:
    with costing_nothing(site, request):
        exctl(site, "update", "excp", "--pair", "1", "--tag", NEW, "--yes")
    before, after = releases(site)[-2:]
    assert [release["images"]["excp-1"]["tag"] for release in (before, after)] == [OLD, NEW]
    numbers = (str(release["number"]) for release in (before, after))
    assert "excp-1: 100.0.100.11" in exctl(site, "releases", *numbers).stdout


def test_an_update_that_crashes_goes_back_by_itself(
    site: Site, request: pytest.FixtureRequest
) -> None:
    peer = site.container_id_on_host("excp-1-2")
    text, number = site.stack_file.read_text(), releases(site)[-1]["number"]
    with costing_nothing(site, request):
        run = exctl(site, "update", "excp", "--tag", CRASHES, "--yes", code=3)
    assert f"exctl: rolled back: release {number} runs again" in run.stderr
    assert "cannot start" in run.stderr
    assert [site.version(key) for key in PAIR] == [OLD, OLD]
    assert site.container_id_on_host("excp-1-2") == peer
    assert site.stack_file.read_text() == text
    assert CRASHES in (site.work.directory / f".exec/{site.stack_file.name}.failed").read_text()
    line, then = "cannot start", "by itself: rolled back"
    faced(request, "image-crashes-first", run.stderr, line, code=3, then=then)


def test_the_release_before_comes_back_though_the_registry_is_down(
    site: Site, request: pytest.FixtureRequest
) -> None:
    number = releases(site)[-1]["number"]
    exctl(site, "update", "excp", "--pair", "1", "--tag", NEW, "--yes")
    site.set_fault("infra", "registry-down")
    try:
        with costing_nothing(site, request):
            exctl(site, "rollback", "excp", "--pair", "1", "--yes")
    finally:
        site.clear_faults("infra")
    assert [site.version(key) for key in PAIR] == [OLD, OLD]
    assert releases(site)[-1]["message"] == f"rollback of excp pair 1 to release {number}"


def test_the_vendors_words_stop_and_start_one_instance(site: Site) -> None:
    exctl(site, *["--action", "stop", "--service", "excp", "--pair", "1", "--host", "2", "--yes"])
    assert site.containers("excp-1-2") == []
    assert site.codes()["excp-1-1"] == 200
    exctl(site, *["--action=start", "--service=excp", "--pair", "1", "--host", "2", "--yes"])
    assert site.codes() == dict.fromkeys(("excs", "exas", *PAIR), 200)


def test_a_restart_gives_new_containers_one_after_the_other(
    site: Site, request: pytest.FixtureRequest
) -> None:
    before = site.container_ids()
    with costing_nothing(site, request):
        exctl(site, "restart", "excp", "--yes")
    after = site.container_ids()
    assert all(before[key] != after[key] for key in PAIR)
    assert before["exas"] == after["exas"]


def test_drift_tells_what_somebody_did_to_the_hosts_and_up_puts_it_right(site: Site) -> None:
    site.docker("excp-1-1", "stop", "-t", "1", "excp-1-1")
    site.docker("exas", "rm", "-f", "exas")
    labels = ("--label", f"exec.stack={STACK}")
    image = site.inspect("excs")["Image"]
    site.docker("excs", "create", "--name", "stray", *labels, image)
    site.work.edit("excp.pairs.1.stop_grace_seconds", 31)
    try:
        found = json.loads(exctl(site, "drift", "--json", code=4).stdout)
        told = {(row["kind"], row["instance"]) for row in found}
        assert told == {
            ("host changed", "excp-1-1"),
            ("host changed", "exas"),
            ("host changed", "stray"),
            ("not yet deployed", "excp-1-1"),
            ("not yet deployed", "excp-1-2"),
        }
    finally:
        site.docker("excs", "rm", "stray")
    exctl(site, "up", "--yes")
    assert "no drift" in exctl(site, "drift").stdout


def test_logs_of_all_hosts_come_in_one_stream_by_time(site: Site) -> None:
    lines = exctl(site, "logs", "--since", "1h").stdout.splitlines()
    assert {line.split()[0] for line in lines} == {"excs", "exas", *PAIR}
    times = [line.split()[1] for line in lines]
    assert times == sorted(times)
    only = exctl(site, "logs", "exas", "--grep", "starts").stdout.splitlines()
    assert only
    assert all("exas" in line and "starts" in line for line in only)
    rows = [json.loads(line) for line in exctl(site, "logs", "excp", "--json").stdout.splitlines()]
    assert {(row["instance"], row["host"]) for row in rows} == {(k, site.hosts[k]) for k in PAIR}
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)


def test_a_command_and_a_shell_run_in_an_instances_container(site: Site) -> None:
    script = "import sys; print('said'); print('complained', file=sys.stderr); sys.exit(7)"
    run = exctl(site, "exec", "excp-1-2", "--", "python3", "-c", script, code=7)
    assert run.stdout == "said\n"
    assert "complained" in run.stderr
    script = "import sys; print(sys.stdin.read().upper())"
    run = exctl(site, "exec", "exas", "--", "python3", "-c", script, text="through stdin")
    assert run.stdout == "THROUGH STDIN\n"
    # The stand-ins' image has no shell: one that asks for its exit code stands for it.
    made = site.host("excs").directory / "sh"
    made.write_text(
        "#!/usr/bin/python3\nimport os, sys\n"
        "print('a terminal:', os.isatty(0), flush=True)\nsys.exit(int(input()))\n"
    )
    made.chmod(0o755)
    site.docker("excs", "cp", str(made), "excs:/usr/bin/sh")
    shell = Running(site, "shell", "excs", terminal=True)
    shell.wait_for("a terminal: True")
    shell.type("3\n")
    shell.end(3)
    refused = exctl(site, "exec", "excp-9-1", "--", "ls", code=2)
    assert "the stack has excs, exas, excp-1-1, excp-1-2." in refused.stderr


def test_a_rotated_secret_reaches_its_service_and_nobody_else(site: Site) -> None:
    value = "a-new-word-for-config-server"
    pair = {key: site.container_id_on_host(key) for key in PAIR}
    run = exctl(site, "rotate", "configServerPassword", "--yes", text=f"{value}\n")
    assert value not in run.text
    assert f"CONFIG_SERVER_PASSWORD={value}" in site.inspect("excs")["Config"]["Env"]
    assert {key: site.container_id_on_host(key) for key in PAIR} == pair
    for path in site.work.directory.rglob("*"):
        if path.is_file() and not path.is_symlink() and "home" not in path.parts:
            assert value.encode() not in path.read_bytes(), path


def test_a_support_bundle_holds_no_secret(site: Site) -> None:
    archive = site.work.directory / "bundle.tar.gz"
    exctl(site, "support-bundle", "--to", str(archive))
    assert archive.stat().st_mode & 0o077 == 0
    with tarfile.open(archive) as tar:
        texts = {m.name: tar.extractfile(m).read().decode() for m in tar}  # type: ignore[union-attr]
    assert f"exec-{STACK}/excp-1-2/log.txt" in texts
    assert "healthy" in texts[f"exec-{STACK}/status.json"]
    assert "exctl up" in texts[f"exec-{STACK}/runs.txt"]
    assert [name for name in texts if "/runs/" in name]
    for text in texts.values():
        assert not [secret for secret in site.secrets if secret in text]
        assert "v1:" not in text


def test_what_a_killed_run_left_is_unlocked_and_finished(site: Site) -> None:
    site.set_fault("exas", "hang")
    running = Running(site, "restart", "exas", "--yes")
    running.wait_for("exas: container started")
    busy = exctl(site, "up", "--yes", code=1)
    assert "Nothing was touched" in busy.text
    assert "exctl unlock" in busy.text
    still = exctl(site, "unlock", "--yes", code=1)
    assert "STILL RUNS" in still.text
    running.kill()
    site.clear_faults("exas")
    assert "no longer runs" in exctl(site, "unlock", "--yes").text
    exctl(site, "up", "--yes")
    assert site.codes() == dict.fromkeys(("excs", "exas", *PAIR), 200)


def test_ctrl_c_finishes_the_step_under_way_and_says_where_things_are(site: Site) -> None:
    before = site.container_ids()
    running = Running(site, "restart", "excp", "--yes")
    site.wait_until(lambda: "excp-1-1" in changed(site, before), "the first to restart", 90)
    running.cut(signal.SIGINT)
    assert "To resume: exctl up" in running.end(130)
    assert changed(site, before) == ["excp-1-1"]
    assert locks(site) == []
    exctl(site, "up", "--yes")
    assert site.codes() == dict.fromkeys(("excs", "exas", *PAIR), 200)


def changed(site: Site, before: dict[str, str]) -> list[str]:
    """The instances of the pair whose container runs and isn't the one of before."""
    return [
        key
        for key in PAIR
        if (now := site.containers(key)) and now != [before[key]] and site.codes()[key] is not None
    ]


def test_a_stack_leaves_as_the_vendors_env_and_comes_back_the_same(site: Site) -> None:
    given = exctl_with_secrets(site)
    env = site.work.directory / "vendor.env"
    env.write_text(given.replace("6662cb10", "7772cb10"))  # two stacks can't have one organization
    exctl(site, "import-env", str(env), "--stack", "copy")
    copy = site.work.directory / "Pulumi.copy.yaml"
    try:
        assert not [secret for secret in site.secrets if secret in copy.read_text()]
        back = site.work.exctl("export-env", "--with-secrets", "--stack", "copy").stdout
        assert back == env.read_text()
    finally:
        copy.unlink()
        env.unlink()


def exctl_with_secrets(site: Site) -> str:
    run = site.work.exctl("export-env", "--with-secrets", "--stack", STACK)
    assert run.code == 0, run.text
    return run.stdout


def test_destroy_leaves_no_container(site: Site) -> None:
    exctl(site, "destroy", "--yes")
    time.sleep(0.1)
    assert {key: site.containers(key) for key in site.hosts} == {key: [] for key in site.hosts}
