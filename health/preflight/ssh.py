"""The way to a host: why ssh didn't get there, and how many sessions it takes.

Its clock is read in a session over the connection that is open already: only the way there
and back is then in doubt, not a handshake.
"""

from __future__ import annotations

import os
import secrets
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from config_schema import CheckName, Ssh
from health.preflight.answers import ClockOffset, KeyState, Sessions
from health.preflight.check import Check, HostView
from health.preflight.finding import Finding, judged
from health.preflight.subject import Subject
from hosts.answer import KEY_CHANGED, Ending, HostAnswer
from stack.text import plain_text

SESSION_SECONDS = 5.0
_KEY_UNKNOWN = ("host key is known for", "Host key verification failed")
_REFUSED = "Permission denied"


def sessions_needed(subject: Subject, host: str) -> int:
    """Sessions that a run has open on a host at once.

    The Docker provider and a gate for each instance, and one that looks (`exctl logs`).
    """
    return 2 * len(subject.instances(host)) + 1


def open_sessions(ssh: Sequence[str], wanted: int) -> Sessions:
    """Opens sessions one after the other, each held until the last one is open."""
    clocks, mark = [], secrets.token_hex(8)
    with ExitStack() as held, tempfile.TemporaryFile() as words:
        for _ in range(wanted):
            # Where the open connection takes no more, ssh would log in again; this mustn't.
            script = f"echo {mark}; date +%s.%N; exec cat"
            command = [ssh[0], "-o", "ProxyCommand=false", *ssh[1:], f"exec /bin/sh -c '{script}'"]
            asked = time.time()
            process = held.enter_context(
                subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words
                )
            )
            held.callback(process.kill)
            text = _number(process, mark.encode())
            if not text:
                break
            doubt = (time.time() - asked) / 2
            clocks.append(ClockOffset(float(text) - asked - doubt, doubt))
    best = min(clocks, key=lambda clock: clock.doubt_seconds, default=None)
    return Sessions(wanted, len(clocks), best)


def _number(process: subprocess.Popen[bytes], mark: bytes) -> str:
    """The number that the session prints behind the mark; '' if it says anything else, or nothing
    in time."""
    assert process.stdout is not None
    deadline, said = time.monotonic() + SESSION_SECONDS, b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([process.stdout], [], [], left)[0]:
            break
        chunk = os.read(process.stdout.fileno(), 4096)
        said += chunk
        text, end, _ = said.partition(mark + b"\n")[2].partition(b"\n")
        if end or not chunk:
            found = text.decode("ascii", "replace").strip()
            return found if found.replace(".", "", 1).isdecimal() else ""
    return ""


def key_state(path: str | None) -> KeyState:
    """How the operator's own key stands, looked at once a login was refused."""
    if path is None:
        return _agent_state()
    file = Path(path).expanduser()
    try:
        file.read_bytes()
    except FileNotFoundError:
        return KeyState.MISSING
    except OSError:
        return KeyState.UNREADABLE
    if file.stat().st_uid == os.getuid() and file.stat().st_mode & 0o077:
        return KeyState.TOO_OPEN
    opened = _ran("ssh-keygen", "-y", "-P", "", "-f", str(file))
    if opened is None or opened == 0:
        return KeyState.USABLE
    has_word = _ran("ssh-keygen", "-l", "-f", str(file)) == 0
    if not has_word:
        return KeyState.NO_KEY
    return KeyState.ENCRYPTED_NO_AGENT if _ran("ssh-add", "-l") != 0 else KeyState.ENCRYPTED


def _agent_state() -> KeyState:
    code = _ran("ssh-add", "-l")
    return {2: KeyState.NO_AGENT, 1: KeyState.EMPTY_AGENT}.get(code or 0, KeyState.USABLE)


def _ran(*words: str) -> int | None:
    """The command's exit code, None if it can't be run."""
    try:
        return subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SESSION_SECONDS,
            check=False,
        ).returncode
    except (OSError, subprocess.TimeoutExpired):
        return None


def is_host_key(answer: HostAnswer) -> bool:
    """Whether ssh ended because of the host's key."""
    said = answer.stderr
    return KEY_CHANGED in said or any(words in said for words in _KEY_UNKNOWN)


def _login(view: HostView) -> Iterator[Finding]:
    """Why ssh didn't get in: by how far it came, its own words, and how the key stands."""
    answer, name, host = view.answers.login, CheckName.SSH_LOGIN, view.host
    ssh = view.subject.config.ssh.at(host)
    needed = f"a login as {ssh.user}"
    if view.answers.facts is not None:
        yield Finding(name, host, "logged in", needed)
        return
    if is_host_key(answer):
        return
    if answer.kind is Ending.NOT_REACHED and _REFUSED in answer.stderr:
        found, fix = _refusal(view, ssh)
    elif answer.kind is Ending.NO_SSH:
        found, fix = "there is no `ssh` on PATH here", "install the OpenSSH client"
    elif answer.kind is Ending.NOT_REACHED:
        said = answer.stderr.strip().splitlines()
        words = plain_text(said[-1]).removeprefix("ssh: ") if said else "no answer"
        found = f"not reached: {words}"
        fix = f"check that the host is up, and port {ssh.port or 22} open from here"
    elif answer.kind is Ending.SILENT:
        found = f"not reached: {answer.why().removeprefix('ssh: ')}"
        fix = f"check that the host is up, and port {ssh.port or 22} open from here"
    elif answer.kind is Ending.STUCK:
        found = f"logged in, but what was asked didn't end within {answer.limit_seconds:g} s"
        fix = "see what holds the host: load, memory, a file system that hangs"
    else:
        found = f"logged in, but: {answer.why()}"
        fix = f"give {ssh.user} a login shell on the host, and no ForceCommand for it"
    yield Finding(name, host, found, needed, "failed", fix)


