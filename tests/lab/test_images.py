"""Stories of images: the vendor's archives, interrupted uploads, tags that are pushed over, and
what may go from the hosts.

Each story starts from what the one before it left.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from lab import settings
from tests.lab import operator
from tests.lab.conftest import PAIR, Site
from tests.lab.prober import Watch
from tests.lab.workspace import STACK, Run

pytestmark = [
    pytest.mark.lab,
    pytest.mark.long,
    pytest.mark.in_order,
    pytest.mark.usefixtures("no_images"),
]

ENTRY = operator.starting("excp")
LOADED, CUT, SAVED = "100.0.100.31", "100.0.100.32", "100.0.100.33"


def start(site: Site, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["exctl", *arguments],
        cwd=site.work.directory,
        env={
            **site.work.environment,
            "PULUMI_STACK": STACK,
            "XDG_CACHE_HOME": str(site.work.directory / "cache"),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(site: Site, process: subprocess.Popen[str], code: int) -> Run:
    """The command's end, which must have this code and tell no secret."""
    stdout, stderr = process.communicate(timeout=300)
    run = Run(process.returncode, stdout, stderr, 0.0)
    assert run.code == code, run.text
    assert not [secret for secret in site.secrets if secret in run.text]
    assert "Traceback" not in run.text
    return run


def exctl(site: Site, *arguments: str, code: int = 0) -> Run:
    return ended(site, start(site, *arguments), code)


def archive(site: Site, name: str, version: str) -> Path:
    """An archive of the vendor's, under another version's name."""
    path = site.work.directory / f"{name}-{version}.tgz"
    path.symlink_to(operator.archive(site, name, operator.NEW))
    return path


def listed(site: Site, *arguments: str) -> dict[str, dict[str, Any]]:
    """Digest → its row in `images list`."""
    found = json.loads(exctl(site, "images", "list", "--json", *arguments).stdout)
    assert found["unknown"] == {}
    return {row["digest"]: row for row in found["images"]}


def digest_in(text: str) -> str:
    (found,) = {word.strip(",") for word in text.split() if word.startswith("sha256:")}
    return found


def image_digests(site: Site, key: str) -> list[str]:
    """The digests that the host knows the container's image by."""
    image = site.inspect(key)["Image"]
    (found,) = json.loads(site.docker(key, "image", "inspect", image))
    return [digest.rpartition("@")[2] for digest in found["RepoDigests"]]


def uploads(site: Site) -> set[str]:
    return {path.name for path in (site.work.directory / "cache").rglob("uploads/*.json")}


def registry(site: Site, method: str, path: str) -> requests.Response:
    return requests.request(
        method,
        f"http://{site.lab.plan.registry}/v2/exec/{path}",
        auth=(settings.REGISTRY_USER, settings.REGISTRY_PASSWORD),
        headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
        timeout=10,
    )


