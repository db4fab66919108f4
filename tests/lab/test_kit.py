"""Stories of a site without any network: a kit is built here, carried there, and deploys the stack.

There is a network namespace with a cable to the lab's hosts and no route to anywhere else; the
registry is down; and whoever works there is nobody in particular, with the system's own PATH.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kit import archive, wheels
from kit.contents import DESCRIPTION, SIGNATURE, description_in
from lab import network, settings
from tests.lab.conftest import Site
from tests.lab.operator import exctl
from tests.lab.workspace import CLONE, STACK, Run
from tests.unit.kit import kits

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.usefixtures("no_images")]

NOBODY = 65534
ADDRESS = 200
STEP_SECONDS = 300
PYTHON = "3.11"
"""Debian 12's."""


@dataclass(frozen=True)
class Outpost:
    """The machine without a network; `home` is its user's."""

    home: Path
    namespace: str

    @property
    def directory(self) -> Path:
        return self.home / "exec"

    def run(self, *command: str, cwd: Path | None = None, code: int = 0) -> Run:
        """A command there, which must end with this code."""
        run = subprocess.run(
            [
                *("nsenter", f"--net=/run/netns/{self.namespace}", "--"),
                *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
                *("env", "-i", f"HOME={self.home}", "LANG=C.UTF-8", "NO_COLOR=1"),
                f"PATH={self.directory}/bin:/usr/bin:/bin",
                *("PULUMI_CONFIG_PASSPHRASE=lab", f"PULUMI_STACK={STACK}"),
                f"PULUMI_HOME={self.home}/.pulumi",  # nobody has no home of their own
                *command,
            ],
            cwd=cwd or self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS,
        )
        assert run.returncode == code, run.stdout + run.stderr
        assert "Traceback" not in run.stderr
        return Run(run.returncode, run.stdout, run.stderr, 0)

    def exctl(self, *arguments: str, code: int = 0) -> Run:
        return self.run("exctl", *arguments, code=code)

    def give(self, source: Path, name: str) -> None:
        """Carries a file into the home."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, path)
        subprocess.run(["chown", "-R", str(NOBODY), str(self.home)], check=True)


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    return kits.allowed(directory / "signers", kits.key_at(directory / "key"))


def wheels_at_hand() -> dict[str, str]:
    """Variables by which pip takes the wheels from this host, where they are fetched once."""
    locks = [CLONE / "requirements.txt", CLONE / "kit/requirements.txt"]
    names = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()[:16]
    directory = settings.cache_directory() / f"wheels-{names}"
    if not directory.exists():
        with tempfile.TemporaryDirectory(dir=directory.parent) as work:
            made = Path(work, "made")
            made.mkdir()
            for lock in locks:
                wheels.download(lock, PYTHON, made)
            made.rename(directory)
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(directory)}


def a_commit_of_this_tree(directory: Path) -> dict[str, str]:
    """Variables by which git finds one, whether the tree is a clone or came some other way."""
    found = {"GIT_DIR": str(directory), "GIT_WORK_TREE": str(CLONE)}
    author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (("init", "-q"), ("add", "-A"), (*author, "commit", "-qm", "as it is")):
        subprocess.run(["git", *words], env={**os.environ, **found}, check=True)
    return found


@pytest.fixture(scope="module")
def kit(site: Site, signers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built for the machine's own Python, with the images as the stack's registry has them."""
    directory = tmp_path_factory.mktemp("kit")
    out = directory / "kit.tar"
    site.work.variables |= wheels_at_hand() | a_commit_of_this_tree(directory / "git")
    words = ("--python", PYTHON, "--stack", STACK, "--key", str(signers.with_name("key")))
    exctl(site, "kit", "build", "--out", str(out), *words)
    for name in ("GIT_DIR", "GIT_WORK_TREE"):
        del site.work.variables[name]
    return out


@pytest.fixture(scope="module")
def outpost(site: Site, kit: Path, signers: Path) -> Iterator[Outpost]:
    """With the kit unpacked, the stack file, and the key to the hosts."""
    plan = site.lab.plan
    namespace = plan.namespace("outpost")
    network.ip("netns", "add", namespace)
    cable = f"{plan.bridge}.o"
    network.batch(
        [
            f"link add {cable} type veth peer name eth0 netns {namespace}",
            f"link set {cable} master {plan.bridge} up",
        ]
    )
    address = f"addr add {plan.address(ADDRESS)}/{plan.subnet.prefixlen} dev eth0"
    network.batch([address, "link set lo up", "link set eth0 up"], namespace)
    home = Path(tempfile.mkdtemp(prefix="exec-outpost-", dir="/var/tmp"))
    found = Outpost(home, namespace)
    try:
        found.give(kit, "kit.tar")
        found.give(signers, "signers")
        found.run("tar", "-xf", "kit.tar", cwd=home)
        yield found
    finally:
        network.ip("netns", "delete", namespace)
        shutil.rmtree(home)


