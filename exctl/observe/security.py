"""What an auditor would ask of a stack: its hosts, its connections, and this side. Read only."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from typing import Any

from exctl import backend, files
from exctl.hosts import on_each
from exctl.pulumi.workspace import passphrase_length
from exctl.site import Site
from health.preflight import report
from health.preflight.finding import EVERYWHERE, Finding
from health.security.ask import ask
from health.security.rules import HostSecurity, OperatorSecurity, findings
from stack import yaml_text
from stack.ssh import make_control_directory, ssh_target
from stack.text import counted

HEAD = ("", "HOST", "POINT", "FOUND", "WHY IT MATTERS", "TO DO")


def look(site: Site) -> list[Finding]:
    """Every point, of the stack and of each host; a host that can't be reached is one of them."""
    make_control_directory()

    def of(host: str) -> HostSecurity:
        return ask(ssh_target(site.config.ssh, host).command, site.config.logs.host_path)

    hosts = site.layout.hosts
    said = dict(zip(hosts, on_each(hosts, of), strict=True))
    return findings(site.config, site.layout, said, of_operator(site))


def of_operator(site: Site) -> OperatorSecurity:
    """What there is to say of this side: the passphrase, and who else may read the state."""
    state = backend.directory(site.project)
    has_passphrase = "encryptionsalt" in yaml_text.read(files.read(site.file))
    there = [state, state.parent] if state is not None and state.is_dir() else []
    modes = [stat.S_IMODE(each.stat().st_mode) for each in there]
    return OperatorSecurity(
        site.stack,
        passphrase_length=passphrase_length(site.stack) if has_passphrase else None,
        state_mode=modes[0] & modes[1] if modes else None,
        state_directory=str(state or ""),
    )


def summary(found: Iterable[Finding]) -> str:
    """One line: `2 points to look at, 1 unknown (23 points)`."""
    every = list(found)
    bad = sum(finding.verdict == "warning" for finding in every)
    unknown = sum(finding.verdict == "unknown" for finding in every)
    parts = [f"{counted(bad, 'point')} to look at" if bad else "no objections"]
    parts += [f"{unknown} unknown"] if unknown else []
    return f"{', '.join(parts)} ({counted(len(every), 'point')})"


def as_json(found: Iterable[Finding]) -> list[dict[str, Any]]:
    """Stable: names of points and keys stay."""
    return [
        {
            "point": each.check,
            "host": None if each.host == EVERYWHERE else each.host,
            "found": each.found,
            "why": each.needed,
            "verdict": report.word(each),
            "fix": each.fix,
        }
        for each in found
    ]
