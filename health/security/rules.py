"""What of a stack and its hosts an auditor would object to, each with its reason. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote

from config_schema import ExecConfig, Monitoring
from health.preflight.finding import EVERYWHERE, Finding, judged
from health.security.facts import SecurityFacts
from stack.layout import Instance, Layout

DOCKER_PORTS = {
    2375: "Docker's API listens on port 2375, without TLS",
    2376: "Docker's API listens on port 2376",
}
"""Source: Docker's documentation, Protect the Docker daemon socket."""
PASSWORD_METHODS = frozenset({"password", "keyboard-interactive"})
ROOT_IS_REFUSED = frozenset(
    {"no", "prohibit-password", "without-password", "forced-commands-only", ""}
)
"""The last is sshd's default. Source: sshd_config(5), PermitRootLogin."""
PASSPHRASE_LENGTH = 16
"""Chosen: stack files hold the ciphertexts, and who has one may guess for as long as he likes;
NIST SP 800-63B (appendix A) has length decide."""
OTHERS_READ, OTHERS_WRITE = 0o004, 0o002


@dataclass(frozen=True)
class HostSecurity:
    """`facts` is None if the host wasn't reached, and `why` says it. `methods`: what its sshd lets
    somebody log in by, empty if it didn't say."""

    facts: SecurityFacts | None
    why: str = ""
    methods: frozenset[str] = frozenset()


@dataclass(frozen=True)
class OperatorSecurity:
    """This side. `passphrase_length` is None if it isn't known here, or none is used;
    `state_mode`, of what others may do there, None if the state is elsewhere."""

    stack: str
    passphrase_length: int | None = None
    state_mode: int | None = None
    state_directory: str = ""


def findings(
    config: ExecConfig,
    layout: Layout,
    hosts: Mapping[str, HostSecurity],
    operator: OperatorSecurity,
) -> list[Finding]:
    """Every point that was looked at; `needed` is why it matters. None of them stops a run."""
    return [
        *_of_stack(config, operator),
        *(found for host, said in hosts.items() for found in _of_host(config, layout, host, said)),
    ]


def _of_stack(config: ExecConfig, operator: OperatorSecurity) -> Iterator[Finding]:
    yield judged(
        config.redis.secure,
        "redis-password",
        EVERYWHERE,
        "Redis asks for a password" if config.redis.secure else "Redis asks for no password",
        "without one, whoever reaches Redis can read and change the data of calls",
        "warning",
        "set requirepass in Redis, then redis.secure: true",
    )
    yield judged(
        config.redis.tls,
        "redis-tls",
        EVERYWHERE,
        "Redis speaks TLS" if config.redis.tls else "Redis speaks without TLS",
        "its password and data can be read in transit",
        "warning",
        "set up TLS in Redis, then redis.tls: true; or keep it on a separate network",
    )
    if config.registry.is_used:
        yield judged(
            not config.registry.insecure,
            "registry-tls",
            EVERYWHERE,
            "the registry speaks plain HTTP" if config.registry.insecure else "TLS",
            "its password and the images can be read and replaced in transit",
            "warning",
            "give it a certificate, then registry.insecure: false",
        )
    yield from _portainer(config.monitoring)
    if (shipping := config.logging.shipping) is not None:
        is_secured = shipping.url.startswith("https:")
        yield judged(
            is_secured,
            "shipping-tls",
            EVERYWHERE,
            f"log files are shipped with{'' if is_secured else 'out'} TLS",
            "what they name can be read on the way, and the log store's password with it",
            "warning",
            "https:// in logging.shipping.url; or keep the log store in a network of its own",
        )
    if operator.passphrase_length is not None:
        is_long = operator.passphrase_length >= PASSPHRASE_LENGTH
        yield judged(
            is_long,
            "passphrase",
            EVERYWHERE,
            f"the stack's passphrase has {'at least' if is_long else 'fewer than'}"
            f" {PASSPHRASE_LENGTH} characters",
            "whoever has the stack file can try to guess it offline",
            "warning",
            f"pulumi stack change-secrets-provider passphrase --stack {operator.stack}; four random"
            " words are long enough",
        )
    if operator.state_mode is not None:
        yield judged(
            not operator.state_mode & (OTHERS_READ | OTHERS_WRITE | 0o020),
            "state-directory",
            EVERYWHERE,
            f"{operator.state_directory} has mode {operator.state_mode:o}",
            "others could read the stack's state, or change what Pulumi believes",
            "warning",
            f"chmod 700 {quote(operator.state_directory)}",
        )


def _portainer(settings: Monitoring) -> Iterator[Finding]:
    if settings.host is not None and settings.portainer.enabled:
        yield judged(
            False,
            "portainer",
            settings.host,
            f"Portainer has Docker's socket, and a web page on port {settings.portainer.port}",
            "whoever logs in there, or breaks it, is root on that host",
            "warning",
            "let a firewall let only its operators through; or portainer.enabled: false",
        )


