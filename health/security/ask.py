"""Asks a host what any user of it may know of its security."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

from health.security.facts import parse, script
from health.security.rules import HostSecurity
from hosts.shell import command_over_ssh

TIMEOUT_SECONDS = 15.0
_DENIED = re.compile(r"Permission denied \(([a-z0-9,@.-]+)\)")
"""Source: OpenSSH, sshconnect2.c: the methods that sshd would go on with."""


def ask(ssh: Sequence[str], log_directory: str) -> HostSecurity:
    """What the host at the end of this ssh command says, and what its sshd lets one log in by."""
    answer = command_over_ssh(ssh, TIMEOUT_SECONDS)(["sh", "-c", script(log_directory)])
    facts = parse(answer.stdout) if answer.is_complete else None
    if facts is None:
        return HostSecurity(None, answer.why())
    return HostSecurity(facts, methods=methods_of(ssh))


def methods_of(ssh: Sequence[str]) -> frozenset[str]:
    """The methods that sshd offers who has shown no key; empty if it didn't say."""
    options = ("ControlPath=none", "ControlMaster=no", "PreferredAuthentications=none")
    words = [ssh[0], *(word for option in options for word in ("-o", option)), *ssh[1:], "true"]
    try:
        said = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        ).stderr.decode(errors="replace")
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    found = _DENIED.search(said)
    return frozenset(found[1].split(",")) if found else frozenset()
