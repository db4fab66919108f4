"""What a host reaches of what its instances connect to, from what the host has tried; and what this
host reaches of the instances."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence

from health.preflight.finding import Finding, Verdict, judged
from health.preflight.host_facts import CONNECT_SECONDS, OPEN, TIMED_OUT, HostFacts
from health.preflight.subject import Address, Subject
from stack.text import plain_text

REFUSED = "connection refused"
_FIX = "open the firewall from this host, or correct the address in the stack file"
_NOT_TRIED = "not tried: the host has no bash or no timeout"


def findings(
    subject: Subject, host: str, facts: HostFacts, has_all_images: bool, excs_runs: bool
) -> Iterator[Finding]:
    """One finding for each system that the host's instances need; for servers that stand in
    pairs, one a pair."""
    registry: Verdict = "warning" if has_all_images else "stops"
    if subject.registry is not None:
        yield _one("registry-reach", host, subject.registry, facts, registry)
    connections = {Address(c.to_host, c.to_port) for c in subject.connections(host)}
    if subject.redis in connections:
        yield _one("redis-reach", host, subject.redis, facts)
    services = {i.service for i in subject.instances(host)}
    if "excs" in services:
        yield _one("config-db-reach", host, subject.config_db, facts)
    if services:
        yield from _cloud(subject, host, facts)
    if "exas" in services:
        servers = subject.config.exas.stat_server
        pair = [Address(peer.host, peer.port) for peer in (servers.primary, servers.backup)]
        yield _pair("stat-server", host, pair, facts)
    for pair in _sip_servers(subject, host):
        yield _pair("sip-server", host, pair, facts)
    if services - {"excs"}:
        yield _excs(subject.excs, host, facts, excs_runs)


def from_here(host: str, port: int) -> str:
    """How this host reaches another one's port: `open`, `timeout` or the reason in words."""
    try:
        with socket.create_connection((host, port), CONNECT_SECONDS):
            return OPEN
    except TimeoutError:
        return TIMED_OUT
    except OSError as error:
        return plain_text(error.strerror or error).lower()


def gate_findings(subject: Subject, host: str, states: Mapping[int, str]) -> Iterator[Finding]:
    """Whether the gates will be able to ask; a refusal shows that the way is open."""
    for instance in subject.instances(host):
        state = states.get(instance.port)
        if state is None:
            continue
        yield judged(
            state in (OPEN, REFUSED),
            "gate-reach",
            host,
            "the way is open"
            if state in (OPEN, REFUSED)
            else f"not reached from here: {_why(state)}",
            f"{instance.key}'s gate asks {host}:{instance.port} from here",
            "stops",
            "open the port to this host, or set gate.via: ssh",
        )


def _sip_servers(subject: Subject, host: str) -> list[list[Address]]:
    found: dict[str, list[Address]] = {}
    for instance in subject.instances(host):
        if instance.pair is None:
            continue
        voice = subject.config.excp.pairs[instance.pair].voice_servers
        for server in (*voice.vq, *voice.agent, *voice.call):
            parts = [part.partition(":") for part in server.split("/")]
            found[server] = [Address(name, int(port)) for name, _, port in parts]
    return list(found.values())


def how(address: Address, facts: HostFacts) -> str:
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
    check: str, host: str, to: Address, facts: HostFacts, verdict: Verdict = "stops"
) -> Finding:
    found = facts.reached.get(to)
    if found == OPEN:
        return Finding(check, host, "reached", str(to))
    if found is None:
        return Finding(check, host, _NOT_TRIED, str(to), "not known", "install bash and coreutils")
    return Finding(check, host, how(to, facts), str(to), verdict, _FIX)


def _cloud(subject: Subject, host: str, facts: HostFacts) -> Iterator[Finding]:
    variable = subject.proxy(host)
    for to in subject.cloud:
        if variable:
            found = f"not tried: the services go through the proxy of {variable}"
            fix = "try the way through the proxy by hand"
            yield Finding("genesys-cloud-reach", host, found, str(to), "not known", fix)
        else:
            yield _one("genesys-cloud-reach", host, to, facts)


def _pair(check: str, host: str, pair: Sequence[Address], facts: HostFacts) -> Finding:
    """One of a pair that stands by for the other doesn't stop a deployment, but is told of."""
    needed = " and ".join(map(str, pair))
    states = [facts.reached.get(to) for to in pair]
    if all(state == OPEN for state in states):
        return Finding(check, host, "both reached", needed)
    found = "; ".join(f"{to} {how(to, facts)}" for to in pair)
    if None in states:
        return Finding(check, host, found, needed, "not known", "install bash and coreutils")
    verdict: Verdict = "warning" if OPEN in states else "stops"
    return Finding(check, host, found, needed, verdict, _FIX)


def _excs(to: Address, host: str, facts: HostFacts, excs_runs: bool) -> Finding:
    """A refusal shows that the way is open: EXCS comes with the same deployment."""
    if facts.reached.get(to) == REFUSED:
        why = "the way is open; EXCS isn't there yet"
        if not excs_runs:
            return Finding("excs-reach", host, why, str(to))
        return Finding(
            "excs-reach",
            host,
            "refused, though its container runs",
            str(to),
            "warning",
            "see exctl status and exctl logs excs",
        )
    return _one("excs-reach", host, to, facts)
