"""The whole lab: up, down, and the way into its hosts."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from lab import exec_host, images, infra, network, settings
from lab.errors import LabError
from lab.host import LabHost, remove_cgroups
from lab.settings import Plan

OWNERS = Path("/run/exec-lab")
"""One file for each lab on this host, named after its subnet: whose clone's it is."""


class Lab:
    """A lab that is up, or could be."""

    def __init__(self, plan: Plan, directory: Path) -> None:
        self.plan = plan
        self.directory = directory
        self.hosts = {
            name: LabHost(plan, name, directory / "hosts" / name) for name in plan.addresses
        }

    @property
    def exec_hosts(self) -> list[LabHost]:
        return [self.hosts[name] for name in self.plan.exec_hosts]

    def host(self, name_or_address: str) -> LabHost:
        for host in self.hosts.values():
            if name_or_address in (host.name, *self.plan.addresses[host.name]):
                return host
        raise LabError(
            f"the lab has no host {name_or_address}; it has: {', '.join(sorted(self.hosts))}"
        )

    @property
    def is_up(self) -> bool:
        return all(host.pid for host in self.hosts.values())

    @property
    def is_ours(self) -> bool:
        """Whether this clone has made, or begun to make, a lab on this subnet."""
        owner = OWNERS / self.plan.tag
        return owner.exists() and owner.read_text() == str(self.directory)

    def start(self, objects: int, rate_per_minute: int) -> None:
        """Makes everything again; raises LabError, cleaned up, if a part doesn't start."""
        self._refuse_what_is_not_ours()
        self.remove()
        network.refuse_a_taken_subnet(self.plan, network.routes())
        build = images.built()
        try:
            self._start(build, objects, rate_per_minute)
        except BaseException:
            self.remove(keep_logs=True)
            raise
        (self.directory / "state.json").write_text(
            json.dumps(
                {
                    "subnet": str(self.plan.subnet),
                    "pairs": self.plan.pairs,
                    "objects": objects,
                    "rate_per_minute": rate_per_minute,
                    "archives": str(build / "archives"),
                }
            )
        )

    def _start(self, build: Path, objects: int, rate_per_minute: int) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        OWNERS.mkdir(exist_ok=True)
        (OWNERS / self.plan.tag).write_text(str(self.directory))
        network.make(self.plan)
        public_key = self._make_keys()
        shutil.copy(build / "ca.pem", self.directory / "ca.pem")
        starts: list[Callable[[], None]] = [
            partial(exec_host.start, host, public_key) for host in self.exec_hosts
        ]
        starts += [
            partial(infra.start_infra, self.hosts["infra"], build),
            partial(infra.start_engage, self.hosts["engage"]),
            partial(infra.start_cloud, self.hosts["cloud"], build, rate_per_minute),
        ]
        at_once(starts)
        at_once(
            [
                *(partial(exec_host.ready, host) for host in self.exec_hosts),
                partial(infra.fill_database, self.hosts["infra"], objects),
                partial(infra.others_ready, self.plan),
            ]
        )

    def _make_keys(self) -> str:
        """The operator's key and every host's; returns the public one."""
        ssh = self.directory / "ssh"
        shutil.rmtree(ssh, ignore_errors=True)
        ssh.mkdir(mode=0o700)
        exec_host.make_key(ssh / "id_ed25519", "exec-lab")
        lines = [exec_host.make_host_key(host) for host in self.exec_hosts]
        (ssh / "known_hosts").write_text("\n".join(lines) + "\n")
        return (ssh / "id_ed25519.pub").read_text()

    def _refuse_what_is_not_ours(self) -> None:
        owner = OWNERS / self.plan.tag
        if not owner.exists() or self.is_ours:
            return
        other = Lab(self.plan, Path(owner.read_text()))
        if any(host.pid for host in other.hosts.values()):
            raise LabError(
                f"{self.plan.subnet} is used by the lab of {other.directory.parent}. Stop it there"
                " (python -m lab down), or choose another one: python -m lab up --subnet"
                " 10.78.0.0/24. Nothing was started."
            )
        other.remove()

    def remove(self, keep_logs: bool = False) -> None:
        """Ends all hosts and removes all that the lab made on this host."""
        for host in self.hosts.values():
            host.kill()
        if keep_logs:
            self._keep_logs()
        # A pair more or less than last time: what is there counts, not the plan.
        for directory in sorted((self.directory / "hosts").glob("*")):
            LabHost(self.plan, directory.name, directory).remove()
            remove_cgroups(f"exlab-{self.plan.tag}-{directory.name}")
        network.remove(self.plan)
        shutil.rmtree(infra.database_directory(self.directory / "hosts/infra"), ignore_errors=True)
        for name in ("hosts", "ssh"):
            shutil.rmtree(self.directory / name, ignore_errors=True)
        for name in ("state.json", "ca.pem"):
            (self.directory / name).unlink(missing_ok=True)
        (OWNERS / self.plan.tag).unlink(missing_ok=True)

    def _keep_logs(self) -> None:
        target = self.directory / "logs-of-failed-start"
        shutil.rmtree(target, ignore_errors=True)
        for directory in (self.directory / "hosts").glob("*/logs"):
            shutil.copytree(directory, target / directory.parent.name)

    def ssh(self, name_or_address: str, command: str) -> subprocess.CompletedProcess[str]:
        """A command run as an operator would: over SSH, with the lab's key."""
        ssh = self.directory / "ssh"
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(ssh / "known_hosts"),
            "IdentityFile": str(ssh / "id_ed25519"),
            "IdentitiesOnly": "yes",
        }
        words = [word for k, v in options.items() for word in ("-o", f"{k}={v}")]
        target = f"{settings.USER}@{self.host(name_or_address).address}"
        return subprocess.run(
            ["ssh", "-F", "none", *words, target, command],
            capture_output=True,
            text=True,
            check=False,
        )


def at_once(tasks: Iterable[Callable[[], None]]) -> None:
    """Runs all side by side; raises the first one's error once all have ended."""
    with ThreadPoolExecutor(16) as pool:
        for future in [pool.submit(task) for task in tasks]:
            future.result()


def current() -> Lab:
    """The lab that was started last in this clone; raises LabError if there is none."""
    directory = settings.lab_directory()
    try:
        state = json.loads((directory / "state.json").read_text())
    except OSError:
        raise LabError("no lab is up in this clone. Start it with: python -m lab up") from None
    return Lab(settings.plan(state["subnet"], state["pairs"]), directory)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """One `up` or `down` at a time in a clone."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def need_root() -> None:
    if os.geteuid() != 0:
        raise LabError(
            "the lab makes network namespaces and runs Docker daemons in them, which takes root."
            " Run it as root. Nothing was started."
        )
