"""What each finding of the preflight says, whole: found, needed, verdict, what to do.

Proves the judgement of what hosts and servers answer; that they answer in this form is proved
against the lab in tests/lab/test_preflight.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from config_schema import CheckName
from health.preflight.answers import (
    ClockOffset,
    CloudAnswer,
    KeyState,
    Organization,
    RedisAnswer,
    Sessions,
)
from health.preflight.catalogue import CHECKS
from health.preflight.finding import EVERYWHERE, Finding
from health.preflight.network import PROHIBITED
from health.preflight.outcome import NOT_FORWARDED_FIX, Outcome, not_forwarded
from health.preflight.registry import Manifest, RegistryAnswer
from hosts.answer import Ending, HostAnswer
from tests.unit.health.site import (
    API,
    CONFIG_DB,
    DIGEST,
    DONE,
    EXAS,
    EXCP_1,
    EXCP_2,
    EXCS,
    LOGIN,
    ORG_ID,
    OTHER_DIGEST,
    REDIS,
    REGISTRY,
    Site,
)
from tests.unit.stack_file import CLONE

F = Finding
OPEN_FIX = "open the firewall from this host, or correct the address in the stack file"
BASH_FIX = "install bash and coreutils"
NOT_TRIED = "not tried: the host has no bash or no timeout"
KNOWN = ".lab/ssh/known_hosts"
EXCS_IMAGE = f"{REGISTRY}/exec/excs:100.0.100.11"
PINNED = f"{REGISTRY}/exec/excs@{DIGEST}"
CLOCK_FIX = "let chrony or systemd-timesyncd keep the clock"
IMAGE_FIX = "load it (exctl images load), or name a tag that is there: 100.0.100.11 isn't"
LOGS_NEEDED = "/var/log/exec can be written to by the containers"
REGISTRY_NEEDED = f"{REGISTRY} takes exec"
REDIS_NEEDED = f"a login at {REDIS}"
DATABASE_NEEDED = f"exec_ro logs in to engage at {CONFIG_DB}"
TLS_NEEDED = "a certificate for api.mypurecloud.com that can be trusted"
TOKEN_NEEDED = "a token from login.mypurecloud.com"
PORT_FIX = "on the host: sudo ss -ltnp 'sport = :3640'; stop it, or give the instance another port"


def ssh_said(words: str) -> Callable[[Site], object]:
    return lambda site: site.ssh_says(EXCS, words)


def clock(host: str, ahead: float) -> Callable[[Site], object]:
    return lambda site: site.sessions.update({host: Sessions(3, 3, ClockOffset(ahead, 0.02))})


def registry(kind: str, words: str) -> Callable[[Site], object]:
    return lambda site: site.registry.update({EXCS: RegistryAnswer(Outcome(kind, words))})  # type: ignore[arg-type]


def manifest(found: Manifest | Outcome) -> Callable[[Site], object]:
    return lambda site: site.registry.update({EXCS: RegistryAnswer(DONE, {EXCS_IMAGE: found})})


def redis(kind: str, words: str) -> Callable[[Site], object]:
    return lambda site: site.redis.update({EXCS: RedisAnswer(Outcome(kind, words))})  # type: ignore[arg-type]


def database(kind: str, words: str) -> Callable[[Site], object]:
    return lambda site: setattr(site, "config_db", Outcome(kind, words))  # type: ignore[arg-type]


def organization(found: Organization) -> Callable[[Site], object]:
    return lambda site: site.cloud.update({EXCS: CloudAnswer(DONE, DONE, found)})


def cloud(tls: Outcome, login: Outcome) -> Callable[[Site], object]:
    return lambda site: site.cloud.update({EXCS: CloudAnswer(tls, login)})


SENTENCES: dict[str, tuple[Callable[[Site], object], Finding]] = {
    "a host that is down": (
        ssh_said("ssh: connect to host 10.77.0.101 port 22: Connection timed out\n"),
        F("ssh-login", EXCS,
          "not reached: connect to host 10.77.0.101 port 22: Connection timed out",
          "a login as genesys", "failed", "check that the host is up, and port 22 open from here"),
    ),
    "a host that says nothing": (
        ssh_said(""),
        F("ssh-login", EXCS, "not reached: no answer", "a login as genesys", "failed",
          "check that the host is up, and port 22 open from here"),
    ),
    "a refused login": (
        ssh_said("genesys@10.77.0.101: Permission denied (publickey)."),
        F("ssh-login", EXCS, "reached, but it refuses the key .lab/ssh/id_ed25519 for genesys",
          "a login as genesys", "failed",
          "put the public key into ~genesys/.ssh/authorized_keys on the host"),
    ),
    "a host key that isn't known": (
        ssh_said("No ED25519 host key is known for 10.77.0.101 and you have requested strict"
                 " checking.\nHost key verification failed.\n"),
        F("ssh-host-key", EXCS, "its key isn't known here",
          f"the key that {KNOWN} has for {EXCS}", "failed",
          f"ssh-keyscan -p 22 {EXCS} >> {KNOWN}, and compare the fingerprint on the host's"
          " console"),
    ),
    "a host key that has changed": (
        ssh_said("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n"
                 "Host key verification failed.\n"),
        F("ssh-host-key", EXCS,
          "another key than before: a possible man in the middle, or the host was reinstalled",
          f"the key that {KNOWN} has for {EXCS}", "failed",
          "compare the fingerprint on the host's console; if it was reinstalled: ssh-keygen -R"
          f" {EXCS} -f {KNOWN}; ssh-keyscan -p 22 {EXCS} >> {KNOWN}"),
    ),
    "too few sessions": (
        lambda site: site.sessions.update({EXCS: Sessions(3, 1, ClockOffset(0, 0.1))}),
        F("ssh-sessions", EXCS, "1 at once over one connection", "3, as many as a run opens",
          "warning",
          "raise MaxSessions in the host's sshd_config; until then a run logs in more often"),
    ),
    "a clock that is a little off": (
        clock(EXCS, 5.0),
        F("clock", EXCS, "5.00 s ahead of this host's (± 0.02 s)", "within 2 s", "warning",
          CLOCK_FIX),
    ),
    "a clock that is far off": (
        clock(EXCS, -300.0),
        F("clock", EXCS, "300.00 s behind this host's (± 0.02 s)", "within 2 s", "failed",
          CLOCK_FIX),
    ),
    "a clock that can't be read": (
        lambda site: site.sessions.update({EXCS: Sessions(3, 0, None)}),
        F("clock", EXCS, "the host's clock could not be read", "within 2 s", "unknown",
          "see ssh-sessions"),
    ),
    "the clocks of a pair": (
        clock(EXCP_2, 60.0),
        F("clock-pair", EXCP_2, f"59.99 s ahead of that of {EXCP_1} (± 0.04 s)", "within 2 s",
          "failed", CLOCK_FIX),
    ),
    "half the clocks of a pair": (
        lambda site: site.sessions.update({EXCP_1: Sessions(3, 0, None)}),
        F("clock-pair", EXCP_2, f"not both clocks of {EXCP_1} and {EXCP_2}", "within 2 s",
          "unknown", "see ssh-sessions"),
    ),
    "Docker for root alone": (
        lambda site: site.says(EXCS, "access", "denied"),
        F("docker-access", EXCS, "genesys may not use the daemon", "docker without sudo", "failed",
          "put it into the group: sudo usermod -aG docker genesys"),
    ),
    "a daemon that is stopped": (
        lambda site: site.says(EXCS, "access", "stopped"),
        F("docker-access", EXCS, "the daemon isn't running", "docker without sudo", "failed",
          "start it: sudo systemctl start docker; why it ended: journalctl -u docker"),
    ),
    "a daemon that is frozen": (
        lambda site: site.says(EXCS, "access", "frozen"),
        F("docker-access", EXCS, "SSH answers, Docker on it doesn't, for 5 s",
          "docker without sudo", "failed",
          "see what holds it: journalctl -u docker; to restart it: sudo systemctl restart docker"),
    ),
    "no Docker": (
        lambda site: site.says(EXCS, "access", "no client"),
        F("docker-access", EXCS, "there is no `docker`", "docker without sudo", "failed",
          "install docker.io or docker-ce"),
    ),
    "no socket of Docker's": (
        lambda site: site.says(EXCS, "access", "no socket"),
        F("docker-access", EXCS, "there is no socket of the daemon", "docker without sudo",
          "failed",
          "start it: sudo systemctl enable --now docker; rootless Docker isn't supported"),
    ),
    "a Docker that is too new": (
        lambda site: site.says(EXCS, "server", '{"MinAPIVersion": "1.60"}'),
        F("docker-api", EXCS, "it takes API 1.60 and newer", "API 1.51 or an older one", "failed",
          "set min-api-version in the host's /etc/docker/daemon.json, or use an older Docker"),
    ),
    "a rootless Docker": (
        lambda site: site.docker[EXCS].update(SecurityOptions=["name=rootless"]),
        F("host-network", EXCS, "Docker runs rootless: a container's ports aren't the host's",
          "containers in the host's network", "failed",
          "use the system's Docker daemon on this host"),
    ),
    "a Docker that maps users": (
        lambda site: site.docker[EXCS].update(SecurityOptions=["name=userns"]),
        F("host-network", EXCS,
          "Docker maps users (userns-remap), and then refuses the host's network",
          "containers in the host's network", "failed",
          "remove userns-remap from /etc/docker/daemon.json, and restart Docker"),
    ),
    "more CPUs than the host has": (
        lambda site: site.file.put("excs.resources", {"cpus": 4.0}),
        F("container-arguments", EXCS, "4 CPUs, and the host has 2",
          "settings of excs that Docker takes", "failed",
          "set excs.resources.cpus to 2 or less"),
    ),
    "fewer CPUs than Docker takes": (
        lambda site: site.file.put("excp.pairs.1.resources", {"cpus": 0.001}),
        F("container-arguments", EXCP_1, "0.001 CPUs", "settings of excp-1-1 that Docker takes",
          "failed", "set excp.pairs.1.resources.cpus to 0.01 or more"),
    ),
    "a kernel without the memory cgroup": (
        lambda site: (
            site.docker[EXCS].update(MemoryLimit=False),
            site.file.put("excs.resources", {"memory_mib": 512}),
        ),
        F("container-arguments", EXCS, "the host's kernel can't limit memory",
          "settings of excs that Docker takes", "warning",
          "enable the memory cgroup on the host, or remove the limit"),
    ),
    "a kernel without the CPU quota": (
        lambda site: (
            site.docker[EXCS].update(CpuCfsQuota=False),
            site.file.put("excs.resources", {"cpus": 1.0}),
        ),
        F("container-arguments", EXCS, "the host's kernel can't limit CPUs",
          "settings of excs that Docker takes", "failed",
          "enable the CPU cgroup's quota on the host, or remove the limit"),
    ),
    "two names of one host": (
        lambda site: site.says(EXCP_2, "machine_id", f"machine of {EXCP_1}"),
        F("same-host", EXCP_2, f"the same host as {EXCP_1}",
          "a separate host for each name", "failed",
          f"call it {EXCP_1} everywhere in the stack file, or give the instance another host"),
    ),
    "a host that has no machine-id": (
        lambda site: site.says(EXCS, "machine_id", ""),
        F("same-host", EXCS, "it doesn't say", "a separate host for each name", "unknown",
          "see /etc/machine-id on the host"),
    ),
    "a login that prints": (
        lambda site: site.logins.update({EXCS: HostAnswer(0, "", "", noise="welcome")}),
        F("login-shell", EXCS, "the login prints: welcome",
          "a login that prints nothing and sets no DOCKER_HOST", "warning",
          "let .bashrc and the like print on a terminal only: case $- in *i*) … esac"),
    ),
    "a login that sets DOCKER_HOST": (
        lambda site: site.logins.update({EXCS: HostAnswer(0, "", "", docker_host="tcp://x:2375")}),
        F("login-shell", EXCS, "the login sets DOCKER_HOST to tcp://x:2375",
          "a login that prints nothing and sets no DOCKER_HOST", "warning",
          "unset it for logins without a terminal: exctl uses the host's own daemon"),
    ),
    "a host that never answers": (
        lambda site: site.ssh_says(EXCS, "", Ending.SILENT),
        F("ssh-login", EXCS, "not reached: no answer within 15 s", "a login as genesys", "failed",
          "check that the host is up, and port 22 open from here"),
    ),
    "a host that hangs": (
        lambda site: site.ssh_says(EXCS, "", Ending.STUCK),
        F("ssh-login", EXCS, "logged in, but what was asked didn't end within 15 s",
          "a login as genesys", "failed",
          "see what holds the host: load, memory, a file system that hangs"),
    ),
    "no ssh": (
        lambda site: site.ssh_says(EXCS, "", Ending.NO_SSH),
        F("ssh-login", EXCS, "there is no `ssh` on PATH here", "a login as genesys", "failed",
          "install the OpenSSH client"),
    ),
    "a user without a shell": (
        lambda site: site.ssh_says(EXCS, "not available", Ending.NO_SHELL),
        F("ssh-login", EXCS, "logged in, but: the login starts no /bin/sh: not available",
          "a login as genesys", "failed",
          "give genesys a login shell on the host, and no ForceCommand for it"),
    ),
    "an image for another architecture": (
        lambda site: site.has_image(EXCS, architecture="arm64"),
        F("architecture", EXCS, f"{EXCS_IMAGE} is made for aarch64", "an image for x86_64",
          "failed",
          "push the image for x86_64 (exctl images), or use a host of aarch64"),
    ),
    "a port of which Docker can't say whose it is": (
        lambda site: site.listens(EXCS, 3640).says(EXCS, "access", "denied").docker[EXCS].clear(),
        F("port", EXCS,
          "3640 is taken by a process of root; whether it is excs's own, Docker can't be asked",
          "3640 is free, or excs's", "unknown", "see docker-access"),
    ),
    "a port that another instance of ours has": (
        lambda site: site.listens(EXCS, 3640).has_container(EXCS, "exas", stack="dev"),
        F("port", EXCS,
          "3640 is taken by a process of root, perhaps this stack's own exas",
          "3640 is free, or excs's", "failed",
          "if exas had this port until now, change both in steps: exctl stop, then exctl up"),
    ),
    "an old Docker": (
        lambda site: site.docker[EXCS].update(ServerVersion="19.03.15"),
        F("docker-version", EXCS, "19.03.15", "20 or newer", "failed", "install a newer Docker"),
    ),
    "an old kernel": (
        lambda site: site.says(EXCS, "kernel", "3.10.0-1160.el7.x86_64"),
        F("kernel", EXCS, "3.10.0-1160.el7.x86_64", "4.18 or newer", "failed",
          "use a newer system"),
    ),
    "32 bits": (
        lambda site: site.says(EXCS, "machine", "i686").says(EXCS, "bits", "32"),
        F("architecture", EXCS, "i686, 32 bits", "64-bit Linux", "failed", "use a 64-bit system"),
    ),
    "one core": (
        lambda site: site.says(EXCS, "cpus", "1"),
        F("cpus", EXCS, "1", "2", "warning", "give the host more, or waive it for a small site"),
    ),
    "little memory": (
        lambda site: site.says(EXCS, "memory_mib", "3900"),
        F("memory", EXCS, "3900 MiB", "7500 MiB", "warning",
          "give the host more, or waive it for a small site"),
    ),
    "memory that isn't told": (
        lambda site: site.says(EXCS, "memory_mib", ""),
        F("memory", EXCS, "not told", "7500 MiB", "unknown",
          "give the host more, or waive it for a small site"),
    ),
    "a small disk": (
        lambda site: site.says(EXCS, "disk", "40000 30000"),
        F("disk-size", EXCS, "40000 MiB", "75000 MiB", "warning",
          "give the host more, or waive it for a small site"),
    ),
    "a disk too full for the image": (
        lambda site: site.says(EXCS, "disk", "78000 1500"),
        F("disk-space", EXCS, "1500 MiB free at /var/lib/docker", "1924 MiB for 1 image to pull",
          "failed", "exctl images prune, or a larger disk"),
    ),
    "a disk too full for an image of any size": (
        lambda site: (site.says(EXCS, "disk", "78000 1500"), site.registry.update({EXCS: None})),
        F("disk-space", EXCS, "1500 MiB free at /var/lib/docker", 
          "2048 MiB for 1 image to pull, size unknown", "failed",
          "exctl images prune, or a larger disk"),
    ),
    "a clock that nobody keeps": (
        lambda site: site.says(EXCS, "sync", "no"),
        F("time-sync", EXCS, "not synchronised", "the clock is kept by NTP", "warning",
          "install chrony, or systemctl enable --now systemd-timesyncd"),
    ),
    "a clock that something unknown keeps": (
        lambda site: site.says(EXCS, "sync", ""),
        F("time-sync", EXCS, "neither timedatectl nor chronyc answers", "the clock is kept by NTP",
          "unknown", "install chrony, or systemctl enable --now systemd-timesyncd"),
    ),
    "a taken port": (
        lambda site: site.listens(EXCS, 3640, "tomcat"),
        F("port", EXCS, "3640 is taken by a process of tomcat", "3640 is free, or excs's", "failed",
          PORT_FIX),
    ),
    "a port that a container may have taken": (
        lambda site: site.listens(EXCS, 3640).has_container(EXCS, "exec_excs_1", project="exec"),
        F("port", EXCS,
          "3640 is taken by a process of root, perhaps the container exec_excs_1 (compose project"
          " exec)", "3640 is free, or excs's", "failed", PORT_FIX),
    ),
    "a port that another stack's container of our name has": (
        lambda site: site.listens(EXCS, 3640).has_container(EXCS, "excs", stack="prod"),
        F("port", EXCS,
          "3640 is taken by a process of root, perhaps the container excs (stack prod)",
          "3640 is free, or excs's", "failed", PORT_FIX),
    ),
    "a container made by hand": (
        lambda site: site.has_container(EXCS, "excs"),
        F("container-name", EXCS,
          "a container excs that neither exctl nor compose made: excs:1, running, made 2026-11-20"
          " 10:00", "none, or one of the stack dev", "failed",
          "take it over: exctl adopt --stack dev; or remove it"),
    ),
    "a container of compose": (
        lambda site: site.has_container(EXCS, "excs", project="exec"),
        F("container-name", EXCS,
          "a container excs of the compose project exec: excs:1, running, made 2026-11-20"
          " 10:00", "none, or one of the stack dev", "failed",
          "take it over: exctl adopt --stack dev; or remove it"),
    ),
    "a container of another stack's with our name": (
        lambda site: site.has_container(EXCS, "excs", stack="prod"),
        F("container-name", EXCS,
          "a container excs of the stack prod: excs:1, running, made 2026-11-20 10:00",
          "none, or one of the stack dev", "failed",
          "set tenant.container_prefix, so that both have names of their own"),
    ),
    "another stack": (
        lambda site: site.has_container(EXCS, "acme-excs", stack="acme"),
        F("other-stack", EXCS, "containers of another: acme-excs (stack acme)",
          "the stack dev alone, or tenant.container_prefix set", "warning",
          "check that both are meant to be here; then set tenant.container_prefix, or waive it"),
    ),
    "a log directory that is a file": (
        lambda site: site.says(EXCS, "logs_stat", "0 644 regular file"),
        F("log-directory", EXCS, "/var/log/exec is no directory", LOGS_NEEDED, "failed",
          "move it away, or change logs.host_path"),
    ),
    "a log directory that is read-only": (
        lambda site: site.says(EXCS, "logs_mount", "ro,relatime"),
        F("log-directory", EXCS, "/var/log/exec is mounted read-only", LOGS_NEEDED, "failed",
          "mount it for writing"),
    ),
    "a log directory of another user": (
        lambda site: site.has_image(EXCS, user="1000"),
        F("log-directory", EXCS, "it is of user 0, and the containers run as user 1000",
          LOGS_NEEDED, "failed", "chown 1000 /var/log/exec"),
    ),
    "a log directory for a user by name": (
        lambda site: site.has_image(EXCS, user="node"),
        F("log-directory", EXCS,
          "there; whether node, as whom the containers write, may isn't known", LOGS_NEEDED,
          "unknown", "check that it can be written to by that user"),
    ),
    "a log directory that Docker would make for root": (
        lambda site: site.has_image(EXCS, user="1000").says(EXCS, "logs", "/var/log"),
        F("log-directory", EXCS,
          "not there, and Docker would make it root's; the containers run as 1000", LOGS_NEEDED,
          "failed", "make it, owned by that user: mkdir -p /var/log/exec"),
    ),
    "a full log directory": (
        lambda site: site.says(EXCS, "logs_df", "10000 10 /var/log"),
        F("log-space", EXCS, "10 of 10000 MiB free", "10% free at /var/log/exec", "failed",
          "remove old log files"),
    ),
    "a log directory that fills": (
        lambda site: site.says(EXCS, "logs_df", "10000 900 /var/log"),
        F("log-space", EXCS, "900 of 10000 MiB free", "10% free at /var/log/exec", "warning",
          "remove old log files"),
    ),
    "a log directory of unknown size": (
        lambda site: site.says(EXCS, "logs_df", ""),
        F("log-space", EXCS, "not told", "10% free at /var/log/exec", "unknown",
          "see df on the host"),
    ),
    "a registry behind a firewall": (
        lambda site: site.reaches(REGISTRY, "timeout", EXCS),
        F("registry-reach", EXCS, "not reached: no answer within 3 s", REGISTRY, "failed",
          OPEN_FIX),
    ),
    "a registry that is down, with the image on the host": (
        lambda site: site.reaches(REGISTRY, "Connection refused", EXCS).has_image(EXCS),
        F("registry-reach", EXCS, "not reached: connection refused", REGISTRY, "warning", OPEN_FIX),
    ),
    "a refused registry login": (
        registry("refused", "it refuses exec or registryPassword"),
        F("registry-login", EXCS, "it refuses exec or registryPassword", REGISTRY_NEEDED, "failed",
          "exctl rotate registryPassword, or correct registry.username"),
    ),
    "a registry whose certificate the host doesn't know": (
        registry("not trusted", "self-signed certificate"),
        F("registry-login", EXCS, "self-signed certificate", REGISTRY_NEEDED, "unknown",
          f"put its authority into /etc/docker/certs.d/{REGISTRY} on the host; for this check"
          " alone, into preflight.ca_path"),
    ),
    "a registry that fails, with the image on the host": (
        lambda site: (registry("failed", "no answer within 5 s")(site), site.has_image(EXCS)),
        F("registry-login", EXCS, "no answer within 5 s; every image is on the host",
          REGISTRY_NEEDED, "warning", "check that the registry runs"),
    ),
    "a registry behind a proxy": (
        registry("not asked", "the daemon asks it through a proxy"),
        F("registry-login", EXCS, "the daemon asks it through a proxy", REGISTRY_NEEDED,
          "unknown", "set what is missing, and run it again"),
    ),
    "a missing tag": (
        manifest(Outcome("refused", "the registry has no such image")),
        F("image", EXCS, "the registry has no such image", EXCS_IMAGE, "failed", IMAGE_FIX),
    ),
    "a tag that the registry has lost": (
        lambda site: (
            manifest(Outcome("refused", "the registry has no such image"))(site),
            site.has_image(EXCS),
        ),
        F("image", EXCS, "on the host, but the registry has no such image", EXCS_IMAGE, "warning",
          IMAGE_FIX),
    ),
    "an image nobody could ask for": (
        registry("refused", "it refuses exec or registryPassword"),
        F("image", EXCS, "not on the host, and the registry couldn't be asked", EXCS_IMAGE,
          "unknown", "see registry-login"),
    ),
    "a pinned image that the registry has lost": (
        lambda site: (
            site.file.put("excs.digest", DIGEST),
            site.has_image(EXCS),
            site.registry.update(
                {EXCS: RegistryAnswer(DONE, {PINNED: Outcome("refused", "HTTP 404")})}
            ),
        ),
        F("image", EXCS, "on the host, but HTTP 404", PINNED, "warning",
          f"load it (exctl images load), or name a tag that is there: {DIGEST} isn't"),
    ),
    "a tag that has moved": (
        lambda site: site.has_image(EXCS, OTHER_DIGEST),
        F("image-digest", EXCS, f"{OTHER_DIGEST} on the host",
          f"{DIGEST}, which the registry has for {EXCS_IMAGE} now", "warning",
          "somebody pushed another image under this tag; give each image a tag of its own"),
    ),
    "a Redis that isn't there": (
        lambda site: site.reaches(REDIS, "Connection refused", EXCS),
        F("redis-reach", EXCS, "not reached: connection refused", REDIS, "failed", OPEN_FIX),
    ),
    "a Redis that can't be tried": (
        lambda site: site.reaches(REDIS, None, EXCS),
        F("redis-reach", EXCS, NOT_TRIED, REDIS, "unknown", BASH_FIX),
    ),
    "a refused Redis password": (
        redis("refused", "it refuses redisPassword, or has no password set"),
        F("redis-login", EXCS, "it refuses redisPassword, or has no password set", REDIS_NEEDED,
          "failed", "exctl rotate redisPassword, or set redis.secure as it is"),
    ),
    "a Redis that can't be logged in to": (
        lambda site: site.redis.update({EXCS: RedisAnswer(not_forwarded())}),
        F("redis-login", EXCS, "reached, but the host's sshd forwards no connection", REDIS_NEEDED,
          "unknown", NOT_FORWARDED_FIX),
    ),
    "a Redis that hangs": (
        redis("failed", "no answer within 5 s"),
        F("redis-login", EXCS, "no answer within 5 s", REDIS_NEEDED, "failed",
          "check that Redis runs, and whether redis.tls is as it is"),
    ),
    "another Redis": (
        lambda site: site.redis_says(EXCS, redis_version="7.0.15"),
        F("redis-version", EXCS, "7.0.15", "6.x", "warning",
          "the vendor supports Redis Enterprise 6.x; ask before you rely on another"),
    ),
    "a Redis cluster": (
        lambda site: site.redis_says(EXCS, cluster_enabled=1),
        F("redis-cluster", EXCS, "cluster_enabled:1", "cluster_enabled:0", "failed",
          "give EXEC a Redis that isn't in cluster mode: the product doesn't support it"),
    ),
    "a Redis replica": (
        lambda site: site.redis_says(EXCS, role="slave", master_host="10.0.0.1"),
        F("redis-state", EXCS, "a replica of 10.0.0.1, which takes no writes", "takes writes",
          "failed", "ask who runs Redis"),
    ),
    "a Redis that starts": (
        lambda site: site.redis_says(EXCS, loading=1),
        F("redis-state", EXCS, "it is still loading its data", "takes writes", "failed",
          "ask who runs Redis"),
    ),
    "a Redis that can't save": (
        lambda site: site.redis_says(EXCS, rdb_last_bgsave_status="err"),
        F("redis-state", EXCS, "its last save failed, and after that it may take no writes",
          "takes writes", "warning", "ask who runs Redis"),
    ),
    "a small Redis": (
        lambda site: site.redis_says(EXCS, maxmemory=512 << 20),
        F("redis-memory", EXCS, "512 MiB (maxmemory)", "1907 MiB for 1,000 agents", "warning",
          "raise maxmemory, or waive this if there are fewer agents"),
    ),
    "a Redis that tells nothing of itself": (
        lambda site: site.redis.update({EXCS: RedisAnswer(DONE)}),
        F("redis-cluster", EXCS, "INFO isn't allowed to us", "INFO", "unknown",
          "ask who runs Redis"),
    ),
    "a Config DB behind a firewall": (
        lambda site: site.reaches(CONFIG_DB, "timeout", EXCS),
        F("config-db-reach", EXCS, "not reached: no answer within 3 s", CONFIG_DB, "failed",
          OPEN_FIX),
    ),
    "a refused Config DB login": (
        database("refused", "it refuses the user, or configDbPassword"),
        F("config-db-login", EXCS, "it refuses the user, or configDbPassword", DATABASE_NEEDED,
          "failed", "exctl rotate configDbPassword, or correct excs.config_db"),
    ),
    "a Config DB that isn't PostgreSQL": (
        database("not asked", "reached; a login to oracle isn't tried from here"),
        F("config-db-login", EXCS, "reached; a login to oracle isn't tried from here",
          DATABASE_NEEDED, "unknown", "set what is missing, or try the login by hand"),
    ),
    "a Config DB that is ill": (
        database("failed", "it answers with the error 57P03"),
        F("config-db-login", EXCS, "it answers with the error 57P03", DATABASE_NEEDED, "failed",
          "check that the database runs, and that excs.config_db is right"),
    ),
    "one Stat Server that is down": (
        lambda site: site.reaches("10.77.0.21:2060", "Connection refused"),
        F("stat-server", EXAS,
          "10.77.0.20:2060 reached; 10.77.0.21:2060 not reached: connection refused",
          "10.77.0.20:2060 and 10.77.0.21:2060", "warning", OPEN_FIX),
    ),
    "both Stat Servers that are down": (
        lambda site: site.reaches("10.77.0.20:2060", "timeout").reaches(
            "10.77.0.21:2060", "No route to host"
        ),
        F("stat-server", EXAS,
          "10.77.0.20:2060 not reached: no answer within 3 s; 10.77.0.21:2060 not reached: no"
          " route to host", "10.77.0.20:2060 and 10.77.0.21:2060", "failed", OPEN_FIX),
    ),
    "both SIP Servers that are down": (
        lambda site: site.reaches("10.77.0.22:8000", "timeout").reaches(
            "10.77.0.23:8000", "timeout"
        ),
        F("sip-server", EXCP_1,
          "10.77.0.22:8000 not reached: no answer within 3 s; 10.77.0.23:8000 not reached: no"
          " answer within 3 s", "10.77.0.22:8000 and 10.77.0.23:8000", "failed", OPEN_FIX),
    ),
    "a SIP Server that can't be tried": (
        lambda site: site.reaches("10.77.0.22:8000", None),
        F("sip-server", EXCP_1, f"10.77.0.22:8000 {NOT_TRIED}; 10.77.0.23:8000 reached",
          "10.77.0.22:8000 and 10.77.0.23:8000", "unknown", BASH_FIX),
    ),
    "EXCS behind a firewall": (
        lambda site: site.reaches(f"{EXCS}:3640", "timeout"),
        F("excs-reach", EXAS, "not reached: no answer within 3 s", f"{EXCS}:3640", "failed",
          OPEN_FIX),
    ),
    "an EXCS that isn't there yet": (
        lambda site: site.reaches(f"{EXCS}:3640", "Connection refused"),
        F("excs-reach", EXAS, "reachable; EXCS isn't there yet", f"{EXCS}:3640"),
    ),
    "an EXCS that doesn't listen": (
        lambda site: site.reaches(f"{EXCS}:3640", "Connection refused").has_container(
            EXCS, "excs", stack="dev"
        ),
        F("excs-reach", EXAS, "refused, though its container runs", f"{EXCS}:3640", "warning",
          "see exctl status and exctl logs excs"),
    ),
    "Genesys Cloud under no such name": (
        lambda site: site.reaches(API, "Name or service not known", EXCS),
        F("genesys-cloud-reach", EXCS, "not reached: name or service not known", API, "failed",
          OPEN_FIX),
    ),
    "Genesys Cloud through a proxy": (
        lambda site: site.file.put("excs.environment", {"HTTPS_PROXY": "http://proxy:3128"}),
        F("genesys-cloud-reach", EXCS,
          "not tried: the services go through the proxy of HTTPS_PROXY", API, "unknown",
          "try the way through the proxy by hand"),
    ),
    "a certificate of somebody in between": (
        cloud(Outcome("not trusted", "self-signed certificate"), DONE),
        F("genesys-cloud-tls", EXCS, "not trusted: self-signed certificate", TLS_NEEDED, "failed",
          "if your gateway intercepts TLS, name its authority in preflight.ca_path, and check"
          " that the services trust it too"),
    ),
    "TLS that nobody answers": (
        cloud(Outcome("failed", "the connection ended without an answer"), DONE),
        F("genesys-cloud-tls", EXCS, "the connection ended without an answer", TLS_NEEDED, "failed",
          "open port 443 from this host, or correct tenant.region"),
    ),
    "a refused OAuth client": (
        cloud(DONE, Outcome("refused", "it refuses the OAuth client or its secret")),
        F("genesys-cloud-login", EXCS, "it refuses the OAuth client or its secret", TOKEN_NEEDED,
          "failed",
          "correct tenant.oauth_client_id, or exctl rotate oauthClientSecret; check that the client"
          " is of the type Client Credentials"),
    ),
    "no OAuth client": (
        cloud(DONE, Outcome("not asked", "tenant.oauth_client_id isn't set, so no login is tried")),
        F("genesys-cloud-login", EXCS, "tenant.oauth_client_id isn't set, so no login is tried",
          TOKEN_NEEDED, "unknown",
          "it takes tenant.oauth_client_id and the secret oauthClientSecret"),
    ),
    "a health port behind a firewall": (
        lambda site: site.ways.update({EXCS: {3640: "timeout"}}),
        F("gate-reach", EXCS, "not reached from here: no answer within 3 s",
          "excs's gate asks 10.77.0.101:3640 from here", "failed",
          "open the port to this host, or set gate.via: ssh"),
    ),
    "an sshd that forwards nothing, where the gates go through it": (
        lambda site: (
            site.file.put("gate.via", "ssh"),
            site.ways.update({EXCS: {3640: PROHIBITED}}),
        ),
        F("gate-reach", EXCS, "the host's sshd forwards no connection",
          "excs's gate asks 127.0.0.1:3640 on 10.77.0.101 through SSH", "failed",
          "set AllowTcpForwarding yes and no DisableForwarding in the host's sshd_config, or set"
          " gate.via: direct"),
    ),
    "Genesys Cloud that is busy": (
        cloud(DONE, Outcome("busy", "it answers HTTP 429")),
        F("genesys-cloud-login", EXCS, "it answers HTTP 429", TOKEN_NEEDED, "unknown",
          "try it again; see status.mypurecloud.com"),
    ),
    "an OAuth client of another organization": (
        organization(Organization(DONE, "0" * 8, "other")),
        F("genesys-cloud-organization", EXCS, "other, 00000000", f"the organization {ORG_ID}",
          "failed", "correct tenant.org_id, or take an OAuth client of that organization"),
    ),
    "an organization that isn't told": (
        organization(Organization(Outcome("busy", "it answers HTTP 429"))),
        F("genesys-cloud-organization", EXCS, "it answers HTTP 429", f"the organization {ORG_ID}",
          "unknown", "ask again: exctl genesys check"),
    ),
    "Genesys Cloud through exctl's own proxy": (
        lambda site: site.file.put("genesys.proxy", "http://proxy:3128"),
        F("genesys-cloud-reach", EXCS,
          "not tried: genesys.proxy is set; which way the services go isn't known", API, "unknown",
          "check that they reach it; the way through the proxy: exctl genesys check"),
    ),
    "a short sync deadline": (
        lambda site: site.file.put("excs.sync_gate.deadline_seconds", 600),
        F("sync-deadline", EVERYWHERE, "10 minutes", "40 minutes for a first sync of 1,000 agents",
          "warning",
          "raise excs.sync_gate.deadline_seconds; a gate that gives up leaves EXCS running, and"
          " exctl up resumes"),
    ),
    "a stall limit without effect": (
        lambda site: site.file.put("excs.sync_gate.stall_seconds", 2700),
        F("sync-stall", EVERYWHERE, "45 minutes", "1 minute or more, and less than the deadline",
          "warning", "change excs.sync_gate.stall_seconds"),
    ),
    "a gate that can't open": (
        lambda site: site.file.put("gate.deadline_seconds", 1),
        F("gate-deadline", EVERYWHERE, "1 second", "more than 1 second, which gate.successes takes",
          "failed", "raise gate.deadline_seconds: no instance can become healthy in time"),
    ),
    "a short gate": (
        lambda site: site.file.put("gate.deadline_seconds", 20),
        F("gate-deadline", EVERYWHERE, "20 seconds", "31 seconds, with the longest"
          " stop_grace_seconds", "warning",
          "raise gate.deadline_seconds: an instance that is started again may be late"),
    ),
    "the organization": (
        lambda site: setattr(site, "other_stacks", 1),
        F("organization", EVERYWHERE,
          "6662cb10-0d4d-4710-b979-db69011e66fd is in none of 1 other stack file",
          "an organization for this stack alone"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SENTENCES)
def test_each_finding_is_told_in_full(what: str) -> None:
    change, expected = SENTENCES[what]
    site = Site()
    change(site)
    assert expected in site.findings()


def test_of_a_site_that_is_well_every_check_passes() -> None:
    found = Site().findings()
    assert not [finding for finding in found if not finding.is_ok]


KEYS = {
    KeyState.MISSING: "there is no key .lab/ssh/id_ed25519",
    KeyState.UNREADABLE: "the key .lab/ssh/id_ed25519 can't be read by you",
    KeyState.TOO_OPEN: "ssh refuses the key .lab/ssh/id_ed25519: others may read it",
    KeyState.NO_KEY: ".lab/ssh/id_ed25519 isn't a private key",
    KeyState.ENCRYPTED_NO_AGENT: (
        "the key .lab/ssh/id_ed25519 has a passphrase, and no agent holds it"
    ),
    KeyState.ENCRYPTED: "reached, but it refuses the key .lab/ssh/id_ed25519 for genesys",
    KeyState.NO_AGENT: "no ssh-agent runs, and no ssh.key_path is set",
    KeyState.EMPTY_AGENT: "the ssh-agent holds no key, and no ssh.key_path is set",
}


@pytest.mark.parametrize("key", KEYS)
def test_a_refused_login_says_how_the_key_stands(key: KeyState) -> None:
    site = Site().ssh_says(EXCS, "Permission denied (publickey).", key=key)
    (found,) = (f for f in site.findings() if f.host == EXCS)
    assert (found.check, found.found) == ("ssh-login", KEYS[key])


def test_what_a_host_has_of_its_own_in_ssh_is_told_of_it() -> None:
    site = Site().ssh_says(EXCS, "Connection timed out")
    site.file.put("ssh.hosts", {EXCS: {"user": "exec", "port": 2222}})
    (found,) = (f for f in site.findings() if f.host == EXCS)
    assert (found.needed, found.fix) == (
        "a login as exec",
        "check that the host is up, and port 2222 open from here",
    )


def test_a_frozen_docker_leaves_what_it_would_say_untold() -> None:
    site = Site().says(EXCS, "access", "frozen")
    site.docker[EXCS] = {}
    checks = {f.check for f in site.findings() if f.host == EXCS}
    assert not checks & {"docker-version", "docker-api", "image", "container-name", "disk-space"}
    assert {"docker-access", "kernel", "redis-reach"} <= checks


def test_every_check_has_a_name_in_the_catalogue_and_is_made() -> None:
    well = Site()
    for host in (EXCS, EXAS, EXCP_1, EXCP_2):
        well.has_image(host)
    of_watchers = {name for name in CheckName if name.startswith("monitoring-")}
    made = {finding.check for finding in well.findings()} | of_watchers  # see test_watching.py
    assert made == {check.name for check in CHECKS}


def test_only_what_the_catalogue_says_may_stop_does() -> None:
    may_stop = {check.name for check in CHECKS if check.stops}
    does = {finding.check for _, finding in SENTENCES.values() if finding.verdict == "failed"}
    assert does <= may_stop
    assert may_stop - does == {"organization"}  # config_loader refuses it before


def test_pairs_of_different_versions_are_a_warning() -> None:
    site = Site()
    pair = site.subject().config.excp.pairs["1"].model_dump()
    second = {**pair, "hosts": [EXCS, EXAS], "tag": "100.0.100.12"}
    site.file.put("excp.pairs", {"1": pair, "2": second})
    (found,) = (f for f in site.findings() if f.check == "tags")
    assert found.verdict == "warning"
    assert found.found == "pair 1: 100.0.100.11, pair 2: 100.0.100.12"


def test_of_a_host_that_is_down_nothing_else_is_told() -> None:
    site = Site()
    site.ssh_says(EXCP_1, "Connection timed out")
    assert [f.check for f in site.findings() if f.host == EXCP_1] == ["ssh-login"]
    assert "clock-pair" not in {f.check for f in site.findings()}


def test_a_stopped_instance_needs_no_port_and_no_connection_but_its_image() -> None:
    site = Site()
    site.file.put("stopped", ["excs"])
    site.listens(EXCS, 3640).has_container(EXCS, "excs").reaches(REDIS, "timeout", EXCS)
    checks = {f.check for f in site.findings() if f.host == EXCS}
    assert not checks & {"port", "container-name", "redis-reach", "genesys-cloud-reach"}
    assert {"ssh-login", "docker-access", "image", "disk-space"} <= checks


def test_our_own_container_may_have_its_name_and_its_port() -> None:
    site = Site().has_container(EXCS, "excs", stack="dev").listens(EXCS, 3640)
    assert not [f for f in site.findings() if not f.is_ok]


def test_a_shared_host_is_as_it_should_be_with_a_prefix() -> None:
    site = Site().has_container(EXCS, "excs", stack="other")
    site.file.put("tenant.container_prefix", "acme")
    assert not [f for f in site.findings() if not f.is_ok]


def test_a_waiver_by_name_holds_on_every_host_and_one_with_a_host_there_alone() -> None:
    site = Site().says(EXCS, "kernel", "3.10").says(EXAS, "kernel", "3.10")
    site.file.put("preflight.waive", {f"kernel@{EXCS}": "replaced next week"})
    waived = {f.host: f.waived for f in site.findings() if not f.is_ok}
    assert waived == {EXCS: "replaced next week", EXAS: ""}
    site.file.put("preflight.waive", {"kernel": "we asked the vendor"})
    kernels = [f for f in site.findings() if f.check == "kernel"]
    assert not [f for f in kernels if f.stops]
    assert not [f for f in kernels if f.is_ok and f.waived]


def test_the_clocks_doubt_counts_for_the_host() -> None:
    assert ClockOffset(2.5, 0.6).apart(ClockOffset(0, 0)) == pytest.approx(1.9)
    site = Site()
    site.sessions[EXCS] = Sessions(3, 3, ClockOffset(2.5, 0.6))
    assert not [f for f in site.findings() if not f.is_ok]


def test_a_secret_is_in_no_text_of_the_subject() -> None:
    subject = replace(Site().subject(), secrets={"redisPassword": "tell-nobody"})
    assert "tell-nobody" not in repr(subject)


def test_the_login_of_genesys_cloud_is_looked_for_besides_its_api() -> None:
    site = Site().reaches(LOGIN, "timeout", EXCS)
    bad = [(f.check, f.needed) for f in site.findings() if not f.is_ok]
    assert bad == [("genesys-cloud-reach", LOGIN)]


def test_the_prerequisites_name_every_check() -> None:
    text = (CLONE / "docs/prerequisites.md").read_text()
    assert [check.name for check in CHECKS if f"`{check.name}`" not in text] == []
