"""What is in an instance's place on its host: port, name, log directory. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from config_schema import CheckName
from health.preflight.check import Check, HostView
from health.preflight.finding import Finding, Verdict, judged
from health.preflight.host_facts import HostFacts
from health.preflight.registry import image_on_host
from health.preflight.subject import Subject
from hosts.docker import Container
from stack.layout import Instance

LOG_SPACE_MIB, LOG_SPACE_SHARE = 16, 0.1
"""Chosen: below the first a service that writes files is about to fail; below the second share
somebody should look before it does."""
_ROOT = ("", "0", "root", "0:0", "root:root")


def own_container(subject: Subject, instance: Instance, facts: HostFacts) -> Container | None:
    """The instance's container, if it has one that is this stack's."""
    found = _of_name(instance, facts)
    return found if found is not None and found.stack == subject.stack else None


def _of_name(instance: Instance, facts: HostFacts) -> Container | None:
    named = (c for c in facts.containers if c.name == instance.container_name)
    return next(named, None)


def _name(view: HostView) -> Iterator[Finding]:
    stack = view.subject.stack
    for instance in view.subject.instances(view.host) if view.facts.docker else ():
        found = _of_name(instance, view.facts)
        needed = f"none, or one of the stack {stack}"
        what, fix = f"no {instance.container_name}", ""
        if found is not None and found.stack == stack:
            what = f"our {found.name}"
        elif found is not None:
            what = _whose(found)
            fix = f"take it over: exctl adopt --stack {stack}; or remove it"
            if found.stack:
                fix = "set tenant.container_prefix, so that both have names of their own"
        yield judged(not fix, CheckName.CONTAINER_NAME, view.host, what, needed, "failed", fix)


def _whose(found: Container) -> str:
    if found.stack:
        owner = f"of the stack {found.stack}"
    elif found.compose_project:
        owner = f"of the compose project {found.compose_project}"
    else:
        owner = "that neither exctl nor compose made"
    since = found.created[:16].replace("T", " ")
    word = found.state.word
    return f"a container {found.name} {owner}: {found.image}, {word}, made {since}"


def _port(view: HostView) -> Iterator[Finding]:
    for instance in view.subject.instances(view.host):
        yield _port_of(view, instance)


def _port_of(view: HostView, instance: Instance) -> Finding:
    subject, facts, port = view.subject, view.facts, instance.port
    name, host, needed = CheckName.PORT, view.host, f"{port} is free, or {instance.key}'s"
    users = facts.listeners.get(port, ())
    if not users:
        return Finding(name, host, f"{port} is free", needed)
    own = own_container(subject, instance, facts)
    if own is not None and own.is_running:
        return Finding(name, host, f"{port} is {instance.key}'s", needed)
    running = [c for c in facts.containers if c.is_running and c.network == "host"]
    suspects = [c for c in running if c.stack != subject.stack]
    ours = [c for c in running if c.stack == subject.stack]
    found = f"{port} is taken by a process of {' and '.join(users)}"
    fix = (
        f"on the host: sudo ss -ltnp 'sport = :{port}'; stop it, or give the instance another port"
    )
    if not facts.docker:
        # What listens may well be the instance itself: it serves on while Docker can't be asked.
        found = f"{found}; whether it is {instance.key}'s own, Docker can't be asked"
        return Finding(name, host, found, needed, "unknown", "see docker-access")
    if suspects:
        names = ", ".join(_short(c) for c in suspects)
        found = f"{found}, perhaps the container {names}"
    elif ours:
        names = " or ".join(c.name for c in ours)
        found = f"{found}, perhaps this stack's own {names}"
        fix = f"if {names} had this port until now, change both in steps: exctl stop, then exctl up"
    return Finding(name, host, found, needed, "failed", fix)


def _short(found: Container) -> str:
    whose = found.stack and f"stack {found.stack}"
    whose = whose or (found.compose_project and f"compose project {found.compose_project}")
    return f"{found.name} ({whose})" if whose else found.name


def _other_stacks(view: HostView) -> Iterator[Finding]:
    if not view.facts.docker:
        return
    stack = view.subject.stack
    others = [c for c in view.facts.containers if c.stack not in ("", stack)]
    is_prefixed = bool(view.subject.config.tenant.container_prefix)
    yield judged(
        not others or is_prefixed,
        CheckName.OTHER_STACK,
        view.host,
        f"containers of another: {', '.join(map(_short, others))}" if others else "none",
        f"the stack {stack} alone, or tenant.container_prefix set",
        "warning",
        "check that both are meant to be here; then set tenant.container_prefix, or waive it",
    )


def _log_directory(view: HostView) -> Iterator[Finding]:
    if view.subject.instances(view.host):
        yield _log_directory_of(view.subject, view.host, view.facts)


def _log_directory_of(subject: Subject, host: str, facts: HostFacts) -> Finding:
    path, logs = subject.config.logs.host_path, facts.logs
    needed = f"{path} can be written to by the containers"
    is_there = logs.nearest == path

    def bad(found: str, fix: str, verdict: Verdict = "failed") -> Finding:
        return Finding(CheckName.LOG_DIRECTORY, host, found, needed, verdict, fix)

    if not logs.is_directory:
        return bad(f"{logs.nearest} is no directory", "move it away, or change logs.host_path")
    if "ro" in logs.mount_options:
        return bad(f"{logs.nearest} is mounted read-only", "mount it for writing")
    user, is_mapped = _container_user(subject, host, facts)
    if not is_there:
        if user in _ROOT and not is_mapped:
            return Finding(CheckName.LOG_DIRECTORY, host, "not there: Docker will make it", needed)
        why = f"not there, and Docker would make it root's; the containers run as {user or 'root'}"
        return bad(why, f"make it, owned by that user: mkdir -p {path}")
    mode = logs.mode or 0
    if (user in _ROOT and not is_mapped) or mode & 0o002 or user.split(":")[0] == str(logs.owner):
        return Finding(CheckName.LOG_DIRECTORY, host, "there, and can be written to", needed)
    if is_mapped or not user.split(":")[0].isdecimal():
        whom = "another user than root" if is_mapped else user
        why = f"there; whether {whom}, as whom the containers write, may isn't known"
        return bad(why, "check that it can be written to by that user", "unknown")
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


def _log_space(view: HostView) -> Iterator[Finding]:
    """Only where a service writes files; its stdout is on Docker's disk."""
    subject, host, facts = view.subject, view.host, view.facts
    if not any("LOG_PATH" in i.environment for i in subject.instances(host)):
        return
    size, free = facts.logs.size_mib, facts.logs.free_mib
    needed = f"{LOG_SPACE_SHARE:.0%} free at {subject.config.logs.host_path}"
    if size is None or free is None:
        fix = "see df on the host"
        yield Finding(CheckName.LOG_SPACE, host, "not told", needed, "unknown", fix)
        return
    found = f"{free} of {size} MiB free"
    if free >= size * LOG_SPACE_SHARE:
        yield Finding(CheckName.LOG_SPACE, host, found, needed)
        return
    verdict: Verdict = "failed" if free < LOG_SPACE_MIB else "warning"
    yield Finding(CheckName.LOG_SPACE, host, found, needed, verdict, "remove old log files")


NAME = Check(
    CheckName.CONTAINER_NAME, "no container of an instance's name belongs to somebody else", _name
)
PORT = Check(CheckName.PORT, "each instance's port is free, or its own already", _port)
OTHER_STACK = Check(
    CheckName.OTHER_STACK, "no other stack has containers on the host", _other_stacks, stops=False
)
LOG_DIRECTORY = Check(
    CheckName.LOG_DIRECTORY,
    "the log directory is there or can be made, and can be written to",
    _log_directory,
)
LOG_SPACE = Check(CheckName.LOG_SPACE, "there is room for log files", _log_space)
