"""What is in an instance's place on its host: port, name, log directory. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from health.preflight.finding import Finding, Verdict
from health.preflight.host_facts import HostContainer, HostFacts
from health.preflight.registry import image_on_host
from health.preflight.subject import Subject
from stack.layout import Instance

LOG_SPACE_MIB, LOG_SPACE_SHARE = 16, 0.1
"""Chosen: below the first a service that writes files is about to fail; below the second share
somebody should look before it does."""
_ROOT = ("", "0", "root", "0:0", "root:root")


def findings(subject: Subject, host: str, facts: HostFacts) -> Iterator[Finding]:
    for instance in subject.instances(host):
        if facts.docker:
            yield _name(subject, instance, facts)
        yield _port(subject, instance, facts)
    if facts.docker:
        yield _other_stacks(subject, host, facts)
    if subject.instances(host):
        yield _log_directory(subject, host, facts)
        yield from _log_space(subject, host, facts)


def own_container(subject: Subject, instance: Instance, facts: HostFacts) -> HostContainer | None:
    """The instance's container, if it has one that is this stack's."""
    found = _of_name(instance, facts)
    return found if found is not None and found.stack == subject.stack else None


def _of_name(instance: Instance, facts: HostFacts) -> HostContainer | None:
    named = (c for c in facts.containers if c.name == instance.container_name)
    return next(named, None)


def _name(subject: Subject, instance: Instance, facts: HostFacts) -> Finding:
    found = _of_name(instance, facts)
    needed = f"none, or one of the stack {subject.stack}"
    if found is None:
        return Finding("container-name", instance.host, f"no {instance.container_name}", needed)
    if found.stack == subject.stack:
        return Finding("container-name", instance.host, f"our {found.name}", needed)
    if found.stack:
        fix = "set tenant.container_prefix, so that both have names of their own"
    else:
        fix = f"take it over: exctl adopt --stack {subject.stack}; or remove it"
    return Finding("container-name", instance.host, _whose(found), needed, "stops", fix)


def _whose(found: HostContainer) -> str:
    if found.stack:
        owner = f"of the stack {found.stack}"
    elif found.compose_project:
        owner = f"of the compose project {found.compose_project}"
    else:
        owner = "that neither exctl nor compose made"
    since = " ".join(found.since.split(" ")[:2])
    return f"a container {found.name} {owner}: {found.image}, {found.status}, made {since}"


def _port(subject: Subject, instance: Instance, facts: HostFacts) -> Finding:
    needed = f"{instance.port} is free, or {instance.key}'s"
    users = facts.listeners.get(instance.port, ())
    own = own_container(subject, instance, facts)
    if not users:
        return Finding("port", instance.host, f"{instance.port} is free", needed)
    if own is not None and own.status.startswith("Up"):
        return Finding("port", instance.host, f"{instance.port} is {instance.key}'s", needed)
    suspects = [
        c
        for c in facts.containers
        if c.status.startswith("Up") and c.network == "host" and c.stack != subject.stack
    ]
    who = f"a process of {' and '.join(users)}"
    if suspects:
        names = ", ".join(_short(c) for c in suspects)
        who = f"{who}, perhaps the container {names}"
    return Finding(
        "port",
        instance.host,
        f"{instance.port} is taken by {who}",
        needed,
        "stops",
        f"on the host: sudo ss -ltnp 'sport = :{instance.port}'; stop it, or give the instance"
        " another port",
    )


def _short(found: HostContainer) -> str:
    whose = found.stack and f"stack {found.stack}"
    whose = whose or (found.compose_project and f"compose project {found.compose_project}")
    return f"{found.name} ({whose})" if whose else found.name


def _other_stacks(subject: Subject, host: str, facts: HostFacts) -> Finding:
    others = [c for c in facts.containers if c.stack not in ("", subject.stack)]
    needed = f"the stack {subject.stack} alone, or tenant.container_prefix set"
    if not others:
        return Finding("other-stack", host, "none", needed)
    found = f"containers of another: {', '.join(_short(c) for c in others)}"
    if subject.config.tenant.container_prefix:
        return Finding("other-stack", host, found, needed)
    fix = "see that both are meant to be here; then set tenant.container_prefix, or waive it"
    return Finding("other-stack", host, found, needed, "warning", fix)


def _log_directory(subject: Subject, host: str, facts: HostFacts) -> Finding:
    path, logs = subject.config.logs.host_path, facts.logs
    needed = f"{path} can be written to by the containers"
    is_there = logs.nearest == path

    def bad(found: str, fix: str, verdict: Verdict = "stops") -> Finding:
        return Finding("log-directory", host, found, needed, verdict, fix)

    if not logs.is_directory:
        return bad(f"{logs.nearest} is no directory", "move it away, or change logs.host_path")
    if "ro" in logs.mount_options:
        return bad(f"{logs.nearest} is mounted read-only", "mount it for writing")
    user, is_mapped = _container_user(subject, host, facts)
    if not is_there:
        if user in _ROOT and not is_mapped:
            return Finding("log-directory", host, "not there: Docker will make it", needed)
        why = f"not there, and Docker would make it root's; the containers run as {user or 'root'}"
        return bad(why, f"make it, owned by that user: mkdir -p {path}")
    mode = logs.mode or 0
    if (user in _ROOT and not is_mapped) or mode & 0o002 or user.split(":")[0] == str(logs.owner):
        return Finding("log-directory", host, "there, and can be written to", needed)
    if is_mapped or not user.split(":")[0].isdecimal():
        whom = "another user than root" if is_mapped else user
        why = f"there; whether {whom}, as whom the containers write, may isn't known"
        return bad(why, "see that it can be written to by that user", "not known")
    fix = f"chown {user} {path}"
    return bad(f"it is of user {logs.owner}, and the containers run as user {user}", fix)


def _container_user(subject: Subject, host: str, facts: HostFacts) -> tuple[str, bool]:
    """As whom the host's containers run (as far as their images are there), and whether the daemon
    maps its root to another user."""
    found = [image_on_host(facts, i.image) for i in subject.instances(host)]
    users = [image.user for image in found if image is not None and image.user not in _ROOT]
    options: Sequence[str] = facts.docker.get("SecurityOptions") or ()
    is_mapped = any("userns" in option or "rootless" in option for option in options)
    return (users[0] if users else ""), is_mapped


def _log_space(subject: Subject, host: str, facts: HostFacts) -> Iterator[Finding]:
    """Only where a service writes files; its stdout is on Docker's disk."""
    if not any("LOG_PATH" in i.environment for i in subject.instances(host)):
        return
    size, free = facts.logs.size_mib, facts.logs.free_mib
    needed = f"{LOG_SPACE_SHARE:.0%} free at {subject.config.logs.host_path}"
    if size is None or free is None:
        fix = "see df on the host"
        yield Finding("log-space", host, "not told", needed, "not known", fix)
        return
    found = f"{free} of {size} MiB free"
    if free >= size * LOG_SPACE_SHARE:
        yield Finding("log-space", host, found, needed)
        return
    verdict: Verdict = "stops" if free < LOG_SPACE_MIB else "warning"
    yield Finding("log-space", host, found, needed, verdict, "remove old log files")
