"""What LogRetention does when Pulumi runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from health.errors import GateCode, GateError
from health.gates.runs import run_gate, ssh_command
from hosts import crontab
from hosts.answer import HostAnswer, HostCommand
from hosts.container import COMMAND_TIMEOUT_SECONDS
from hosts.shell import command_over_ssh


def put(props: Mapping[str, Any]) -> None:
    words = (props["mark"], props["line"], props["directories"])
    _done(crontab.put(_host(props), *words), props["host"])


def take(props: Mapping[str, Any]) -> None:
    _done(crontab.take(_host(props), props["mark"]), props["host"])


def _host(props: Mapping[str, Any]) -> HostCommand:
    return command_over_ssh(ssh_command(props["reach"], props["host"]), COMMAND_TIMEOUT_SECONDS)


def _done(answer: HostAnswer, host: str) -> None:
    def judge() -> None:
        if answer.code != 0:
            what = f"{host}: old log files can't be removed there (logs.retention_days)"
            raise GateError(GateCode.NOT_HEALTHY, host, what, [answer.why()])

    run_gate(judge)
