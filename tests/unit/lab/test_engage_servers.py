"""Proves Stat Server's and the SIP Server pair's stand-ins with the services' own client."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from lab.processes import free_port
from lab.standins import sip_server
from lab.standins.servers import Events
from lab.standins.service.lines import LineClient, addresses
from tests.unit.lab.standins import LOOPBACK, Processes, wait_until

FAST = ("--interval-seconds", "0.2")


class Client:
    """A LineClient and what it was sent."""

    def __init__(self, servers: list[tuple[str, int]], **hello: Any) -> None:
        self.hello = hello
        self.received: list[dict[str, Any]] = []
        self.lines = LineClient(servers, lambda: self.hello, self.received.append, 1.5, 0.1)
        self.lines.start()

    def ids(self) -> set[str]:
        return {str(message["id"]) for message in self.received}

    def is_served_by(self, port: int) -> bool:
        try:
            return self.lines.check() == f"{LOOPBACK}:{port}"
        except ConnectionError:
            return False


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    with ExitStack() as stack:
        yield Processes(tmp_path_factory.mktemp("engage"), stack)


@pytest.fixture(scope="module")
def stat_port(processes: Processes) -> int:
    port = free_port()
    processes.standin("stat_server", "stat", port, *FAST)
    return port


@pytest.fixture(scope="module")
def sip_ports(processes: Processes) -> tuple[int, int]:
    primary, backup = free_port(), free_port()
    processes.standin("sip_server", "primary", primary, *FAST)
    role = ("--role", "backup", "--primary", f"{LOOPBACK}:{primary}")
    processes.standin("sip_server", "backup", backup, *FAST, *role)
    return primary, backup


def test_stat_server_tells_states_of_the_agents_that_were_subscribed_to(stat_port: int) -> None:
    client = Client([(LOOPBACK, stat_port)], subscribe=["7", "8"])
    wait_until("states of both", lambda: {m["agent"] for m in client.received} == {"7", "8"})
    assert {message["event"] for message in client.received} == {"CurrentState"}


def test_a_subscription_can_be_changed_on_the_way(stat_port: int) -> None:
    client = Client([(LOOPBACK, stat_port)], subscribe=["7"])
    wait_until("a state", lambda: bool(client.received))
    client.hello = {"subscribe": ["9"]}
    client.lines.say_hello_again()
    wait_until("a state of the new one", lambda: client.received[-1]["agent"] == "9")


def test_whoever_subscribes_to_nobody_is_connected_and_gets_no_state(stat_port: int) -> None:
    client = Client([(LOOPBACK, stat_port)], subscribe=[])
    wait_until("the connection", lambda: client.is_served_by(stat_port))
    time.sleep(0.8)
    assert client.received == []


def test_both_instances_of_a_pair_get_the_same_events(sip_ports: tuple[int, int]) -> None:
    servers = [(LOOPBACK, port) for port in sip_ports]
    one, two = (Client(servers, register="CALL") for _ in range(2))
    wait_until("three events each", lambda: len(one.ids() & two.ids()) >= 3)
    assert all(each.startswith("CALL-") for each in one.ids())


def test_the_backup_takes_over_from_a_crashed_primary_and_steps_back(
    processes: Processes, sip_ports: tuple[int, int]
) -> None:
    primary, backup = sip_ports
    client = Client([(LOOPBACK, primary), (LOOPBACK, backup)], register="VQ")
    wait_until("the primary to serve", lambda: client.is_served_by(primary))
    processes.set_faults("primary", {"crash": {}})
    wait_until("the backup to serve", lambda: client.is_served_by(backup))
    client.received.clear()
    wait_until("an event of the backup", lambda: bool(client.received))
    processes.set_faults("primary", {})
    wait_until("the primary to serve again", lambda: client.is_served_by(primary))


def test_a_primary_that_hangs_is_left_for_the_backup(
    processes: Processes, sip_ports: tuple[int, int]
) -> None:
    primary, backup = sip_ports
    client = Client([(LOOPBACK, primary), (LOOPBACK, backup)], register="VQ")
    wait_until("the primary to serve", lambda: client.is_served_by(primary))
    processes.set_faults("primary", {"hang": {}})
    try:
        wait_until("the backup to serve", lambda: client.is_served_by(backup), 15)
    finally:
        processes.set_faults("primary", {})


def test_a_server_that_answers_garbage_does_not_serve(processes: Processes, stat_port: int) -> None:
    processes.set_faults("stat", {"wrong_answer": {}})
    client = Client([(LOOPBACK, stat_port)], subscribe=["7"])

    def problem() -> str:
        try:
            return client.lines.check()
        except ConnectionError as error:
            return str(error)

    try:
        wait_until("the problem", lambda: "isn't its protocol" in problem())
    finally:
        processes.set_faults("stat", {})
    wait_until("it to serve", lambda: client.is_served_by(stat_port))


def test_an_unreachable_pair_is_named_with_both_addresses() -> None:
    servers = [(LOOPBACK, free_port()), (LOOPBACK, free_port())]
    client = Client(servers, register="VQ")

    def names_both() -> bool:
        try:
            client.lines.check()
        except ConnectionError as error:
            return all(f"{LOOPBACK}:{port} refuses" in str(error) for _, port in servers)
        return False

    wait_until("both to be named", names_both)


def test_a_new_client_gets_nothing_of_the_past() -> None:
    events = Events(0.05)
    assert list(events.new()) == []
    time.sleep(0.12)
    assert 1 <= len(events.new()) <= 4
    assert list(Events(0.05).new()) == []


def test_a_servers_text_is_a_primary_and_a_backup() -> None:
    assert addresses("sip1:8000/sip2:8001") == [("sip1", 8000), ("sip2", 8001)]
    for wrong in ("sip1:8000", "sip1/sip2", ":8000/sip2:8000", "a:1/b:2/c:3", "a:x/b:2"):
        with pytest.raises(ValueError, match="is not primary:port/backup:port"):
            addresses(wrong)


def test_a_backup_must_know_its_primary() -> None:
    argv = ["--port", str(free_port()), "--faults", "none", "--role", "backup"]
    with pytest.raises(SystemExit) as caught:
        sip_server.main(argv)
    assert caught.value.code == 2
