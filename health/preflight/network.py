"""What a host reaches of what its instances connect to, from what the host has tried; and what this
host reaches of the instances."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence

from config_schema import CheckName, endpoints_of
from health.preflight import registry
from health.preflight.check import Check, HostView
from health.preflight.finding import Finding, Verdict, judged
from health.preflight.host_facts import CONNECT_SECONDS, OPEN, TIMED_OUT, HostFacts
from health.preflight.subject import ServerAddress, Subject
from health.probe import AnswerKind, ssh_probe
from hosts.shell import LOGIN_SECONDS
from stack.text import plain_text

LOOPBACK = "127.0.0.1"
REFUSED = "connection refused"
PROHIBITED = "the host's sshd forwards no connection"
_FIX = "open the firewall from this host, or correct the address in the stack file"
_NOT_TRIED = "not tried: the host has no bash or no timeout"


def from_here(host: str, port: int) -> str:
    """How this host reaches another one's port: `open`, `timeout` or the reason in words."""
    try:
        with socket.create_connection((host, port), CONNECT_SECONDS):
            return OPEN
    except TimeoutError:
        return TIMED_OUT
    except OSError as error:
        return plain_text(error.strerror or error).lower()


def through_ssh(ssh: Sequence[str], url: str) -> str:
    """The same of a health URL, asked from the host's own loopback through its SSH.

    With a login of its own: of a forward over a shared connection ssh doesn't say whether nobody
    listens or sshd forwards nothing.
    """
    answer = ssh_probe(ssh, LOGIN_SECONDS, is_alone=True)(url)
    if answer.failure is AnswerKind.REFUSED:
        return REFUSED
    if answer.failure is AnswerKind.FORWARD_FAILED:
        return PROHIBITED
    is_open = answer.code is not None or answer.failure is AnswerKind.ODD
    return OPEN if is_open else answer.error


def _gate_reach(view: HostView) -> Iterator[Finding]:
    """Whether the gates will be able to ask; a refusal shows that the way is open."""
    is_direct = view.subject.config.gate.via == "direct"
    for instance in view.subject.instances(view.host):
        state = view.answers.ways.get(instance.port)
        if state is None:
            continue
        where = f"{view.host}:{instance.port} from here"
        if not is_direct:
            where = f"{LOOPBACK}:{instance.port} on {view.host} through SSH"
        why = _why(state) if is_direct else state
        fix = "open the port to this host, or set gate.via: ssh"
        if state == PROHIBITED:
            fix = "set AllowTcpForwarding yes and no DisableForwarding in the host's sshd_config"
            fix += ", or set gate.via: direct"
        elif not is_direct:
            fix = "see ssh-login, or set gate.via: direct"
        yield judged(
            state in (OPEN, REFUSED),
            CheckName.GATE_REACH,
            view.host,
            "the way is open"
            if state in (OPEN, REFUSED)
            else f"not reached from here: {why}"
            if is_direct
            else why,
            f"{instance.key}'s gate asks {where}",
            "failed",
            fix,
        )


def _sip_servers(subject: Subject, host: str) -> list[list[ServerAddress]]:
    found: dict[str, list[ServerAddress]] = {}
    for instance in subject.instances(host):
        if instance.pair is None:
            continue
        voice = subject.config.excp.pairs[instance.pair].voice_servers
        for server in (*voice.vq, *voice.agent, *voice.call):
            found[server] = [ServerAddress(name, port) for name, port in endpoints_of(server)]
    return list(found.values())


def how(address: ServerAddress, facts: HostFacts) -> str:
    """In words: reached, or why not, or that it wasn't tried."""
    found = facts.reached.get(address)
    if found is None:
        return _NOT_TRIED
    if found == OPEN:
        return "reached"
    return f"not reached: {_why(found)}"


def _why(state: str) -> str:
    return f"no answer within {CONNECT_SECONDS} s" if state == TIMED_OUT else state


def _one(
    check: CheckName, host: str, to: ServerAddress, facts: HostFacts, verdict: Verdict = "failed"
) -> Finding:
    found = facts.reached.get(to)
    if found == OPEN:
        return Finding(check, host, "reached", str(to))
    if found is None:
        return Finding(check, host, _NOT_TRIED, str(to), "unknown", "install bash and coreutils")
    return Finding(check, host, how(to, facts), str(to), verdict, _FIX)


