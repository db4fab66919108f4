"""Proves the API's stand-in over TLS, as the services' own client uses it, and its limit."""

from __future__ import annotations

import gc
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.standins.configdb import transaction
from lab.standins.genesys_cloud import BURST, RateLimit
from lab.standins.service.cloud import AUTHORITY_VARIABLE, Cloud, CloudError
from tests.unit.lab.standins import Processes, ask, wait_until

RATE_PER_MINUTE = 1200
SECTION = "config_sync"


@dataclass
class Running:
    processes: Processes
    url: str
    ca: Path

    def counts(self) -> dict[str, int]:
        found: dict[str, int] = ask(f"{self.url}/lab/counts", self.ca)[1]
        return found


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("cloud")
    with ExitStack() as stack:
        processes = Processes(directory, stack)
        yield Running(processes, processes.cloud(RATE_PER_MINUTE), directory / "ca.pem")


@pytest.fixture
def cloud(api: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    monkeypatch.setenv(AUTHORITY_VARIABLE, str(api.ca))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield Cloud(transaction(api.url), SECTION)
    api.processes.set_faults("cloud", {})


def test_what_is_made_twice_has_one_id_and_counts_as_a_duplicate(
    api: Running, cloud: Cloud
) -> None:
    body = {"name": "agent1", "externalId": "person:1"}
    first = cloud.send("POST", "/api/v2/users", body)
    again = cloud.send("POST", "/api/v2/users", body)
    assert first["id"] == again["id"]
    counts = api.counts()
    assert (counts["users"], counts["duplicate users"]) == (1, 1)


def test_an_object_is_changed_by_its_id(api: Running, cloud: Cloud) -> None:
    made = cloud.send("POST", "/api/v2/routing/skills", {"name": "old", "externalId": "skill:1"})
    cloud.send("PATCH", f"/api/v2/routing/skills/{made['id']}", {"name": "new"})
    (found,) = ask(f"{api.url}/lab/objects/skills", api.ca)[1]
    assert found == {"id": made["id"], "name": "new", "externalId": "skill:1"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/v2/nothing"), ("PATCH", "/api/v2/users/nobody"), ("PUT", "/api/v2/users")],
)
def test_what_the_api_does_not_have_is_an_error(cloud: Cloud, method: str, path: str) -> None:
    with pytest.raises(CloudError, match=path):
        cloud.send(method, path, {})


def test_a_wrong_oauth_secret_is_refused_and_not_repeated_in_words(
    api: Running, cloud: Cloud
) -> None:
    wrong: dict[str, dict[str, str]] = transaction(api.url)
    wrong[SECTION]["client_secret"] = "not-the-secret"
    with pytest.raises(CloudError, match="refuses the OAuth client") as caught:
        Cloud(wrong, SECTION).check()
    assert "not-the-secret" not in str(caught.value)


def test_a_certificate_of_nobody_we_know_is_refused(
    api: Running, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(AUTHORITY_VARIABLE, "/etc/ssl/certs/ca-certificates.crt")
    if not Path("/etc/ssl/certs/ca-certificates.crt").exists():
        pytest.skip("this host has no list of authorities")
    with pytest.raises(CloudError, match="certificate verify failed"):
        Cloud(transaction(api.url), SECTION).check()


def test_the_client_waits_where_the_limit_says_so_and_loses_nothing(
    api: Running, cloud: Cloud
) -> None:
    time.sleep(BURST / (RATE_PER_MINUTE / 60))  # what others used of the burst is back
    sent = 0
    while "refused_by_rate" not in api.counts():  # a busy machine may be slower than the limit
        assert sent < 20 * BURST
        cloud.send("POST", "/api/v2/groups", {"name": "g", "externalId": f"g{sent}"})
        sent += 1
    assert sent > BURST
    assert api.counts()["groups"] == sent
    assert cloud.rate_per_minute == RATE_PER_MINUTE


def test_the_limit_lets_pass_its_rate_and_a_small_burst() -> None:
    limit = RateLimit(300, now=0.0)
    assert sum(limit.is_kept(0.0) for _ in range(100)) == BURST
    assert sum(limit.is_kept(60.0 * part / 600) for part in range(1, 601)) in (299, 300, 301)


def test_a_slow_api_answers_late(api: Running, cloud: Cloud) -> None:
    api.processes.set_faults("cloud", {"slow": {"seconds": "0.6"}})
    started = time.monotonic()
    cloud.check()
    assert time.monotonic() - started > 0.6


@pytest.mark.usefixtures("cloud")
def test_a_hanging_api_is_said_not_to_answer(api: Running) -> None:
    api.processes.set_faults("cloud", {"hang": {}})
    with pytest.raises(CloudError, match="does not answer"):
        Cloud(transaction(api.url), SECTION, check_timeout_seconds=0.5).check()


def test_garbage_is_said_to_be_no_json(api: Running, cloud: Cloud) -> None:
    api.processes.set_faults("cloud", {"wrong_answer": {}})
    with pytest.raises(CloudError, match="isn't JSON"):
        cloud.check()


# CPython 3.11 forgets to close a TLS socket that is reset before its handshake.
@pytest.mark.filterwarnings(r"ignore:(?s).*ssl\.SSLSocket:pytest.PytestUnraisableExceptionWarning")
def test_a_crashed_api_refuses_connections_until_the_fault_is_undone(
    api: Running, cloud: Cloud
) -> None:
    def fails() -> bool:
        try:
            Cloud(transaction(api.url), SECTION).check()
        except CloudError as error:
            return "refused" in str(error)
        return False

    before = api.counts()
    api.processes.set_faults("cloud", {"crash": {}})
    wait_until("the API to be away", fails)
    api.processes.set_faults("cloud", {})
    wait_until("the API to be back", lambda: not fails())
    assert api.counts() == before
    gc.collect()  # here, where the warning is expected, and in no story after this one


def test_a_connection_that_says_nothing_keeps_nobody_else_waiting(
    api: Running, cloud: Cloud
) -> None:
    host, _, port = api.url.removeprefix("https://").partition(":")
    with socket.create_connection((host, int(port)), 2):
        answers: list[Any] = []
        asked = threading.Thread(target=lambda: answers.append(cloud.check()))
        asked.start()
        asked.join(3)
        assert answers == [api.url]
