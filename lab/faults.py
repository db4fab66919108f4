"""Faults on purpose, each with its undo: of hosts, of what they run, and of the stand-ins.

A stand-in reads its faults from a file (`lab.standins.faults`), so that they survive the restart of
its container. A host's faults are done to the host, and noted in its directory.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import exec_host, infra, settings
from lab.errors import LabError
from lab.host import LabHost
from lab.lab import Lab
from lab.processes import wait_for
from lab.standins.faults import faults_of

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
FILLER = "/var/log/.filled"
DAEMON_GRACE_SECONDS = 40
"""Longer than a container's own grace: a daemon that is killed while it stops one does not start it
again, and no service manager would do that.
"""
Parameters = Mapping[str, str]


@dataclass(frozen=True)
class HostFault:
    """What happens to a host, how, and how it is undone."""

    description: str
    begin: Callable[[LabHost, Parameters], None]
    end: Callable[[LabHost, Parameters], None]
    parameter: str = ""
    """Name and example of its one parameter, if it has one."""
    hosts: str = "exec"
    """The one host that it is for, or `exec` for every EXEC host, or `any`."""


def _filter(rule: str, chain: str = "INPUT") -> tuple[Callable[..., None], Callable[..., None]]:
    """A packet filter rule in the host's own network, put in and taken out."""

    def change(flag: str) -> Callable[[LabHost, Parameters], None]:
        def run(host: LabHost, parameters: Parameters) -> None:
            host.run("iptables", "-w", flag, chain, *rule.format(**parameters).split())

        return run

    return change("-I"), change("-D")


def _command(
    name: str, pattern: str, grace_seconds: int = 3
) -> tuple[Callable[..., None], Callable[..., None]]:
    """A command of the host, ended and started again."""

    def begin(host: LabHost, _parameters: Parameters) -> None:
        host.end_command(pattern, grace_seconds)

    def end(host: LabHost, _parameters: Parameters) -> None:
        host.start_command(name, host.spec_command(name))
        if name == "dockerd":
            exec_host.ready(host)

    return begin, end


def _fill_disk(host: LabHost, _parameters: Parameters) -> None:
    # dd fails when the disk is full: that is the point.
    host.run("dd", "if=/dev/zero", f"of={FILLER}", "bs=1M", check=False)


def _free_disk(host: LabHost, _parameters: Parameters) -> None:
    host.run("rm", "-f", FILLER)


def _move_clock(host: LabHost, parameters: Parameters) -> None:
    offset = f"{int(parameters['seconds']):+d}s"
    _new_sshd(host, f'LD_PRELOAD={FAKETIME} "FAKETIME={offset}"')


def _set_clock_right(host: LabHost, _parameters: Parameters) -> None:
    _new_sshd(host, "")


def _new_sshd(host: LabHost, environment: str) -> None:
    config = host.directory / "sshd_config"
    config.write_text(exec_host.sshd_config(host, environment))
    host.end_command(f"sshd -D -e -f {config}")
    # Sessions that are open keep the old clock.
    host.run("pkill", "-f", f"sshd: {settings.USER}", check=False)
    host.start_command("sshd", host.spec_command("sshd"))
    exec_host.ready(host)


def _cut_power(host: LabHost, _parameters: Parameters) -> None:
    host.cut_power()


def _power_on(host: LabHost, _parameters: Parameters) -> None:
    host.boot()
    exec_host.ready(host)


def _daemon_signal(signal: str) -> Callable[[LabHost, Parameters], None]:
    def run(host: LabHost, _parameters: Parameters) -> None:
        host.run("pkill", f"-{signal}", "-x", "dockerd")

    return run


def _slow_network(host: LabHost, parameters: Parameters) -> None:
    cable, milliseconds = host.plan.cable(host.name), str(int(parameters["ms"]))
    words = [cable, host.plan.bridge, milliseconds, str(_delay(host))]
    log = host.directory / "logs/delay.log"
    with log.open("ab") as out:
        subprocess.run(
            ["setsid", "--fork", sys.executable, "-m", "lab.delay", *words],
            cwd=settings.CLONE,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            check=True,
        )
    wait_for(f"the delay of {host.name} ({log})", _delay(host).exists, 10)


def _fast_network(host: LabHost, _parameters: Parameters) -> None:
    os.kill(int(_delay(host).read_text()), signal.SIGTERM)
    wait_for(f"the end of {host.name}'s delay", lambda: not _delay(host).exists(), 10)


def _delay(host: LabHost) -> Path:
    """The process id of what delays its packets."""
    return host.directory / "delay.pid"