def in_a_process_list(secrets: tuple[str, ...]) -> list[str]:
    """The command lines of this machine, hosts of the lab and all, that hold a secret."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().decode("utf-8", "replace")
        except OSError:  # it has ended meanwhile
            continue
        if any(secret in line for secret in secrets):
            found.append(line)
    return found


def test_the_vendors_archive_is_loaded_and_deployed(site: Site) -> None:
    site.work.edit("releases.keep", 2)
    exctl(site, "up", "--yes")
    run = exctl(site, "images", "load", str(archive(site, "excp", LOADED)), *ENTRY)
    assert "a root file system, whole" in run.stderr
    assert "pushed and verified" in run.stdout
    digest = digest_in(run.stdout)
    exctl(site, "update", "excp", "--tag", LOADED, "--yes")
    assert [site.version(key) for key in PAIR] == ["100.0.100.12"] * 2
    assert [image_digests(site, key) for key in PAIR] == [[digest]] * 2
    row = listed(site)[digest]
    assert (row["registry_tags"], sorted(row["running"])) == ([LOADED], list(PAIR))
    assert row["releases"] == [2]


def test_loading_it_again_finds_it_there_and_another_under_its_tag_is_refused(site: Site) -> None:
    path = site.work.directory / f"excp-{LOADED}.tgz"
    assert "is in the registry already" in exctl(site, "images", "load", str(path), *ENTRY).stdout
    refused = exctl(site, "images", "load", str(path), code=1)
    assert "--replace" in refused.stderr


def test_an_upload_that_was_stopped_goes_on_where_it_was(site: Site) -> None:
    words = ("images", "load", str(archive(site, "excp", CUT)), "--chunk-mib", "1")
    # Else the registry has the very layer: let it be another one.
    path = Path(words[2])
    data = path.resolve().read_bytes()
    path.unlink()
    path.write_bytes(data + gzip_of_nothing())
    process = start(site, *words)
    site.wait_until(lambda: bool(uploads(site)), "the first chunk to be there")
    os.killpg(process.pid, signal.SIGSTOP)
    assert in_a_process_list(site.secrets) == []
    os.killpg(process.pid, signal.SIGINT)
    os.killpg(process.pid, signal.SIGCONT)
    assert "Run the same command again to resume" in ended(site, process, 130).stderr
    assert registry(site, "GET", f"excp/manifests/{CUT}").status_code == 404
    run = exctl(site, *words)
    assert "MB were there already" in run.stderr
    assert "warning" in run.stderr  # no entry point was given
    assert uploads(site) == set()


def gzip_of_nothing() -> bytes:
    """A second member of a gzip stream: other bytes, the same content."""
    return subprocess.run(["gzip", "-cn"], input=b"", capture_output=True, check=True).stdout


def saved_with_two_layers(site: Site) -> Path:
    """What `docker save` writes for an image with a second layer of 40 MB."""
    key = "excp-1-1"
    host = site.host(key)
    image = f"{site.lab.plan.registry}/exec/excp:{SAVED}"
    host.run("docker", "create", "--name", "made", site.inspect(key)["Image"])
    (host.directory / "home/more").write_bytes(os.urandom(40_000_000))
    site.docker(key, "cp", f"{host.directory}/home/more", "made:/opt/more")
    site.docker(key, "commit", "made", image)
    site.docker(key, "rm", "made")
    path = site.work.directory / f"excp-{SAVED}.tar"
    with path.open("wb") as file:
        subprocess.run([*host.enter(), "docker", "save", image], stdout=file, check=True)
    site.docker(key, "image", "rm", image)
    return path


def test_a_load_that_was_killed_skips_the_layers_that_are_there(site: Site) -> None:
    words = ("images", "load", str(saved_with_two_layers(site)), "--chunk-mib", "1")
    process = start(site, *words)
    seen: set[str] = set()

    def is_second() -> bool:
        seen.update(uploads(site))
        return len(seen) == 2

    site.wait_until(is_second, "the second layer to begin", 120)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    run = exctl(site, *words)
    assert "a docker save archive, whole" in run.stderr
    assert "MB were there already" in run.stderr
    assert "warning" not in run.stderr


def test_a_saved_image_keeps_its_entry_point(site: Site) -> None:
    exctl(site, "update", "excp", "--tag", SAVED, "--yes")
    assert [site.codes()[key] for key in PAIR] == [200, 200]
    assert site.inspect("excp-1-1")["Config"]["Entrypoint"][-1] == "excp"


def test_what_only_older_releases_had_has_left_the_hosts(site: Site) -> None:
    tags = [tag for row in listed(site).values() for tag in row["host_tags"]]
    assert LOADED in tags, "the release before is kept"
    excp = [row for row in listed(site).values() if row["name"] == "excp" and row["hosts"]]
    assert {tag for row in excp for tag in row["host_tags"]} == {LOADED, SAVED}
    excs = [row for row in listed(site).values() if row["name"] == "excs" and row["hosts"]]
    assert [row["host_tags"] for row in excs] == [["100.0.100.11"]]


def test_a_tag_that_was_pushed_over_still_rolls_back_to_the_old_image(site: Site) -> None:
    """And with the registry down, though the host has followed the tag meanwhile."""
    (old,) = {d for d, row in listed(site).items() if LOADED in row["host_tags"]}
    again = site.work.directory / f"excp-{LOADED}.tgz"
    exctl(site, "images", "load", str(again), *ENTRY, "--env", "OTHER=1", "--replace")
    reference = f"{site.lab.plan.registry}/exec/excp:{LOADED}"
    image = site.docker("excp-1-1", "image", "inspect", "-f", "{{.Id}}", reference)
    # As a pull would: the tag leads elsewhere, the old image stays under its digest.
    site.docker("excp-1-1", "tag", f"{site.lab.plan.registry}/exec/excp:{SAVED}", reference)
    before = site.container_id_on_host("excs")
    site.set_fault("infra", "registry-down")
    try:
        with Watch(site.health_urls()) as watch:
            run = exctl(site, "rollback", "excp", "--pair", "1", "--to", "2", "--yes")
    finally:
        site.clear_faults("infra")
    assert "its tag is another image now" in run.stderr
    assert [image_digests(site, key) for key in PAIR] == [[old]] * 2
    assert site.inspect("excp-1-1")["Image"] == image.strip()
    assert f"tag: {LOADED}\n        digest: {old}" in site.stack_file.read_text()
    proven(site, watch, before)


def proven(site: Site, watch: Watch, excs_before: str) -> None:
    """No moment without any of the pair, and EXCS was left alone."""
    seconds = watch.seconds_without_any(site.url(key, "/health") for key in PAIR)
    replaced = int(site.container_id_on_host("excs") != excs_before)
    print(f"{seconds:.1f} s without the pair, EXCS replaced {replaced} times")
    assert (seconds, replaced) == (0, 0)


def test_one_host_of_a_pair_alone_never_gets_another_version(site: Site) -> None:
    vendors = ("--service=excp", "--pair", "1", "--host", "1", "--yes")
    update = exctl(site, "--action", "update", *vendors, "--tag", SAVED, code=2)
    assert "always have the same version" in update.stderr
    rollback = exctl(site, "--action", "rollback", *vendors, code=2)
    assert "always have the same version" in rollback.stderr


def test_another_tag_beside_the_pin_is_refused_before_anything_is_touched(site: Site) -> None:
    site.work.edit("excp.pairs.1.tag", SAVED)
    try:
        refused = exctl(site, "up", "--yes", code=2)
        assert "`digest` still pins the old image" in refused.stderr
    finally:
        site.work.edit("excp.pairs.1.tag", LOADED)


def test_prune_shows_what_it_would_take_and_leaves_what_is_needed_or_anothers(site: Site) -> None:
    excs = site.docker("excs", "image", "inspect", "-f", "{{.Id}}", site.inspect("excs")["Image"])
    elsewhere = f"{site.lab.plan.registry}/other/tool:1"
    ours = f"{site.lab.plan.registry}/exec/excp:100.0.100.12"
    site.docker("excp-1-1", "create", "--name", "made", site.inspect("excp-1-1")["Image"])
    site.docker("excp-1-1", "commit", "made", ours)
    site.docker("excp-1-1", "rm", "made")
    site.docker("excs", "tag", excs.strip(), elsewhere)
    refused = exctl(site, "images", "prune", code=1)
    assert ours in refused.stdout
    assert "--yes" in refused.stderr
    assert elsewhere not in refused.stdout
    assert "removed from 1 host" in exctl(site, "images", "prune", "--yes").stderr
    assert elsewhere in site.docker("excs", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    kept = {tag for row in listed(site).values() for tag in row["host_tags"]}
    assert kept == {"100.0.100.11", LOADED, SAVED}
    assert "nothing to prune" in exctl(site, "images", "prune").stderr


def test_an_image_that_the_registry_lost_comes_back_from_a_host(site: Site) -> None:
    (digest,) = {d for d, row in listed(site).items() if SAVED in row["registry_tags"]}
    assert registry(site, "DELETE", f"excp/manifests/{digest}").status_code == 202
    host = site.hosts["excp-1-2"]
    run = exctl(site, "images", "recover", f"excp:{SAVED}", "--host", host, "--via", host)
    assert "pushed and verified" in run.stdout
    assert "its digest is" in run.stdout
    assert registry(site, "GET", f"excp/manifests/{SAVED}").status_code == 200
    assert not (site.host("excp-1-2").directory / "home/.docker").exists()


def test_a_damaged_release_is_named_and_hinders_no_other(site: Site) -> None:
    path = site.work.directory / "releases" / STACK / "0001.yaml"
    text = path.read_text()
    path.write_text(text[: len(text) // 2])
    try:
        refused = exctl(site, "rollback", "1", "--yes", code=2)
        assert "can't be used as release 1" in refused.stderr
        assert "damaged" in exctl(site, "releases").stdout
        started = time.monotonic()
        assert "release 2" in exctl(site, "releases", "2").stdout
        print(f"releases takes {time.monotonic() - started:.1f} s")
    finally:
        path.write_text(text)
    shown = exctl(site, "releases", "1", "2").stdout
    assert "@@ exec:excp.pairs.1.tag" in shown
