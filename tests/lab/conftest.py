"""The lab that the stories run in, and the site deployed there as a story sees it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import pytest

from health.probe import direct_probe
from lab import faults, network, settings
from lab.errors import LabError
from lab.host import LabHost
from lab.lab import Lab, locked
from lab.legacy import PORTS
from tests.lab import leftovers, reliability
from tests.lab.prober import LONGEST, PROVEN
from tests.lab.workspace import STACK, Workspace

OBJECTS = 30
"""Six seconds of sync at the API's default rate: long enough to look into."""
HOSTS = {"excs": 101, "exas": 102, "excp-1-1": 103, "excp-1-2": 104}
SECOND_PAIR = {"excp-2-1": 105, "excp-2-2": 106}
PAIRS = 2
PAIR = ("excp-1-1", "excp-1-2")
SITE_KEYS = (*HOSTS, *SECOND_PAIR)
FIRST = "100.0.100.11"


class Site:
    """The deployed stack: hosts, containers and answers by instance, and the operator's clone."""

    def __init__(self, lab: Lab, work: Workspace, hosts: Mapping[str, int] = HOSTS) -> None:
        self.lab = lab
        self.work = work
        self.hosts = {key: lab.plan.address(last) for key, last in hosts.items()}
        self.as_made = self.stack_file.read_text()
        self.redis_password = settings.REDIS_PASSWORD
        self.secrets: tuple[str, ...] = (
            settings.REDIS_PASSWORD,
            settings.DATABASE_PASSWORD,
            settings.REGISTRY_PASSWORD,
            settings.CONFIG_SERVER_PASSWORD,
            settings.OAUTH_CLIENT_SECRET,
        )

    @property
    def stack_file(self) -> Path:
        return self.work.directory / f"Pulumi.{STACK}.yaml"

    def host(self, key: str) -> LabHost:
        return self.lab.host(self.hosts[key])

    def url(self, key: str, path: str) -> str:
        return f"http://{self.hosts[key]}:{PORTS[key.split('-')[0]]}{path}"

    def health_urls(self) -> tuple[str, ...]:
        return tuple(self.url(key, "/health") for key in self.hosts)

    def codes(self) -> dict[str, int | None]:
        probe = direct_probe(2)
        return {key: probe(self.url(key, "/health")).code for key in self.hosts}

    def is_well(self) -> bool:
        """Whether every instance is healthy, in the version that stack files begin with."""
        codes = self.codes()
        return set(codes.values()) == {200} and {self.version(key) for key in codes} == {FIRST}

    def answer(self, key: str, path: str) -> Any:
        """The JSON that an instance answers, None if it doesn't."""
        try:
            with build_opener(ProxyHandler({})).open(self.url(key, path), timeout=1) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None

    def answer_of_any_code(self, key: str, path: str) -> Any:
        """The same, whatever the HTTP code."""
        try:
            return json.loads(direct_probe(2)(self.url(key, path)).body)
        except ValueError:
            return None

    def version(self, key: str) -> str:
        return str(self.answer(key, "/health")["version"])

    def docker(self, key: str, *arguments: str) -> str:
        return self.host(key).run("docker", *arguments)

    def containers(self, key: str) -> list[str]:
        """Ids of the instance's containers on its host, stopped ones too."""
        listed = self.docker(key, "ps", "-aq", "--no-trunc", "--filter", f"name=^/{key}$")
        return listed.split()

    def container_id_on_host(self, key: str) -> str:
        (found,) = self.containers(key)
        return found

    def container_ids(self) -> dict[str, str]:
        return {key: self.container_id_on_host(key) for key in self.hosts}

    def inspect(self, key: str) -> dict[str, Any]:
        (found,) = json.loads(self.docker(key, "inspect", key))
        assert isinstance(found, dict)
        return found

    def started_at(self, key: str) -> str:
        return str(self.inspect(key)["State"]["StartedAt"])

    def last_changes(self) -> dict[str, int]:
        """What the last run did, by Pulumi's names of the steps."""
        run = self.work.pulumi("stack", "history", "--json", "--stack", "dev")
        assert run.code == 0, run.text
        changes = json.loads(run.stdout)[0]["resourceChanges"]
        assert isinstance(changes, dict)
        return changes

    def set_fault(self, target: str, name: str, /, **parameters: str) -> None:
        faults.begin(self.lab, target, name, parameters)

    def clear_faults(self, target: str) -> None:
        faults.end(self.lab, target)

    def forget_sync(self) -> None:
        """Empties Redis, so that EXCS has to sync everything again."""
        self.redis("flushall")

    def redis(self, *words: str, stdin: str | None = None, password: str = "") -> str:
        """What Redis answers a command, given as words or on stdin."""
        variables = {"REDISCLI_AUTH": password or self.redis_password}
        return self.lab.hosts["infra"].run("redis-cli", *words, stdin=stdin, variables=variables)

    def logins(self) -> dict[str, int]:
        """How often anybody has logged in at each instance's host since it was started."""
        return {key: logins_at(self.host(key)) for key in self.hosts}

    def wait_until(self, is_so: Callable[[], bool], what: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
            time.sleep(0.1)


def logins_at(host: LabHost) -> int:
    """How often anybody has logged in there since it was started."""
    return (host.directory / "logs/sshd.log").read_text().count("Accepted publickey")


_OURS: set[int] = set()
"""Subnets by their second number, which no other process of tests can take."""


def free_plan(pairs: int = 1) -> settings.Plan:
    """A subnet that this host has no route to, and that no other process of tests has taken: a
    demo's lab may be up beside the tests'."""
    for number in range(12):
        second = 78 + (os.getpid() + number) % 12
        if not _is_ours(second):
            continue
        plan = settings.plan(f"10.{second}.0.0/24", pairs)
        try:
            network.refuse_a_taken_subnet(plan, network.routes())
        except LabError:
            continue
        if plan.bridge not in network.links():
            return plan
    raise AssertionError("no subnet of 10.78.0.0/24 to 10.89.0.0/24 is free on this host")


def _is_ours(second: int) -> bool:
    """Whether this process has the subnet until it ends. Two that begin at once both see it free;
    a name of an abstract socket is had by one alone, and goes with its process."""
    if second not in _OURS:
        with socket.socket(socket.AF_UNIX) as mark:
            try:
                mark.bind(f"\0exec-lab-10.{second}")
            except OSError:
                return False
            mark.detach()  # it stays open until this process ends
        _OURS.add(second)
    return True


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A lab of the tests' own, gone when they end; one for each process that runs stories."""
    directory = leftovers.LABS / os.environ.get("PYTEST_XDIST_WORKER", "test")
    leftovers.remove(directory)
    made = Lab(free_plan(PAIRS), directory)
    with locked(directory):
        made.start(OBJECTS, settings.RATE_PER_MINUTE)
    try:
        yield made
    finally:
        made.remove()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def site(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A clone of its own for each file of stories, with an empty state; whatever comes of them,
    the hosts are without containers and faults at the end."""
    site = Site(lab, make_workspace(tmp_path_factory.mktemp("clone"), lab))
    yield site
    cleared(site)


@pytest.fixture(scope="module")
def two_pairs(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The same with a second pair."""
    work = make_workspace(tmp_path_factory.mktemp("clone"), lab)
    site = Site(lab, work, HOSTS | SECOND_PAIR)
    work.edit("excp.pairs.2", work.setting("excp.pairs.1"))
    work.edit("excp.pairs.2.hosts", [site.hosts[key] for key in SECOND_PAIR])
    work.hurry()
    yield site
    cleared(site)


@pytest.fixture
def ready(request: pytest.FixtureRequest) -> None:
    """What a story begins with, so that any runs alone and in any order: the site deployed, unless
    it asks for `undeployed`."""
    if "undeployed" not in request.fixturenames:
        brought_up(request.getfixturevalue("site"))


def brought_up(site: Site) -> None:
    """The site well, and as its stack file was made, whatever the story before has left."""
    is_as_made = site.stack_file.read_text() == site.as_made
    if not is_as_made or not site.is_well():
        for target in (*site.hosts, "infra"):
            site.clear_faults(target)
        site.stack_file.write_text(site.as_made)
        site.work.exctl("unlock", "--yes", "--stack", STACK)
        site.work.up()
        assert site.is_well()


@pytest.fixture
def undeployed(site: Site) -> None:
    """Nothing deployed and no release, as at the beginning; images may be there."""
    is_known = any((site.work.backend / ".pulumi/stacks").rglob(f"{STACK}.json"))
    if any(map(site.containers, site.hosts)) or (is_known and site.work.rows()):
        for target in (*site.hosts, "infra"):
            site.clear_faults(target)
        site.work.exctl("unlock", "--yes", "--stack", STACK)
        run = site.work.exctl("destroy", "--yes", "--stack", STACK)
        assert run.code == 0, run.text
    site.stack_file.write_text(site.as_made)
    shutil.rmtree(site.work.directory / "releases", ignore_errors=True)


@pytest.fixture(scope="module")
def no_images(site: Site) -> None:
    """Hosts that have to pull everything, whatever was deployed on them before."""
    for key in site.hosts:
        site.docker(key, "image", "prune", "--all", "--force")


def cleared(site: Site) -> None:
    for target in (*site.hosts, *(host.name for host in site.lab.hosts.values())):
        site.clear_faults(target)
    for key in site.hosts:
        if found := site.docker(key, "ps", "--all", "--quiet").split():
            site.docker(key, "rm", "--force", *found)


@pytest.fixture(autouse=True)
def proven(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a story proves goes with its report: stories run in processes of their own."""
    PROVEN.clear()
    LONGEST.clear()
    yield
    request.node.user_properties += [("proven", line) for line in PROVEN]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--reliability",
        metavar="FILE",
        type=Path,
        help="note in this file what the stories measured of faults (docs/reliability.json)",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where the stories of a file are one story in chapters (`in_order`), each that was chosen
    brings those before it along, in the file's order."""
    for module in dict.fromkeys(item.getparent(pytest.Module) for item in items):
        if module is None or module.get_closest_marker("in_order") is None:
            continue
        chosen = {item.nodeid: item for item in items if item.getparent(pytest.Module) is module}
        place = min(items.index(item) for item in chosen.values())
        told = [each for each in module.collect() if isinstance(each, pytest.Item)]
        chapters = [chosen.get(each.nodeid, each) for each in told]
        while chapters[-1].nodeid not in chosen:
            chapters.pop()
        rest = [item for item in items if item not in chosen.values()]
        items[:] = [*rest[:place], *chapters, *rest[place:]]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The numbers that the stories prove, in every run that told any."""
    stats = terminalreporter.stats
    failed = {each.nodeid for kind in ("failed", "error") for each in stats.get(kind, ())}
    reports = [each for found in stats.values() for each in found]
    properties = [pair for each in reports for pair in getattr(each, "user_properties", ())]
    if path := terminalreporter.config.getoption("--reliability"):
        passed = [each for each in reports if getattr(each, "nodeid", "") not in failed]
        found = [pair for each in passed for pair in getattr(each, "user_properties", ())]
        reliability.note([row for name, row in found if name == "fault"], path)
    if lines := dict.fromkeys(line for name, line in properties if name == "proven"):
        terminalreporter.section("what the stories cost")
        for line in lines:
            terminalreporter.write_line(line)


def make_workspace(directory: Path, lab: Lab) -> Workspace:
    return Workspace(directory, lab.directory, moved(lab.plan.subnet))


def moved(subnet: IPv4Network) -> Callable[[str], str]:
    """Changes a stack file's addresses from the default subnet to the lab's."""
    old, new = (str(n.network_address).rsplit(".", 1)[0] for n in (settings.plan().subnet, subnet))
    return lambda text: text.replace(f"{old}.", f"{new}.")
