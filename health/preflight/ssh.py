"""The way to a host: why ssh didn't get there, how many sessions it takes, and what its clock says.

A host's clock is read in a session over the connection that is open already: only the way there
and back is then in doubt, not a handshake.
"""

from __future__ import annotations

import select
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from health.preflight.finding import Finding, judged
from health.preflight.subject import Subject
from stack.text import plain_text

SESSION_SECONDS = 5.0
WARN_SECONDS, STOP_SECONDS = 2.0, 30.0
"""Chosen: the logs of a pair whose clocks differ by more than the first can't be merged; with more
than the second, what is injected into Genesys Cloud stands at the wrong time there, which can't be
corrected later."""
_KEY_CHANGED = "REMOTE HOST IDENTIFICATION HAS CHANGED"
_KEY_UNKNOWN = ("host key is known for", "Host key verification failed")
_REFUSED = "Permission denied"


@dataclass(frozen=True)
class Clock:
    """How far a host's clock is ahead of the operator's, in seconds, and how much is in doubt."""

    ahead_seconds: float
    doubt_seconds: float

    def apart(self, other: Clock) -> float:
        """What is certain of the difference of the two, in seconds."""
        doubt = self.doubt_seconds + other.doubt_seconds
        return max(0.0, abs(self.ahead_seconds - other.ahead_seconds) - doubt)


HERE = Clock(0.0, 0.0)


@dataclass(frozen=True)
class Sessions:
    """How many sessions were wanted and open at once, and the best reading of the clock."""

    wanted: int
    opened: int
    clock: Clock | None


def sessions_needed(subject: Subject, host: str) -> int:
    """Sessions that a run has open on a host at once.

    The Docker provider and a gate for each instance, and one that looks (`exctl logs`).
    """
    return 2 * len(subject.instances(host)) + 1


def open_sessions(ssh: Sequence[str], wanted: int) -> Sessions:
    """Opens sessions one after the other, each held until the last one is open."""
    clocks = []
    with ExitStack() as held, tempfile.TemporaryFile() as words:
        for _ in range(wanted):
            # Where the open connection takes no more, ssh would log in anew: not with this command.
            command = [ssh[0], "-o", "ProxyCommand=false", *ssh[1:], "date +%s.%N; cat"]
            asked = time.time()
            process = held.enter_context(
                subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words
                )
            )
            held.callback(process.kill)
            text = _line(process)
            if not text:
                break
            doubt = (time.time() - asked) / 2
            clocks.append(Clock(float(text) - asked - doubt, doubt))
    best = min(clocks, key=lambda clock: clock.doubt_seconds, default=None)
    return Sessions(wanted, len(clocks), best)


def _line(process: subprocess.Popen[bytes]) -> str:
    """The number that the session prints first; '' if it says anything else, or nothing in time."""
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], SESSION_SECONDS)[0]:
        return ""
    text = process.stdout.readline().decode("ascii", "replace").strip()
    return text if text.replace(".", "", 1).isdecimal() else ""


def login_finding(subject: Subject, host: str, said: str) -> Finding:
    """Why ssh didn't get in, by its own words."""
    ssh = subject.config.ssh
    key = f"the key that {ssh.known_hosts_path} has for {host}"
    if _KEY_CHANGED in said:
        return Finding(
            "ssh-host-key",
            host,
            "another key than before: somebody is in between, or the host was set up anew",
            key,
            "stops",
            "compare the fingerprint on the host's console; if it was set up anew:"
            f" ssh-keygen -R {host} -f {ssh.known_hosts_path}, then ssh-keyscan it again",
        )
    if any(words in said for words in _KEY_UNKNOWN):
        return Finding(
            "ssh-host-key",
            host,
            "its key isn't known here",
            key,
            "stops",
            f"ssh-keyscan -p {ssh.port} {host} >> {ssh.known_hosts_path}, and compare the"
            " fingerprint on the host's console",
        )
    needed = f"a login as {ssh.user}"
    if _REFUSED in said:
        with_key = f"the key {ssh.key_path}" if ssh.key_path else "the keys of the agent"
        return Finding(
            "ssh-login",
            host,
            f"reached, but it refuses {with_key} for {ssh.user}",
            needed,
            "stops",
            f"put the public key into ~{ssh.user}/.ssh/authorized_keys on the host",
        )
    words = plain_text(said.strip().splitlines()[-1]) if said.strip() else "no answer"
    return Finding(
        "ssh-login",
        host,
        f"not reached: {words.removeprefix('ssh: ')}",
        needed,
        "stops",
        f"see that the host is up, and port {ssh.port} open from here",
    )


def sessions_finding(host: str, sessions: Sessions) -> Finding:
    return judged(
        sessions.opened >= sessions.wanted,
        "ssh-sessions",
        host,
        f"{sessions.opened} at once over one connection",
        f"{sessions.wanted}, as many as a run opens",
        "warning",
        "raise MaxSessions in the host's sshd_config; until then a run logs in more often",
    )


def clock_findings(host: str, clock: Clock | None) -> Iterator[Finding]:
    if clock is None:
        yield _clock_unknown("clock", host, "the host's clock could not be read")
    else:
        yield _apart("clock", host, clock, HERE, "this host's")


def pair_findings(pair: Sequence[str], clocks: Sequence[Clock | None]) -> Iterator[Finding]:
    """Of the second host of a pair: how its clock stands to that of the first."""
    first, second = clocks
    if first is None or second is None:
        yield _clock_unknown("clock-pair", pair[1], f"not both clocks of {' and '.join(pair)}")
    else:
        yield _apart("clock-pair", pair[1], second, first, f"that of {pair[0]}")


def _clock_unknown(check: str, host: str, why: str) -> Finding:
    return Finding(check, host, why, f"within {WARN_SECONDS:g} s", "not known", "see ssh-sessions")


def _apart(check: str, host: str, clock: Clock, other: Clock, whose: str) -> Finding:
    difference = clock.ahead_seconds - other.ahead_seconds
    doubt = clock.doubt_seconds + other.doubt_seconds
    word = "ahead of" if difference > 0 else "behind"
    apart = clock.apart(other)
    return judged(
        apart <= WARN_SECONDS,
        check,
        host,
        f"{abs(difference):.2f} s {word} {whose} (± {doubt:.2f} s)",
        f"within {WARN_SECONDS:g} s",
        "stops" if apart > STOP_SECONDS else "warning",
        "let chrony or systemd-timesyncd keep the clock",
    )