def _of_host(
    config: ExecConfig, layout: Layout, host: str, said: HostSecurity
) -> Iterator[Finding]:
    if said.facts is None:
        yield Finding(
            "host",
            host,
            said.why,
            "what can't be checked may not be safe",
            "unknown",
            "exctl doctor",
        )
        return
    yield _logins(host, said.methods)
    yield _root_login(host, said.facts)
    yield judged(
        said.facts.uid != 0,
        "ssh-user",
        host,
        f"exctl logs in as user {said.facts.uid}",
        "root may do more than a deployment needs",
        "warning",
        "create a separate user in the group docker, and set ssh.user",
    )
    yield _docker_group(host, said.facts, config.ssh.at(host).user)
    yield from _docker_socket(host, said.facts)
    yield _logs(host, config.logs.host_path, said.facts)
    ours = [i for i in layout.running if i.host == host]
    yield from _services(host, ours, said.facts)
    for instance in ours:
        yield _privileges(host, instance)


def _logins(host: str, methods: frozenset[str]) -> Finding:
    name, why = "ssh-passwords", "a password can be guessed by whoever reaches sshd"
    fix = "PasswordAuthentication no and KbdInteractiveAuthentication no in its sshd_config"
    if not methods:
        return Finding(name, host, "sshd doesn't say what it accepts", why, "unknown", fix)
    taken = sorted(methods & PASSWORD_METHODS)
    found = f"sshd accepts {', '.join(taken)}" if taken else "sshd accepts only keys"
    return judged(not taken, name, host, found, why, "warning", fix)


def _root_login(host: str, facts: SecurityFacts) -> Finding:
    name, why = "ssh-root", "nothing here needs root to log in with a password"
    fix = "PermitRootLogin no in its sshd_config"
    if facts.root_login is None:
        return Finding(name, host, "sshd_config can't be read", why, "unknown", "sudo sshd -T")
    found = f"PermitRootLogin {facts.root_login or 'prohibit-password (the default)'}"
    return judged(facts.root_login in ROOT_IS_REFUSED, name, host, found, why, "warning", fix)


def _docker_group(host: str, facts: SecurityFacts, user: str) -> Finding:
    others = [name for name in facts.docker_group if name != user]
    found = f"{', '.join(others)} too" if others else f"{user} alone"
    return judged(
        not others,
        "docker-group",
        host,
        found,
        "whoever is in it is root there, and reads the services' passwords with docker inspect",
        "warning",
        f"sudo gpasswd -d {others[0]} docker" if others else "",
    )


def _docker_socket(host: str, facts: SecurityFacts) -> Iterator[Finding]:
    mode = facts.socket_mode
    why = "whoever may write to it is root there"
    if mode is None:
        yield Finding("docker-socket", host, "not there", why, "unknown", "exctl doctor")
    else:
        found = f"Docker's socket has mode {mode:o}"
        fix = "sudo chmod 660 /var/run/docker.sock; see what changed it"
        yield judged(not mode & OTHERS_WRITE, "docker-socket", host, found, why, "warning", fix)
    ports = [port for port in DOCKER_PORTS if port in facts.open_ports]
    yield judged(
        not ports,
        "docker-port",
        host,
        "; ".join(DOCKER_PORTS[port] for port in ports) or "Docker's API has no port",
        "whoever reaches it is root there; exctl needs only SSH",
        "warning",
        "remove tcp:// from `hosts` in /etc/docker/daemon.json and of dockerd's command line",
    )


def _logs(host: str, path: str, facts: SecurityFacts) -> Finding:
    mode = facts.logs_mode
    name, why = "log-directory", "logs name agents, queues and numbers; others could forge them"
    if mode is None:
        return Finding(name, host, f"{path}: its mode isn't known", why, "unknown", "exctl doctor")
    open_to_others = mode & (OTHERS_READ | OTHERS_WRITE)
    fix = f"chmod o-rwx {path}, once it is owned by the user of the containers"
    return judged(not open_to_others, name, host, f"{path} has mode {mode:o}", why, "warning", fix)


def _services(host: str, ours: Sequence[Instance], facts: SecurityFacts) -> Iterator[Finding]:
    """What no user but root can see is unknown: the firewall."""
    for instance in ours:
        is_open = instance.port in facts.open_ports
        where = "on every address" if is_open else "not now"
        yield judged(
            not is_open,
            "service-port",
            host,
            f"{instance.key}: plain HTTP on port {instance.port}, {where}",
            "only root can see whom a firewall lets through",
            "unknown",
            "let through what exctl topology lists, and nothing else",
        )


def _privileges(host: str, instance: Instance) -> Finding:
    is_set = instance.hardening.no_new_privileges
    return judged(
        is_set,
        "container-privileges",
        host,
        f"{instance.key} {'gains none' if is_set else 'may gain more than it began with'}",
        "a setuid program in the image makes whoever breaks into the service root in it",
        "warning",
        "hardening.no_new_privileges: true, on a test stack first",
    )
