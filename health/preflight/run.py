"""Preflight: everything a deployment needs of its hosts and networks, checked before it begins.

Read only, without the stack's lock, and nothing is installed: each host is asked over the one
connection that all of ours share, all hosts side by side. Two steps a host: one script says what
the host has and what it reaches; then what it reaches is logged in to, through its connection.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeVar

from health.preflight import (
    config_db,
    genesys_cloud,
    host_facts,
    machine,
    network,
    place,
    redis_server,
    registry,
    stack_file,
)
from health.preflight import ssh as way
from health.preflight.finding import Finding
from health.preflight.host_facts import OPEN, HostFacts
from health.preflight.outcome import Outcome
from health.preflight.subject import Address, Subject
from health.preflight.tunnel import Tunnels
from hosts.container import command_over_ssh
from stack.ssh import ssh_target

Answer = TypeVar("Answer")
LOGIN_SECONDS = 5
"""Chosen: a host that doesn't answer by then is told as not reached."""
HOST_SECONDS = 20.0


@dataclass(frozen=True)
class HostAnswers:
    """All that was asked of one host: `facts` is None if ssh didn't get in, and `said` is why."""

    said: str
    facts: HostFacts | None = None
    sessions: way.Sessions | None = None
    registry: registry.RegistryAnswer | None = None
    redis: redis_server.RedisAnswer | None = None
    config_db: Outcome | None = None
    cloud: genesys_cloud.CloudAnswer | None = None
    from_here: Mapping[int, str] = field(default_factory=dict)
    """Port → how it is reached from the operator's host; empty if the gates don't need it."""


def examine(subject: Subject, decrypted: Callable[[], Subject]) -> list[Finding]:
    """Every finding: of the stack file, then host by host.

    `decrypted` gives the subject with its secrets; it is called while ssh logs in.
    """
    hosts = subject.layout.hosts
    with ThreadPoolExecutor(len(hosts) + 1) as pool:
        known = pool.submit(decrypted)
        asked = [pool.submit(ask, subject, host, known) for host in hosts]
        answers = {host: each.result() for host, each in zip(hosts, asked, strict=True)}
        return judge(known.result(), answers)


def ask(subject: Subject, host: str, decrypted: Future[Subject]) -> HostAnswers:
    """Everything that one host is asked."""
    target = ssh_target(subject.config.ssh, host)
    first = ("ssh", "-o", f"ConnectTimeout={LOGIN_SECONDS}", *target.command[1:])
    answer = command_over_ssh(first, HOST_SECONDS)(["sh", "-c", host_facts.script(subject, host)])
    facts = host_facts.parse(answer.stdout)
    if facts is None:
        return HostAnswers(answer.stderr)
    sessions = way.open_sessions(target.command, way.sessions_needed(subject, host))
    return _conversations(decrypted.result(), host, target.command, facts, sessions)


def _conversations(
    subject: Subject,
    host: str,
    ssh: tuple[str, ...],
    facts: HostFacts,
    sessions: way.Sessions,
) -> HostAnswers:
    """Logs in to what the host reaches, all of it side by side, each over tunnels of its own."""
    needed = {Address(c.to_host, c.to_port) for c in subject.connections(host)}
    services = {i.service for i in subject.instances(host)}

    def is_open(to: Address) -> bool:
        # What the host couldn't try is tried here: then the tunnel tells.
        return facts.reached.get(to, OPEN) == OPEN

    with ThreadPoolExecutor(4) as pool, contextlib.ExitStack() as stack:

        def begin(
            is_wanted: bool, talk: Callable[[Tunnels], Answer]
        ) -> Callable[[], Answer | None]:
            if not is_wanted:
                return lambda: None
            return pool.submit(talk, stack.enter_context(Tunnels(ssh))).result

        of_registry = begin(
            subject.registry is not None and is_open(subject.registry),
            lambda t: registry.ask(subject, host, facts, t),
        )
        of_redis = begin(
            subject.redis in needed and is_open(subject.redis),
            lambda t: redis_server.ask(subject, t),
        )
        of_database = begin(
            "excs" in services and is_open(subject.config_db), lambda t: config_db.ask(subject, t)
        )
        of_cloud = begin(
            bool(services) and not subject.proxy(host) and all(map(is_open, subject.cloud)),
            lambda t: genesys_cloud.ask(subject, t),
        )
        ports = [i.port for i in subject.instances(host) if subject.config.gate.via == "direct"]
        reached = {port: network.from_here(host, port) for port in ports}
        return HostAnswers(
            "", facts, sessions, of_registry(), of_redis(), of_database(), of_cloud(), reached
        )


def judge(subject: Subject, answers: Mapping[str, HostAnswers]) -> list[Finding]:
    """What the answers amount to, with the stack file's waivers; pure."""
    excs_runs = _excs_runs(subject, answers)
    found = list(stack_file.findings(subject, excs_runs))
    for host, each in answers.items():
        found += _of_host(subject, host, each, excs_runs)
    for _, pair in subject.layout.pairs:
        running = [i.host for i in pair if not i.is_stopped]
        of_pair = [answers[host] for host in running]
        if len(running) == 2 and all(each.facts is not None for each in of_pair):
            clocks = [each.sessions.clock if each.sessions else None for each in of_pair]
            found += way.pair_findings(running, clocks)
    return [_waived(finding, subject.config.preflight.waive) for finding in found]


def _excs_runs(subject: Subject, answers: Mapping[str, HostAnswers]) -> bool:
    (excs,) = subject.layout.of("excs")
    facts = answers[excs.host].facts
    own = place.own_container(subject, excs, facts) if facts is not None else None
    return own is not None and own.status.startswith("Up")


def _of_host(
    subject: Subject, host: str, answers: HostAnswers, excs_runs: bool
) -> Iterator[Finding]:
    """A host that can't be reached has one finding: nothing else of it is known."""
    facts = answers.facts
    if facts is None:
        yield way.login_finding(subject, host, answers.said)
        return
    ssh = subject.config.ssh
    yield Finding("ssh-login", host, "logged in", f"a login as {ssh.user}")
    yield Finding("ssh-host-key", host, "as known", f"the key that {ssh.known_hosts_path} has")
    if answers.sessions is not None:
        yield way.sessions_finding(host, answers.sessions)
        yield from way.clock_findings(host, answers.sessions.clock)
    yield from machine.findings(host, facts)
    yield from place.findings(subject, host, facts)
    has_all = registry.has_all_images(subject, host, facts)
    yield from network.findings(subject, host, facts, has_all, excs_runs)
    yield from network.gate_findings(subject, host, answers.from_here)
    yield from _of_images(subject, host, facts, answers.registry)
    if answers.redis is not None:
        yield from redis_server.findings(subject, host, answers.redis)
    if answers.config_db is not None:
        yield config_db.finding(subject, host, answers.config_db)
    if answers.cloud is not None:
        yield from genesys_cloud.findings(subject, host, answers.cloud)


def _of_images(
    subject: Subject, host: str, facts: HostFacts, answer: registry.RegistryAnswer | None
) -> Iterator[Finding]:
    if not facts.docker:
        return
    if answer is not None:
        yield registry.login_finding(subject, host, facts, answer.login)
    manifests = {} if answer is None else answer.manifests
    yield from registry.image_findings(subject, host, facts, manifests)
    yield machine.disk_space(host, facts, registry.to_pull(subject, host, facts, manifests))


def _waived(finding: Finding, waive: Mapping[str, str]) -> Finding:
    reason = waive.get(f"{finding.check}@{finding.host}") or waive.get(finding.check, "")
    return replace(finding, waived="" if finding.is_ok else reason)
