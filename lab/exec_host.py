"""What an EXEC host runs: sshd, dockerd and a user `genesys` who may use it, as on a site's own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from uuid import NAMESPACE_DNS, uuid5

from lab import settings
from lab.host import LabHost
from lab.processes import accepts, wait_for

USER_ID = 10077
SSHD = "/usr/sbin/sshd"


def start(host: LabHost, public_key: str) -> None:
    """Starts the host's own sshd and Docker daemon; `ready` waits for them."""
    directory = host.directory
    directory.mkdir(parents=True, exist_ok=True)
    home = directory / "home"
    home.mkdir(exist_ok=True)
    (home / ".ssh").mkdir(mode=0o700, exist_ok=True)
    (home / ".ssh/authorized_keys").write_text(public_key)
    subprocess.run(
        ["chown", "-R", f"{USER_ID}:{USER_ID}", str(home)], check=True, capture_output=True
    )
    (directory / "sshd_config").write_text(sshd_config(host))
    host.start(
        {
            "sshd": [SSHD, "-D", "-e", "-f", str(directory / "sshd_config")],
            "dockerd": dockerd_command(host),
        },
        {
            **users(home),
            "/etc/hosts": names(host),
            # Hosts of one machine would else be one host by its id.
            "/etc/machine-id": f"{uuid5(NAMESPACE_DNS, host.name).hex}\n",
        },
    )


def ready(host: LabHost) -> None:
    wait_for(f"sshd of {host.name}", lambda: accepts(host.address, 22))
    socket = host.root / "run/docker.sock"
    wait_for(f"dockerd of {host.name}", socket.is_socket)
    wait_for(f"dockerd of {host.name}", lambda: bool(host.run("docker", "ps", "-q") or True))


def make_host_key(host: LabHost) -> str:
    """Makes the host's key; returns its line for `known_hosts`."""
    host.directory.mkdir(parents=True, exist_ok=True)
    path = host.directory / "host_key"
    make_key(path, host.name)
    kind, key, *_ = path.with_suffix(".pub").read_text().split()
    return f"{host.address} {kind} {key}"


def make_key(path: Path, comment: str) -> None:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)]
    subprocess.run(words, check=True, capture_output=True)


def sshd_config(host: LabHost, environment: str = "") -> str:
    """Key login for one user, sshd's own limits; `environment` is given to every session."""
    lines = [
        f"ListenAddress {host.address}",
        f"HostKey {host.directory}/host_key",
        f"AllowUsers {settings.USER}",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "UsePAM no",
        "UseDNS no",
        "PidFile none",
        "LogLevel VERBOSE",
        # The clone may lie under a directory that everybody can write to.
        "StrictModes no",
        # The post-quantum exchange takes 80 ms of CPU at each end, and both ends are this machine.
        "KexAlgorithms curve25519-sha256",
    ]
    return "\n".join([*lines, *([f"SetEnv {environment}"] if environment else [])]) + "\n"


def dockerd_command(host: LabHost) -> list[str]:
    """The daemon with its storage beside the host's other files, no network of its own."""
    return [
        "dockerd",
        "--host=unix:///run/docker.sock",
        f"--data-root={host.directory}/docker",
        "--bridge=none",
        "--iptables=false",
        "--group=docker",
        f"--cgroup-parent={host.cgroup}",
        f"--insecure-registry={host.plan.registry}",
        "--log-level=warn",
    ]


def names(host: LabHost) -> str:
    """A hosts file in which Genesys Cloud is the lab's stand-in of it."""
    cloud = " ".join([host.plan.cloud, *settings.CLOUD_NAMES])
    return f"127.0.0.1 localhost {host.name}\n{cloud}\n"


def users(home: Path) -> dict[str, str]:
    """This host's account files with `genesys`, a member of the group docker, added."""
    name = settings.USER
    groups = []
    for line in Path("/etc/group").read_text().splitlines():
        if line.startswith("docker:"):
            line = f"{line},{name}" if not line.endswith(":") else line + name
        groups.append(line)
    return {
        "/etc/passwd": Path("/etc/passwd").read_text()
        + f"{name}:x:{USER_ID}:{USER_ID}::{home}:/bin/bash\n",
        "/etc/group": "\n".join([*groups, f"{name}:x:{USER_ID}:"]) + "\n",
        "/etc/shadow": Path("/etc/shadow").read_text() + f"{name}:*:19000:0:99999:7:::\n",
    }
