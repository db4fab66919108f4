"""Stories of a site without a registry: archives straight onto hosts, and everything after that.

The lab's registry is down throughout, so that nothing can have come from it. Each story starts from
what the one before it left.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.lab.conftest import PAIR, Site
from tests.lab.operator import (
    NEW,
    OLD,
    Running,
    archive,
    costing_nothing,
    exctl,
    releases,
    starting,
    waive,
)

pytestmark = [
    pytest.mark.lab,
    pytest.mark.long,
    pytest.mark.in_order,
    pytest.mark.usefixtures("no_images", "without_registry"),
]


@pytest.fixture(scope="module")
def without_registry(site: Site) -> Iterator[float]:
    """When it began, in seconds since the epoch: the stories before had a registry."""
    began = time.time()
    site.work.edit("registry.repository", "none")
    site.work.remove("registry.username")
    site.work.remove("registry.insecure")
    site.set_fault("infra", "registry-down")
    yield began
    site.clear_faults("infra")


def pushed(site: Site, service: str, version: str, *more: str) -> str:
    run = exctl(site, "images", "push", archive(site, service, version), *starting(service), *more)
    return run.stdout


def image_id(site: Site, key: str) -> str:
    return str(site.inspect(key)["Image"])


def test_without_the_images_nothing_is_touched_and_the_way_is_said(site: Site) -> None:
    refused = exctl(site, "up", "--yes", code=1)
    assert "not on the host, and the stack has no registry" in refused.stderr
    assert "exctl images push ARCHIVE --host" in refused.stderr
    assert "registry-reach" not in refused.stderr
    # And where nobody looks before: Docker can't fetch it from a stranger.
    waive(site, "image")
    failed = exctl(site, "up", "--yes", code=1)
    site.work.remove("preflight.waive.image")
    assert "isn't on the host, and this stack has no registry" in failed.stderr
    assert not [key for key in site.hosts if site.containers(key)]


def test_archives_go_onto_the_hosts_and_the_stack_is_deployed(site: Site) -> None:
    for service in ("excs", "exas"):
        assert pushed(site, service, OLD).count("verified") == 1
    assert pushed(site, "excp", OLD).count("verified") == 2
    exctl(site, "up", "--yes")
    assert site.codes() == dict.fromkeys(site.hosts, 200)
    assert site.inspect("excs")["Config"]["Image"].startswith("sha256:")
    names = site.docker("excs", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
    assert names == [f"no-registry.invalid/exec/excs:{OLD}"]
    (release,) = releases(site)
    assert release["images"]["excp-1"]["digest"] == image_id(site, "excp-1-1")
    assert image_id(site, "excp-1-1") == image_id(site, "excp-1-2")
    assert "no changes" in exctl(site, "up", "--yes").text or len(releases(site)) == 1


def test_a_host_that_has_it_is_skipped(site: Site) -> None:
    said = pushed(site, "excp", OLD)
    assert said.count("already") == 2
    assert "verified" not in said


def test_what_one_run_was_killed_at_the_next_one_ends(site: Site) -> None:
    command = ("images", "push", archive(site, "excp", NEW), *starting("excp"))
    running = Running(site, *command)
    running.wait_for("whole")
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()
    assert pushed(site, "excp", NEW, "--host", site.hosts["excp-1-1"]).count(NEW) == 1
    assert pushed(site, "excp", NEW).count("already") == 1


def test_an_update_and_its_rollback_need_no_registry(
    site: Site, request: pytest.FixtureRequest
) -> None:
    before = image_id(site, "excp-1-1")
    with costing_nothing(site, request):
        exctl(site, "update", "excp", "--tag", NEW, "--yes")
        assert [site.version(key) for key in PAIR] == [NEW, NEW]
        exctl(site, "rollback", "--yes")
    assert [image_id(site, key) for key in PAIR] == [before] * 2


def test_a_tag_that_was_given_to_another_image_still_rolls_back(
    site: Site, request: pytest.FixtureRequest
) -> None:
    before = image_id(site, "excp-1-1")
    refused = exctl(
        site, "images", "push", archive(site, "excp", OLD), *starting("excp"), "--env", "A=1",
        code=2,
    )  # fmt: skip
    assert "another image under" in refused.stderr
    assert "Nothing was touched" in refused.stderr
    pushed(site, "excp", OLD, "--env", "A=1", "--replace")
    exctl(site, "update", "excp", "--tag", NEW, "--yes")
    with costing_nothing(site, request):
        run = exctl(site, "rollback", "excp", "--pair", "1", "--to", "1", "--yes")
    assert "its tag is another image now" in run.stderr
    assert [image_id(site, key) for key in PAIR] == [before] * 2
    assert f"digest: {before}" in site.stack_file.read_text()


def test_the_list_tells_where_each_image_is_without_asking_a_registry(site: Site) -> None:
    found = json.loads(exctl(site, "images", "list", "--json").stdout)
    assert found["unknown"] == {}
    running = {tuple(row["running"]) for row in found["images"] if row["running"]}
    assert {("excs",), ("exas",)} <= running
    refused = exctl(site, "images", "load", archive(site, "excs", OLD), *starting("excs"), code=2)
    assert "this stack has no registry" in refused.stderr


def test_nobody_on_the_hosts_has_asked_any_registry(site: Site, without_registry: float) -> None:
    for key in site.hosts:
        events = subprocess.run(
            [*site.host(key).enter(), "docker", "events", "--since", f"{without_registry:.3f}",
             "--until", "0s", "--filter", "event=pull"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert events.stdout == ""