HOST_FAULTS: Mapping[str, HostFault] = {
    "ssh-dropped": HostFault(
        "packets to the SSH port are dropped, open connections' too",
        *_filter("-p tcp --dport 22 -j DROP"),
    ),
    "daemon-stopped": HostFault(
        "the Docker daemon is stopped, and the containers with it",
        *_command("dockerd", "^dockerd", DAEMON_GRACE_SECONDS),
    ),
    "daemon-frozen": HostFault(
        "the Docker daemon is frozen; its containers run on",
        _daemon_signal("STOP"),
        _daemon_signal("CONT"),
    ),
    "power-cut": HostFault(
        "every process ends at one moment; undone, the host starts with the disk it had",
        _cut_power,
        _power_on,
    ),
    "disk-full": HostFault("the log directory's disk is full", _fill_disk, _free_disk),
    "clock": HostFault(
        "the clock that SSH sessions see is moved",
        _move_clock,
        _set_clock_right,
        parameter="seconds=300",
    ),
    "loss": HostFault(
        "a share of the packets to the host is lost",
        *_filter("! -i lo -m statistic --mode random --probability {share} -j DROP"),
        parameter="share=0.2",
        hosts="any",
    ),
    "latency": HostFault(
        "packets from the host are delayed",
        _slow_network,
        _fast_network,
        parameter="ms=200",
        hosts="any",
    ),
    "registry-down": HostFault(
        "the image registry is stopped", *_command("registry", "^docker-registry"), hosts="infra"
    ),
    "registry-stalls": HostFault(
        "large packets from the image registry are lost, as in a tunnel that takes none so large",
        *_filter("-p tcp --sport 5000 -m length --length 1400:65535 -j DROP", "OUTPUT"),
        hosts="infra",
    ),
    "redis-down": HostFault("Redis is stopped", *_command("redis", "^redis-server"), hosts="infra"),
    "database-down": HostFault(
        "the Config DB is stopped", *_command("postgres", "/postgres -D"), hosts="infra"
    ),
}


def standins(lab: Lab) -> dict[str, tuple[LabHost, Path]]:
    """Each stand-in by name with its host and, seen from outside, its file of faults."""
    names = ["excs", "exas"]
    for pair in range(1, lab.plan.pairs + 1):
        names += [f"excp-{pair}-1", f"excp-{pair}-2"]
    found = {}
    for name, host in zip(names, lab.exec_hosts, strict=True):
        found[name] = (host, host.root / settings.HOST_LOG_PATH.strip("/") / ".faults.json")
    engage = lab.hosts["engage"]
    for name in infra.engage_commands(lab.plan, engage.directory):
        found[name] = (engage, engage.directory / f"{name}.faults")
    found["cloud"] = (lab.hosts["cloud"], lab.hosts["cloud"].directory / "cloud.faults")
    return found


def begin(lab: Lab, target: str, name: str, parameters: Parameters) -> None:
    """Sets a fault; raises LabError, with all that is possible, if there is none of that name."""
    if target in standins(lab):
        _refuse_unknown(name, faults_of(target), target)
        file = standins(lab)[target][1]
        _write(file, {**_read(file), name: dict(parameters)})
        return
    host = lab.host(target)
    fault = _host_fault(host, name)
    if fault.parameter and fault.parameter.split("=")[0] not in parameters:
        raise LabError(f"{name} needs a parameter, such as {fault.parameter}. Nothing was changed.")
    noted = _read(_notes(host))
    if name in noted:
        raise LabError(f"{host.name}: {name} is set already. Nothing was changed.")
    fault.begin(host, parameters)
    _write(_notes(host), {**noted, name: dict(parameters)})


def end(lab: Lab, target: str, name: str | None = None) -> list[str]:
    """Undoes a fault, or all of a target; returns the names of those undone."""
    if target in standins(lab):
        file = standins(lab)[target][1]
        faults = _read(file)
        gone = [n for n in faults if name in (None, n)]
        _write(file, {n: p for n, p in faults.items() if n not in gone})
        return gone
    host = lab.host(target)
    faults = _read(_notes(host))
    gone = [n for n in faults if name in (None, n)]
    for each in gone:
        HOST_FAULTS[each].end(host, faults.pop(each))
        _write(_notes(host), faults)
    return gone


def active(lab: Lab) -> dict[str, dict[str, Parameters]]:
    """Target → fault → parameters, of all that are set."""
    found = {name: _read(file) for name, (host, file) in standins(lab).items() if host.pid}
    found |= {name: _read(_notes(host)) for name, host in lab.hosts.items()}
    return {target: faults for target, faults in found.items() if faults}


def _host_fault(host: LabHost, name: str) -> HostFault:
    kind = "exec" if host.name.startswith("exec-") else host.name
    possible = {n: f for n, f in HOST_FAULTS.items() if f.hosts in (kind, "any")}
    _refuse_unknown(name, possible, host.name)
    return possible[name]


def _refuse_unknown(name: str, possible: Mapping[str, object], target: str) -> None:
    if name not in possible:
        raise LabError(
            f"{target} has no fault {name}; it has: {', '.join(possible)}. Nothing was changed."
        )


def _notes(host: LabHost) -> Path:
    return host.directory / "faults.json"


def _read(path: Path) -> dict[str, Parameters]:
    try:
        found = json.loads(path.read_text())
    except OSError:
        return {}
    assert isinstance(found, dict)
    return found


def _write(path: Path, faults: Mapping[str, Parameters]) -> None:
    if not faults:
        path.unlink(missing_ok=True)
        return
    # Whole or not at all: a stand-in may read it at any moment.
    new = path.with_suffix(".new")
    new.write_text(json.dumps(faults))
    new.rename(path)