def _registry(view: HostView) -> Iterator[Finding]:
    if view.subject.registry is None:
        return
    has_all = registry.has_all_images(view.subject, view.host, view.facts)
    verdict: Verdict = "warning" if has_all else "failed"
    name = CheckName.REGISTRY_REACH
    yield _one(name, view.host, view.subject.registry, view.facts, verdict)


def _redis(view: HostView) -> Iterator[Finding]:
    connections = {ServerAddress(c.to_host, c.to_port) for c in view.subject.connections(view.host)}
    if view.subject.redis in connections:
        yield _one(CheckName.REDIS_REACH, view.host, view.subject.redis, view.facts)


def _services(view: HostView) -> set[str]:
    return {i.service for i in view.subject.instances(view.host)}


def _config_db(view: HostView) -> Iterator[Finding]:
    if "excs" in _services(view):
        yield _one(CheckName.CONFIG_DB_REACH, view.host, view.subject.config_db, view.facts)


def _cloud(view: HostView) -> Iterator[Finding]:
    name, variable = CheckName.GENESYS_CLOUD_REACH, view.subject.proxy(view.host)
    for to in view.subject.cloud if _services(view) else ():
        if variable:
            found = f"not tried: the services go through the proxy of {variable}"
            fix = "try the way through the proxy by hand"
            if variable == "genesys.proxy":
                found = "not tried: genesys.proxy is set; which way the services go isn't known"
                fix = "check that they reach it; the way through the proxy: exctl genesys check"
            yield Finding(name, view.host, found, str(to), "unknown", fix)
        else:
            yield _one(name, view.host, to, view.facts)


def _stat_server(view: HostView) -> Iterator[Finding]:
    if "exas" in _services(view):
        servers = view.subject.config.exas.stat_server
        pair = [ServerAddress(peer.host, peer.port) for peer in (servers.primary, servers.backup)]
        yield _pair(CheckName.STAT_SERVER, view.host, pair, view.facts)


def _sip_server(view: HostView) -> Iterator[Finding]:
    for pair in _sip_servers(view.subject, view.host):
        yield _pair(CheckName.SIP_SERVER, view.host, pair, view.facts)


def _pair(check: CheckName, host: str, pair: Sequence[ServerAddress], facts: HostFacts) -> Finding:
    """One of a pair that stands by for the other doesn't stop a deployment, but is told of."""
    needed = " and ".join(map(str, pair))
    states = [facts.reached.get(to) for to in pair]
    if all(state == OPEN for state in states):
        return Finding(check, host, "both reached", needed)
    found = "; ".join(f"{to} {how(to, facts)}" for to in pair)
    if None in states:
        return Finding(check, host, found, needed, "unknown", "install bash and coreutils")
    verdict: Verdict = "warning" if OPEN in states else "failed"
    return Finding(check, host, found, needed, verdict, _FIX)


def _excs(view: HostView) -> Iterator[Finding]:
    """A refusal shows that the way is open: EXCS comes with the same deployment."""
    name, to = CheckName.EXCS_REACH, view.subject.excs
    if not _services(view) - {"excs"}:
        return
    if view.facts.reached.get(to) != REFUSED:
        yield _one(name, view.host, to, view.facts)
    elif view.excs_runs:
        found, fix = "refused, though its container runs", "see exctl status and exctl logs excs"
        yield Finding(name, view.host, found, str(to), "warning", fix)
    else:
        yield Finding(name, view.host, "reachable; EXCS isn't there yet", str(to))


REGISTRY = Check(CheckName.REGISTRY_REACH, "the host reaches the image registry", _registry)
REDIS = Check(CheckName.REDIS_REACH, "the host reaches Redis", _redis)
CONFIG_DB = Check(CheckName.CONFIG_DB_REACH, "the host of EXCS reaches the Config DB", _config_db)
STAT_SERVER = Check(
    CheckName.STAT_SERVER, "the host of EXAS reaches the Stat Servers", _stat_server
)
SIP_SERVER = Check(CheckName.SIP_SERVER, "the hosts of EXCP reach their SIP Servers", _sip_server)
EXCS = Check(
    CheckName.EXCS_REACH, "the hosts of EXAS and EXCP reach the host and port of EXCS", _excs
)
GATES = Check(
    CheckName.GATE_REACH,
    "the gates reach the health ports: from here, or through SSH if gate.via is ssh",
    _gate_reach,
)
CLOUD = Check(CheckName.GENESYS_CLOUD_REACH, "the host reaches Genesys Cloud", _cloud)
