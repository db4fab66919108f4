"""Proves EXCS, EXAS and EXCP as processes: against real Redis and PostgreSQL, on loopback ports.

The services run on the Python of the images, with nothing of this process's environment. What they
do inside a container, with a restart policy, is told by the stories in tests/lab.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from health.contract import Status, parse_health, parse_status
from lab import settings
from lab.processes import accepts, free_port, wait_for
from lab.standins.configdb import seed_sql
from lab.standins.contact_centre import folder_dbid
from tests.unit.lab.standins import (
    LOOPBACK,
    Image,
    Processes,
    as_postgres,
    ask,
    has_debian_libraries,
    has_servers,
    postgres_programs,
    psql,
    wait_until,
    write_faults,
)

pytestmark = pytest.mark.skipif(
    not (has_debian_libraries() and has_servers()),
    reason="needs redis-server, postgresql, and Debian's python3-redis and python3-psycopg2",
)
OBJECTS, RATE_PER_MINUTE = 40, 1800
NEW_PERSON = (
    "insert into cfg_person (dbid, user_name, folder_dbid, hwm)"
    f" values ({{dbid}}, '{{name}}', {folder_dbid(3, 2)}, {{dbid}});"
)
FAST = ("--interval-seconds", "0.3")
PAIR = ("excp-1-1", "excp-1-2")
ALL = ("excs", "exas", *PAIR)


class Site:
    """All that a deployment consists of, on one loopback address."""

    def __init__(self, directory: Path, database: Path, stack: ExitStack) -> None:
        self.directory = directory
        self.processes = Processes(directory, stack)
        self.image = Image(directory)
        self.redis_port, self.database_port = free_port(), free_port()
        self.ports: dict[str, int] = {}
        for name in ALL:
            self.add(name)
        self.start_redis()
        self._start_database(database)
        self.cloud = self.processes.cloud(RATE_PER_MINUTE)
        self.stat = [
            self.processes.standin("stat_server", f"stat-{role}", free_port(), *FAST)
            for role in ("primary", "backup")
        ]
        self.sip = self.processes.standin("sip_server", "sip-primary", free_port(), *FAST)
        backup = ("--role", "backup", "--primary", self.sip)
        self.sip += "/" + self.processes.standin(
            "sip_server", "sip-backup", free_port(), *FAST, *backup
        )
        self.fill_database()
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def stop_redis(self) -> None:
        self._redis.terminate()
        self._redis.wait(5)

    def start_redis(self) -> None:
        config = self.directory / "redis.conf"
        config.write_text(
            f"bind {LOOPBACK}\nport {self.redis_port}\nrequirepass {settings.REDIS_PASSWORD}\n"
            f'dir {self.directory}\nsave ""\nappendonly no\n'
        )
        self._redis = self.processes.start("redis", ["redis-server", str(config)])
        wait_for("Redis", lambda: accepts(LOOPBACK, self.redis_port))

    def _start_database(self, directory: Path) -> None:
        programs = postgres_programs()
        initdb = [*as_postgres(), f"{programs}/initdb", "-D", str(directory), "-A", "trust"]
        run = subprocess.run(
            [*initdb, "-U", "postgres", "--no-sync", "--encoding=UTF8", "--locale=C"],
            cwd="/",
            check=True,
            capture_output=True,
        )
        assert run.returncode == 0
        (directory / "pg_hba.conf").write_text(
            f"host all postgres {LOOPBACK}/32 trust\nhost all all {LOOPBACK}/32 scram-sha-256\n"
        )
        options = {"listen_addresses": LOOPBACK, "port": str(self.database_port), "fsync": "off"}
        words = [w for k, v in options.items() for w in ("-c", f"{k}={v}")]
        argv = [*as_postgres(), f"{programs}/postgres", "-D", str(directory), "-k", "", *words]
        self.processes.start("postgres", ["env", "-C", "/", *argv])
        wait_for("PostgreSQL", lambda: self.sql("select 1", "postgres").strip() == "1", 15)

    def fill_database(self) -> None:
        self.sql(f"create database {settings.DATABASE}", "postgres")
        self.sql(seed_sql(OBJECTS, self.cloud))

    def sql(self, statements: str, database: str = settings.DATABASE) -> str:
        return psql(self.database_port, statements, database)

    def redis(self, *command: str) -> str:
        target = ["redis-cli", "-h", LOOPBACK, "-p", str(self.redis_port), "--no-auth-warning"]
        return subprocess.run(
            [*target, *command],
            env={**os.environ, "REDISCLI_AUTH": settings.REDIS_PASSWORD},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def environment(self, name: str) -> dict[str, str]:
        """A container's variables, as the contract with the program has them."""
        common = {
            "ORG_ID": settings.ORG_ID,
            "TENANT_ID": settings.TENANT_ID,
            "REDIS_HOST": LOOPBACK,
            "REDIS_PORT": str(self.redis_port),
            "REDIS_SECURE": "true",
            "REDIS_PASSWORD": settings.REDIS_PASSWORD,
            "PORT": str(self.ports[name]),
            "LOG_PATH": str(self.logs(name)),
            "LOG_LEVEL": "info",
            "LAB_CA_PATH": str(self.directory / "ca.pem"),
        }
        return common | self._own_variables(name)

    def _own_variables(self, name: str) -> dict[str, str]:
        excs_url = {"EXCS_URL": f"http://{LOOPBACK}:{self.ports['excs']}"}
        if name.startswith("excs"):
            return {
                "CONFIG_DB_HOST": LOOPBACK,
                "CONFIG_DB_PORT": str(self.database_port),
                "CONFIG_DB_USER": settings.DATABASE_USER,
                "CONFIG_DB_PASSWORD": settings.DATABASE_PASSWORD,
                "CONFIG_DB_NAME": settings.DATABASE,
                "CONFIG_DB_TYPE": "postgresql",
                "CONFIG_DB_SSL": "false",
                "SYNC_CUSTOMER_OBJECTS_ONLY": "true",
                "SYNC_CUSTOMER_FOLDER_NAME": "Retail,Claims",
                "GC_QUEUE_NAME_SUFFIX": "-Engage-external",
                "LOG_FILENAME": "excs-1.%Y%m%d_%H%M%S_%L.log",
            }
        if name.startswith("exas"):
            servers = dict(zip(("PRIMARY", "BACKUP"), self.stat, strict=True))
            parts = {f"STAT_SERVER_{role}": a.split(":") for role, a in servers.items()}
            hosts = {f"{key}_HOST": host for key, (host, _) in parts.items()}
            ports = {f"{key}_PORT": port for key, (_, port) in parts.items()}
            return excs_url | hosts | ports | {"LOG_FILENAME": "exas.log"}
        voice = {f"VOICE_SERVER_{kind}": self.sip for kind in ("VQ", "AGENT", "CALL")}
        return excs_url | voice | {"LOG_FILE_NAME": "excp.log"}

    def logs(self, name: str) -> Path:
        return self.directory / "logs" / name

    def add(self, name: str) -> None:
        """Gives an instance its port and its directory of logs."""
        self.ports[name] = free_port()
        self.logs(name).mkdir(parents=True)

    def start(self, name: str, **changes: str) -> None:
        environment = self.environment(name) | changes
        argv = self.image.impatient(name.split("-")[0], environment)
        self.running[name] = self.processes.start(name, argv)

    def stop(self, name: str) -> int:
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(2)

    def ask(self, name: str, path: str, timeout_seconds: float = 3) -> tuple[int, Any]:
        return ask(f"http://{LOOPBACK}:{self.ports[name]}{path}", None, timeout_seconds)

    def is_healthy(self, name: str) -> bool:
        return self.ask(name, "/health")[0] == 200

    def down(self, name: str) -> dict[str, str]:
        """The dependencies that a service says are down, each with its detail."""
        code, body = self.ask(name, "/health")
        found = parse_health(as_json(body)).down
        assert (code == 503) is bool(found)
        return {each.name: each.detail for each in found}

    def status(self) -> Status:
        return parse_status(as_json(self.ask("excs", "/status")[1]))

    def metric(self, name: str, metric: str) -> float:
        text = str(self.ask(name, "/metrics")[1])
        (line,) = [line for line in text.splitlines() if line.startswith(f"{metric} ")]
        return float(line.split()[1])

    def made(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = ask(
            f"{self.cloud}/lab/objects/{kind}", self.directory / "ca.pem"
        )[1]
        return found

    def counts(self) -> dict[str, int]:
        found: dict[str, int] = ask(f"{self.cloud}/lab/counts", self.directory / "ca.pem")[1]
        return found

    def set_faults(self, name: str, **faults: dict[str, object]) -> None:
        write_faults(self.logs(name) / ".faults.json", faults)


def as_json(body: Any) -> bytes:
    return json.dumps(body).encode()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    # PostgreSQL's user must be able to enter it, which pytest's own directories don't allow.
    database = Path(tempfile.mkdtemp(prefix="exec-standins-"))
    if as_postgres():
        shutil.chown(database, "postgres", "postgres")
    try:
        with ExitStack() as stack:
            yield Site(tmp_path_factory.mktemp("site"), database, stack)
    finally:
        shutil.rmtree(database, ignore_errors=True)


@pytest.fixture(autouse=True)
def running(request: pytest.FixtureRequest, site: Site) -> None:
    """All services run and have synced, so that a test runs alone too; the first one begins them
    itself."""
    if not site.running and "first_sync" not in request.node.name:
        for name in ALL:
            site.start(name)
        wait_until(
            "the sync", lambda: site.is_healthy("excs") and site.status().update.is_success, 60
        )


def test_the_first_sync_takes_as_long_as_the_apis_rate_demands(site: Site) -> None:
    site.set_faults("excs", sync_stalled={"percent": "50"})
    for name in ALL:
        site.start(name)
    wait_until("EXCS to be healthy", lambda: site.is_healthy("excs"))
    assert site.status().update.status == "InProgress"
    wait_until("half of it", lambda: (site.status().processed_hwm or 0) >= OBJECTS // 2)
    status = site.status()
    assert (status.previous_hwm, status.latest_hwm, status.processed_hwm) == (0, OBJECTS, 20)
    site.set_faults("excs")
    rest = wait_until("the sync", lambda: site.status().update.is_success)
    assert rest > 20 * 60 / RATE_PER_MINUTE * 0.7
    assert site.status().processed_hwm == OBJECTS
    assert site.status().org_ids == (settings.ORG_ID,)


def test_only_objects_of_the_customer_folders_and_those_below_are_synced(site: Site) -> None:
    names = {user["name"] for user in site.made("users")}
    assert f"agent{OBJECTS}" in names
    assert f"agent{OBJECTS + 1}" not in names
    assert sum(len(site.made(k)) for k in ("users", "skills", "groups", "wrapupcodes")) == 37
    assert {queue["name"] for queue in site.made("queues")} == {
        f"VQ-{number}-Engage-external" for number in (1, 2, 3)
    }


def test_all_services_are_healthy_once_the_sync_has_been(site: Site) -> None:
    wait_until("all to be healthy", lambda: all(map(site.is_healthy, ALL)))
    body = site.ask("exas", "/health")[1]
    assert (body["service"], body["version"]) == ("exas", "100.0.100.11")
    assert set(body["dependencies"]) == {"redis", "excs", "statserver", "genesyscloud"}


def test_exas_sets_the_states_of_synced_agents(site: Site) -> None:
    wait_until("a state", lambda: site.metric("exas", "exas_states_sent_total") > 0)
    presences = {user["presence"] for user in site.made("users") if "presence" in user}
    assert presences <= {"Available", "Busy", "Break", "Meal", "Offline"}
    assert presences


def test_both_of_a_pair_take_each_event_and_one_of_them_injects_it(site: Site) -> None:
    def dropped() -> float:
        return sum(site.metric(name, "excp_events_dropped_total") for name in PAIR)

    wait_until("events at both", lambda: dropped() >= 6)
    counts = site.counts()
    assert counts["events"] >= 6
    assert "duplicate events" not in counts


def test_events_name_the_queue_as_genesys_cloud_does(site: Site) -> None:
    queues = {queue["id"] for queue in site.made("queues")}
    assert {event["queueId"] for event in site.made("events")} <= queues
    assert site.ask("excs", "/translate?type=dn&id=1")[1]["id"] in queues
    assert site.ask("excs", "/translate?type=dn&id=999")[0] == 404


def test_what_changes_in_the_config_db_is_followed(site: Site) -> None:
    duplicates = site.counts().get("duplicate users", 0)
    site.sql(NEW_PERSON.format(dbid=900, name="newcomer"))
    site.sql("update cfg_skill set name = 'renamed', hwm = 901 where dbid = 11;")
    site.sql("delete from cfg_person where dbid = 40;")
    wait_until("the changes", lambda: site.status().processed_hwm == 901)
    wait_until("the sync", lambda: site.status().update.is_success)

    def users() -> dict[str, Any]:
        return {user["name"]: user for user in site.made("users")}

    wait_until("the one who left", lambda: users()["agent40"].get("state") == "inactive")
    assert "newcomer" in users()
    assert "renamed" in {skill["name"] for skill in site.made("skills")}
    assert site.counts().get("duplicate users", 0) == duplicates
    agents = len(users()) - 1
    wait_until("EXAS to follow", lambda: site.metric("exas", "exas_agents") == agents)


def test_a_restart_syncs_only_what_is_missing_and_is_a_success_of_its_own_time(
    site: Site,
) -> None:
    before, counts = site.status(), site.counts()
    assert site.stop("excs") == 0
    site.sql(NEW_PERSON.format(dbid=902, name="meanwhile"))
    site.start("excs")
    wait_until("the new one's success", lambda: site.status().update.at != before.update.at)
    wait_until("the sync", lambda: site.status().update.is_success)
    wait_until("the new person", lambda: site.status().processed_hwm == 902)
    after = site.counts()
    assert after["users"] == counts["users"] + 1
    assert after.get("duplicate users", 0) == counts.get("duplicate users", 0)
    assert before.update.at is not None
    found = site.status().update.at
    assert found is not None
    assert found > before.update.at


def test_emptied_redis_is_filled_again(site: Site) -> None:
    site.redis("flushall")
    wait_until("the sync to begin", lambda: not site.status().update.is_success)
    wait_until("the sync", lambda: site.status().update.is_success)
    wait_until("all to be healthy", lambda: all(map(site.is_healthy, ALL)))


WRONG: dict[str, tuple[str, dict[str, str], str, str]] = {
    "a database password": (
        "excs", {"CONFIG_DB_PASSWORD": "wrong-secret"}, "configdb", "authentication failed",
    ),
    "a database": ("excs", {"CONFIG_DB_NAME": "nothing"}, "configdb", "does not exist"),
    "EXCS's Redis password": (
        "excs", {"REDIS_PASSWORD": "wrong-secret"}, "redis", "refuses the password",
    ),
    "EXAS's Redis password": (
        "exas", {"REDIS_PASSWORD": "wrong-secret"}, "redis", "refuses the password",
    ),
    "no Redis password": ("excp", {"REDIS_SECURE": "false"}, "redis", "refuses the password"),
    "EXCS's address": ("exas", {"EXCS_URL": "http://127.0.0.1:1"}, "excs", "can't be reached"),
    "SIP Server's port": (
        "excp", {"VOICE_SERVER_VQ": "127.0.0.1:1/127.0.0.1:2"}, "sipserver", "refuses connections",
    ),
}  # fmt: skip
"""What is wrong → service, its variables, the dependency that it must name, words of the detail."""


@pytest.fixture(scope="module")
def wrong(site: Site) -> dict[str, str]:
    """An instance for each wrong setting, all started at once; their names."""
    names = {what: f"{service}-wrong-{n}" for n, (what, (service, *_)) in enumerate(WRONG.items())}
    for what, (_, changes, _, _) in WRONG.items():
        site.add(names[what])
        site.start(names[what], **changes)
    return names


@pytest.mark.parametrize("what", WRONG)
def test_an_instance_is_not_healthy_while_a_setting_is_wrong_and_says_which(
    site: Site, wrong: dict[str, str], what: str
) -> None:
    _, _, dependency, words = WRONG[what]
    name = wrong[what]
    wait_until("the detail", lambda: words in site.down(name).get(dependency, ""))
    assert "wrong-secret" not in str(site.ask(name, "/health"))
    assert site.stop(name) == 0
    assert "wrong-secret" not in site.processes.log(name)


def test_a_dependency_that_goes_is_named_and_comes_back(site: Site) -> None:
    for role in ("stat-primary", "stat-backup"):
        site.processes.set_faults(role, {"crash": {}})
    wait_until("both to be away", lambda: set(site.down("exas")) == {"statserver"})
    assert site.down("exas")["statserver"].count("refuses connections") == 2
    for role in ("stat-primary", "stat-backup"):
        site.processes.set_faults(role, {})
    wait_until("exas to be healthy", lambda: site.is_healthy("exas"))


def test_a_redis_that_goes_is_the_one_dependency_that_is_down(site: Site) -> None:
    site.stop_redis()
    wait_until("redis to be away", lambda: "redis" in site.down("excp-1-1"))
    assert set(site.down("excp-1-1")) == {"redis"}
    assert site.down("excp-1-1")["redis"].endswith(f":{site.redis_port}: Connection refused.")
    site.start_redis()
    wait_until("EXCS's sync", lambda: site.is_healthy("excs") and site.status().update.is_success)
    wait_until("all to be healthy", lambda: all(map(site.is_healthy, ALL)))


def test_faults_of_a_service_do_what_they_say_and_can_be_undone(site: Site) -> None:
    site.set_faults("exas", dependency_lost={"name": "excs"})
    wait_until("excs to be lost", lambda: set(site.down("exas")) == {"excs"})
    site.set_faults("exas", wrong_answer={})
    wait_until("garbage", lambda: site.ask("exas", "/health") == (200, "<html>It works!</html>"))
    site.set_faults("exas", hang={})
    with pytest.raises(TimeoutError):
        site.ask("exas", "/health", timeout_seconds=0.5)
    site.set_faults("excs", wrong_answer={"kind": "org"})
    wait_until("another org", lambda: site.status().org_ids != (settings.ORG_ID,))
    site.set_faults("excs")
    site.set_faults("exas")
    wait_until("exas to be healthy", lambda: site.is_healthy("exas"))
    assert site.status().org_ids == (settings.ORG_ID,)


def test_a_crash_ends_a_service_and_its_next_start_is_good(site: Site) -> None:
    site.set_faults("exas", crash={})
    assert site.running.pop("exas").wait(3) == 1
    site.start("exas")
    wait_until("exas to be healthy", lambda: site.is_healthy("exas"))
    site.set_faults("exas")
    assert "fault crash" in site.processes.log("exas")


def test_a_log_file_is_named_by_its_pattern(site: Site) -> None:
    files = [path.name for path in site.logs("excs").glob("excs-1.20*_*.log")]
    assert files
    assert "%" not in "".join(files)


def test_an_image_built_to_crash_ends_with_a_word_and_code_1(site: Site, tmp_path: Path) -> None:
    image = Image(tmp_path, "100.0.100.13")
    (image.home / "CRASH_AT_START").touch()
    run = image.run("excp", site.environment("excp-1-1"))
    assert run.returncode == 1
    assert "CRITICAL cannot start" in run.stdout
    assert "Traceback" not in run.stderr


def test_a_service_that_is_told_to_end_while_it_starts_ends_at_once(site: Site) -> None:
    argv = site.image.argv(site.environment("exas"), "-m", "service", "exas")
    process = site.processes.start("early", argv)
    wait_until("its first words", lambda: "starts" in site.processes.log("early"))
    process.terminate()
    assert process.wait(1) == 0
    assert "listens" not in site.processes.log("early")


def test_a_missing_variable_and_a_taken_port_end_a_service_with_a_word(site: Site) -> None:
    environment = site.environment("exas")
    del environment["EXCS_URL"]
    run = site.image.run("exas", environment)
    assert (run.returncode, run.stderr) == (2, "")
    assert "CRITICAL EXCS_URL is not set in the container's environment" in run.stdout
    taken = site.image.run("exas", site.environment("exas"))
    assert (taken.returncode, taken.stderr) == (1, "")
    assert f"cannot listen on port {site.ports['exas']}: Address already in use" in taken.stdout