def unpacked(outpost: Outpost) -> Path:
    (found,) = outpost.home.glob("exec-kit-*")
    return found


@pytest.fixture(scope="module")
def installed(site: Site, outpost: Outpost) -> Outpost:
    """The kit installed there, a stack file without a registry, and the registry gone."""
    installing = ("./install", "--dir", str(outpost.directory), "--signers", "../signers")
    said = outpost.run(*installing, cwd=unpacked(outpost)).stdout
    assert "signed by builder@example.com" in said
    site.work.edit("registry.repository", "none")
    site.work.remove("registry.username")
    site.work.remove("registry.insecure")
    site.set_fault("infra", "registry-down")
    outpost.give(site.stack_file, f"exec/{site.stack_file.name}")
    for name in ("ssh/id_ed25519", "ssh/known_hosts", "ca.pem"):
        outpost.give(site.lab.directory / name, f"exec/.lab/{name}")
    return outpost


def test_there_is_no_way_out_and_no_toolchain(outpost: Outpost) -> None:
    routes = json.loads(network.ip("-n", outpost.namespace, "-j", "route"))
    assert [route["dst"] for route in routes] == [str(outpost_subnet(outpost))]
    outpost.run("sh", "-c", "! command -v go gcc cc pulumi pip", cwd=outpost.home)
    outpost.run("test", "!", "-r", str(Path.home() / ".cache"), cwd=outpost.home)


def outpost_subnet(outpost: Outpost) -> str:
    (address,) = json.loads(network.ip("-n", outpost.namespace, "-j", "addr", "show", "eth0"))
    local: str = next(a["local"] for a in address["addr_info"] if a["family"] == "inet")
    return local.rpartition(".")[0] + ".0/24"


def test_a_stack_is_deployed_from_the_kit_alone(site: Site, installed: Outpost) -> None:
    said = installed.exctl("images", "push", "../kit.tar").stdout
    assert said.count("verified") == len(site.hosts)
    said = installed.exctl("images", "push", str(unpacked(installed))).stdout
    assert said.count("already") == len(site.hosts)
    installed.exctl("up", "--yes")
    assert site.codes() == dict.fromkeys(site.hosts, 200)
    rows = json.loads(installed.exctl("status", "--json").stdout)["instances"]
    assert [row["state"] for row in rows] == ["healthy"] * len(site.hosts)


def test_an_upgrade_keeps_stack_state_and_releases_and_a_second_installation_changes_nothing(
    site: Site, installed: Outpost
) -> None:
    """The newer kit is the same one with a later date: what else is in it doesn't matter here."""
    kit, directory = unpacked(installed), installed.directory
    again = installed.run("./install", "--dir", str(directory), cwd=kit).stdout
    assert "is installed in" in again
    assert "already" in again
    if not (directory / "releases").exists():  # this story alone
        installed.exctl("images", "push", str(kit))
        installed.exctl("up", "--yes")
    releases, containers = installed.exctl("releases", "--json").stdout, site.container_ids()
    before = description_in(kit)
    assert before is not None
    newer = replace(before, committed=before.committed + 1, revision="f" * 40)
    (kit / DESCRIPTION).write_text(newer.text())
    (kit / SIGNATURE).unlink()
    archive.write_checksums(kit)
    said = installed.run("./install", "--dir", str(directory), cwd=kit).stdout
    assert f"upgraded to {newer.name}" in said
    assert "(fffffff)" in installed.exctl("--version").stdout
    assert installed.exctl("releases", "--json").stdout == releases
    installed.exctl("up", "--yes")
    assert site.container_ids() == containers


def test_an_uninstallation_leaves_the_operators_files_and_the_containers(
    site: Site, installed: Outpost
) -> None:
    installed.exctl("status", "--json", code=0 if site.codes()["excs"] == 200 else 4)
    there = {path.name for path in installed.directory.iterdir()}
    containers = {key: site.containers(key) for key in site.hosts}
    said = installed.run("./uninstall").stdout
    left = {path.name for path in installed.directory.iterdir()}
    assert left <= {site.stack_file.name, ".exec", ".lab", "releases"}
    assert all(name in said for name in left)
    assert left < there
    assert {key: site.containers(key) for key in site.hosts} == containers
    assert not (os.path.lexists(installed.home / ".pulumi/plugins"))
