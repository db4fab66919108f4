"""Brings a program's files into its container and has it read them, for Pulumi's process.

What fails is said with the program's own last words; what it had read before stays in force.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from health.errors import GateCode, GateError
from health.gates.clock import Clock, OperatorsClock, duration_text
from health.gates.runs import run_gate, ssh_command
from health.probe import Answer, Probe, direct_probe, ssh_probe
from hosts import commands
from hosts.answer import HostAnswer
from hosts.container import COMMAND_TIMEOUT_SECONDS, GatedContainer, HostContainer
from hosts.shell import command_over_ssh

READY_SECONDS = 120.0
"""Chosen: Prometheus reads its journal first, which takes it a minute for a large site."""
RELOAD_SECONDS = 10.0
"""Chosen: each of them reads its files within a second."""
PACE_SECONDS = 0.25
WORDS_SHOWN = 3


def settle(props: Mapping[str, Any]) -> None:
    """Raises GateError for a program that doesn't serve, or doesn't take its files."""
    ssh = ssh_command(props["reach"], str(urlsplit(props["url"]).hostname))
    run = command_over_ssh(ssh, COMMAND_TIMEOUT_SECONDS)
    name = props["container_name"]
    is_direct = props["reach"]["via"] == "direct" and not props["is_local"]
    program = Settling(
        name=name,
        url=props["url"],
        container=HostContainer(name, run),
        probe=direct_probe() if is_direct else ssh_probe(ssh),
        reload=lambda: run(["docker", "kill", "--signal", "HUP", name]),
        clock=OperatorsClock(),
    )

    def carry_out() -> None:
        if props["files"]:
            program.require(
                commands.copy_into(ssh, name, props["files"]), "to bring its files there"
            )
        program.wait_until_ready(props["ready_path"])
        if props["reload_metric"]:
            program.read_again(props["reload_metric"])

    run_gate(carry_out)


class Settling:
    """One program while it takes its files."""

    def __init__(
        self,
        name: str,
        url: str,
        container: GatedContainer,
        probe: Probe,
        reload: Callable[[], HostAnswer],
        clock: Clock,
    ) -> None:
        self._name, self._url, self._container = name, url, container
        self._probe, self._reload, self._clock = probe, reload, clock

    def wait_until_ready(self, path: str) -> None:
        """Until it answers 200, from a container that runs: another one may have its port."""
        until = self._clock.seconds() + READY_SECONDS
        restarts = self._container.state().restarts
        while True:
            answer = self._probe(self._url + path)
            state = self._container.state()
            if answer.is_ok and state.word == "running":
                return
            crashes = state.restarts - restarts
            if state.is_gone or crashes >= 2 or self._clock.seconds() >= until:
                raise self._unwell(answer, crashes)
            self._clock.sleep(PACE_SECONDS)

    def _unwell(self, answer: Answer, crashes: int) -> GateError:
        state = self._container.state()
        if crashes or state.is_gone:
            return self._error(f"ends again and again ({state})")
        waited = duration_text(READY_SECONDS)
        return self._error(f"doesn't serve at {self._url} within {waited} ({answer})")

    def read_again(self, metric: str) -> None:
        """Has it read its files, and waits until it says that it has."""
        before = self._stamp(metric)
        self.require(self._reload(), "to have it read them (SIGHUP)")
        until = self._clock.seconds() + RELOAD_SECONDS
        while self._stamp(metric) in (before, None):
            if self._clock.seconds() >= until:
                raise self._error("refuses its new configuration and goes on by the one before")
            self._clock.sleep(PACE_SECONDS)

    def _stamp(self, metric: str) -> str | None:
        """When it last read its files well, by its own metrics; None if it doesn't say."""
        body = self._probe(f"{self._url}/metrics").body.decode("utf-8", "replace")
        found = re.search(rf"^{metric}_success_timestamp_seconds (\S+)$", body, re.MULTILINE)
        return found[1] if found else None

    def require(self, answer: HostAnswer, what: str) -> None:
        if answer.code != 0:
            raise self._error(f"can't be reached {what}: {answer.why()}")

    def _error(self, what: str) -> GateError:
        lines = self._container.log_tail()[-WORDS_SHOWN:]
        said = ("its last words:", *lines) if lines else ()
        return GateError(GateCode.NOT_HEALTHY, self._name, f"{self._name} {what}", said)