def _refusal(view: HostView, ssh: Ssh) -> tuple[str, str]:
    key, agent = ssh.key_path, "eval $(ssh-agent) && ssh-add"
    found, fix = {
        KeyState.MISSING: (f"there is no key {key}", "correct ssh.key_path"),
        KeyState.UNREADABLE: (f"the key {key} can't be read by you", f"chown or chmod {key}"),
        KeyState.TOO_OPEN: (f"ssh refuses the key {key}: others may read it", f"chmod 600 {key}"),
        KeyState.NO_KEY: (f"{key} isn't a private key", "correct ssh.key_path"),
        KeyState.ENCRYPTED_NO_AGENT: (
            f"the key {key} has a passphrase, and no agent holds it",
            f"{agent} {key}",
        ),
        KeyState.NO_AGENT: ("no ssh-agent runs, and no ssh.key_path is set", agent),
        KeyState.EMPTY_AGENT: ("the ssh-agent holds no key, and no ssh.key_path is set", "ssh-add"),
    }.get(view.answers.key or KeyState.USABLE, ("", ""))
    if found:
        return found, fix
    with_key = f"the key {key}" if key else "the keys of the agent"
    return (
        f"reached, but it refuses {with_key} for {ssh.user}",
        f"put the public key into ~{ssh.user}/.ssh/authorized_keys on the host",
    )


def _host_key(view: HostView) -> Iterator[Finding]:
    ssh, name, host = view.subject.config.ssh.at(view.host), CheckName.SSH_HOST_KEY, view.host
    key = f"the key that {ssh.known_hosts_path} has for {host}"
    scan = f"ssh-keyscan -p {ssh.port or 22} {host} >> {ssh.known_hosts_path}"
    if view.answers.facts is not None:
        yield Finding(name, host, "as known", f"the key that {ssh.known_hosts_path} has")
    elif not is_host_key(view.answers.login):
        return
    elif KEY_CHANGED in view.answers.login.stderr:
        yield Finding(
            name,
            host,
            "another key than before: a possible man in the middle, or the host was reinstalled",
            key,
            "failed",
            "compare the fingerprint on the host's console; if it was reinstalled:"
            f" ssh-keygen -R {host} -f {ssh.known_hosts_path}; {scan}",
        )
    else:
        fix = f"{scan}, and compare the fingerprint on the host's console"
        yield Finding(name, host, "its key isn't known here", key, "failed", fix)


def _login_shell(view: HostView) -> Iterator[Finding]:
    name, login = CheckName.LOGIN_SHELL, view.answers.login
    needed = "a login that prints nothing and sets no DOCKER_HOST"
    if login.docker_host:
        found = f"the login sets DOCKER_HOST to {plain_text(login.docker_host)}"
        fix = "unset it for logins without a terminal: exctl uses the host's own daemon"
        yield Finding(name, view.host, found, needed, "warning", fix)
    if login.noise:
        found = f"the login prints: {plain_text(login.noise, 60)}"
        fix = "let .bashrc and the like print on a terminal only: case $- in *i*) … esac"
        yield Finding(name, view.host, found, needed, "warning", fix)
    if not login.noise and not login.docker_host:
        yield Finding(name, view.host, "nothing printed", needed)


def _sessions(view: HostView) -> Iterator[Finding]:
    sessions = view.answers.sessions
    if sessions is not None:
        yield judged(
            sessions.opened >= sessions.wanted,
            CheckName.SSH_SESSIONS,
            view.host,
            f"{sessions.opened} at once over one connection",
            f"{sessions.wanted}, as many as a run opens",
            "warning",
            "raise MaxSessions in the host's sshd_config; until then a run logs in more often",
        )


LOGIN = Check(
    CheckName.SSH_LOGIN,
    "the host can be reached, and lets the user of `ssh` in",
    _login,
    unreached=True,
)
HOST_KEY = Check(
    CheckName.SSH_HOST_KEY,
    "the host shows the key that known_hosts has for it",
    _host_key,
    unreached=True,
)
LOGIN_SHELL = Check(
    CheckName.LOGIN_SHELL,
    "a login prints nothing and sets no DOCKER_HOST",
    _login_shell,
    stops=False,
)
SESSIONS = Check(
    CheckName.SSH_SESSIONS,
    "sshd takes as many sessions at once as a run opens",
    _sessions,
    stops=False,
)
