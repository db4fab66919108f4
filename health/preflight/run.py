"""Preflight: everything a deployment needs of its hosts and networks, checked before it begins.

Read only, without the stack's lock, and nothing is installed: each host is asked over the one
connection that all of ours share, all hosts side by side. Two steps a host: one script says what
the host has and what it reaches; then what it reaches is logged in to, through its connection.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from health.preflight import (
    config_db,
    genesys_cloud,
    network,
    place,
    redis_server,
    registry,
    watching,
)
from health.preflight import ssh as way
from health.preflight.answers import HostAnswers
from health.preflight.catalogue import CHECKS
from health.preflight.check import HostView, StackView
from health.preflight.finding import Finding
from health.preflight.host_facts import (
    OPEN,
    DockerAccess,
    HostFacts,
    parse,
    script,
    watchers_script,
)
from health.preflight.subject import ServerAddress, Subject, Watchers
from health.preflight.tunnel import Tunnels
from hosts.answer import Ending, HostAnswer
from hosts.shell import command_over_ssh, end_all, leave_connection
from stack.ssh import ssh_target

Answer = TypeVar("Answer")
LOGIN_SECONDS = 5
"""Chosen: a host that doesn't answer by then is told as not reached."""
HOST_SECONDS = 20.0


def examine(
    subject: Subject, decrypted: Callable[[], Subject], left_out: Collection[str] = ()
) -> list[Finding]:
    """Every finding, check by check; none of the hosts that are left out, which nobody asks.

    `decrypted` gives the subject with its secrets; it is called while ssh logs in.
    """
    hosts = [host for host in subject.layout.hosts if host not in left_out]
    watchers = subject.watchers
    with ThreadPoolExecutor(len(hosts) + len(watchers) + 1) as pool:
        try:
            known = pool.submit(decrypted)
            watched = {
                each.host: pool.submit(ask_watchers, subject, each, known) for each in watchers
            }
            asked = [pool.submit(ask, subject, host, known) for host in hosts]
            answers = {host: each.result() for host, each in zip(hosts, asked, strict=True)}
            found = _with_a_token(known.result(), answers)
            said = {host: each.result() for host, each in watched.items()}
            return judge(known.result(), found, said)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            end_all()
            raise


def ask(subject: Subject, host: str, decrypted: Future[Subject]) -> HostAnswers:
    """Everything that one host is asked.

    Where the user may not use Docker, once more over a new login: a connection that is open still
    has the groups of the time when it was made.
    """
    ssh = ssh_target(subject.config.ssh, host).command
    answer, facts = _ask(ssh, script(subject, host))
    if facts is None:
        key = None
        if answer.kind is Ending.NOT_REACHED:
            key = way.key_state(subject.config.ssh.at(host).key_path)
        return HostAnswers(answer, key=key)
    sessions = way.open_sessions(ssh, way.sessions_needed(subject, host))
    return _conversations(decrypted.result(), host, ssh, HostAnswers(answer, facts, sessions))


def ask_watchers(subject: Subject, watchers: Watchers, decrypted: Future[Subject]) -> HostAnswers:
    """What a host is asked on which something is to be placed beside EXEC."""
    ssh = ssh_target(subject.config.ssh, watchers.host).command
    answer, facts = _ask(ssh, watchers_script(subject, watchers))
    if facts is None or subject.registry is None:
        return HostAnswers(answer, facts)
    with Tunnels(ssh) as tunnels:
        images = [image for image in watchers.images if watching.is_asked_for(subject, image)]
        found = registry.ask(decrypted.result(), images, facts, tunnels)
    return HostAnswers(answer, facts, registry=found)


def _ask(ssh: tuple[str, ...], script: str) -> tuple[HostAnswer, HostFacts | None]:
    first = ("ssh", "-o", f"ConnectTimeout={LOGIN_SECONDS}", *ssh[1:])
    run, words = command_over_ssh(first, HOST_SECONDS), ["sh", "-c", script]
    answer = run(words)
    facts = parse(answer.stdout) if answer.is_complete else None
    if facts is not None and facts.access is DockerAccess.DENIED:
        leave_connection(ssh)
        answer = run(words)
        facts = parse(answer.stdout) if answer.is_complete else None
    return answer, facts


def _conversations(
    subject: Subject, host: str, ssh: tuple[str, ...], so_far: HostAnswers
) -> HostAnswers:
    """Logs in to what the host reaches, all of it side by side, each over tunnels of its own."""
    facts = so_far.facts
    assert facts is not None
    needed = {ServerAddress(c.to_host, c.to_port) for c in subject.connections(host)}
    services = {i.service for i in subject.instances(host)}

    def is_open(to: ServerAddress) -> bool:
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
            lambda t: registry.ask(subject, subject.images(host), facts, t),
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
        is_direct = subject.config.gate.via == "direct"
        ways = {
            i.port: network.from_here(host, i.port)
            if is_direct
            else network.through_ssh(ssh, i.health_url)
            for i in subject.instances(host)
        }
        return replace(
            so_far,
            registry=of_registry(),
            redis=of_redis(),
            config_db=of_database(),
            cloud=of_cloud(),
            ways=ways,
        )


def _with_a_token(subject: Subject, answers: Mapping[str, HostAnswers]) -> dict[str, HostAnswers]:
    """The same, with the login of the OAuth client, and its organization, on the first host that
    speaks with Genesys Cloud."""
    found = dict(answers)
    for host, each in answers.items():
        if each.cloud is not None and each.cloud.tls.kind == "done":
            with Tunnels(ssh_target(subject.config.ssh, host).command) as tunnels:
                login, org = genesys_cloud.log_in(subject, tunnels)
            cloud = replace(each.cloud, login=login, organization=org)
            found[host] = replace(each, cloud=cloud)
            break
    return found


def judge(
    subject: Subject,
    answers: Mapping[str, HostAnswers],
    watchers: Mapping[str, HostAnswers] = MappingProxyType({}),
) -> list[Finding]:
    """What the answers amount to, with the stack file's waivers; pure."""
    excs_runs = _excs_runs(subject, answers)
    stack = StackView(subject, answers, excs_runs, watchers)
    hosts = [HostView(subject, host, each, excs_runs) for host, each in answers.items()]
    found = [finding for check in CHECKS for finding in check.findings(hosts, stack)]
    return [_waived(finding, subject.config.preflight.waive) for finding in found]


def _excs_runs(subject: Subject, answers: Mapping[str, HostAnswers]) -> bool:
    (excs,) = subject.layout.of("excs")
    answer = answers.get(excs.host)
    facts = answer.facts if answer is not None else None
    own = place.own_container(subject, excs, facts) if facts is not None else None
    return own is not None and own.is_running


def _waived(finding: Finding, waive: Mapping[str, str]) -> Finding:
    reason = waive.get(f"{finding.check}@{finding.host}") or waive.get(finding.check, "")
    return replace(finding, waived="" if finding.is_ok else reason)
