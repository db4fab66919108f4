"""What isn't EXEC: registry, Redis and Config DB, Engage's servers, Genesys Cloud's API."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import requests

from lab import certificates, settings
from lab.host import LabHost
from lab.images import registry_config
from lab.processes import accepts, wait_for
from lab.settings import Plan
from lab.standins.configdb import seed_sql

POSTGRES_USER = "postgres"


def start_infra(host: LabHost, build: Path) -> None:
    """Starts the host with the registry, Redis and the Config DB's server."""
    directory = host.directory
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copytree(build / "registry", directory / "registry", copy_function=_link_or_copy)
    passwords = directory / "htpasswd"
    hashed = subprocess.run(
        ["htpasswd", "-inB", "-C", "5", settings.REGISTRY_USER],
        input=settings.REGISTRY_PASSWORD, text=True, capture_output=True, check=True,
    )  # fmt: skip
    passwords.write_text(hashed.stdout)
    address = f"{host.address}:{settings.REGISTRY_PORT}"
    (directory / "registry.yml").write_text(
        registry_config(directory / "registry", address, passwords)
    )
    (directory / "redis.conf").write_text(redis_config(host))
    (directory / "redis").mkdir()
    database = _copy_of_an_empty_database(directory)
    commands = {
        "registry": ["docker-registry", "serve", str(directory / "registry.yml")],
        "redis": ["redis-server", str(directory / "redis.conf")],
        "postgres": postgres_command(database, host.address),
    }
    host.start(commands, {})


def _link_or_copy(source: str, target: str) -> None:
    """Blobs, which a registry never changes, as hard links. A tag's file it writes in place when
    another image is pushed under it: with a link that reached the build, and every later lab."""
    if Path(source).name == "data":
        os.link(source, target)
    else:
        shutil.copyfile(source, target)


def redis_config(host: LabHost) -> str:
    return "\n".join(
        [
            f"bind {host.address} 127.0.0.1",
            f"port {settings.REDIS_PORT}",
            f"requirepass {settings.REDIS_PASSWORD}",
            f"dir {host.directory}/redis",
            'save ""',
            "appendonly no",
            "",
        ]
    )


def postgres_command(database: Path, address: str) -> list[str]:
    """PostgreSQL as its own user; without fsync, since a lab's data is new each time."""
    (binary,) = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))[-1:]
    user = ["setpriv", f"--reuid={POSTGRES_USER}", f"--regid={POSTGRES_USER}", "--clear-groups"]
    options = {
        "listen_addresses": f"{address},127.0.0.1",
        "port": str(settings.POSTGRESQL_PORT),
        "unix_socket_directories": "",
        "fsync": "off",
    }
    words = [word for k, v in options.items() for word in ("-c", f"{k}={v}")]
    return [*user, str(binary), "-D", str(database), *words]


def _copy_of_an_empty_database(directory: Path) -> Path:
    """A database directory as initdb leaves it; made once, in the cache.

    Outside the host's directory: PostgreSQL's user must be able to reach it.
    """
    template = settings.cache_directory() / "postgres"
    if not template.exists():
        (initdb,) = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))[-1:]
        partial = settings.cache_directory() / "postgres.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        shutil.chown(partial, POSTGRES_USER, POSTGRES_USER)
        subprocess.run(
            [
                *("setpriv", f"--reuid={POSTGRES_USER}", f"--regid={POSTGRES_USER}"),
                *("--clear-groups", str(initdb), "-D", str(partial), "-A", "trust"),
                *("--no-sync", "--encoding=UTF8", "--locale=C"),
            ],
            cwd="/",
            check=True,
            capture_output=True,
        )
        (partial / "pg_hba.conf").write_text(
            "host all all 127.0.0.1/32 trust\nhost all all 0.0.0.0/0 scram-sha-256\n"
        )
        partial.rename(template)
    database = database_directory(directory)
    shutil.rmtree(database, ignore_errors=True)
    database.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(template), str(database)], check=True, capture_output=True)
    return database


def database_directory(directory: Path) -> Path:
    """Where a lab's database is: beside the cache, which everybody may enter."""
    name = directory.as_posix().strip("/").replace("/", "-")
    return settings.cache_directory() / "databases" / name


def fill_database(host: LabHost, objects: int) -> None:
    """Makes the Config DB with so many objects, and waits for all of the host's services."""
    wait_for("PostgreSQL", lambda: accepts(host.address, settings.POSTGRESQL_PORT))
    psql = ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", POSTGRES_USER]
    wait_for("PostgreSQL", lambda: "1" in host.run(*psql, "-Atc", "select 1", check=False))
    host.run(*psql, "-c", f"create database {settings.DATABASE}")
    seed = seed_sql(
        objects=objects,
        cloud_url=f"https://{host.plan.cloud}",
    )
    host.run(*psql, "-d", settings.DATABASE, stdin=seed)
    wait_for("Redis", lambda: redis_answers(host.address))
    wait_for("the registry", lambda: registry_answers(host.plan.registry))


def redis_answers(address: str) -> bool:
    with socket.create_connection((address, settings.REDIS_PORT), 1) as connection:
        connection.sendall(f"AUTH {settings.REDIS_PASSWORD}\r\nPING\r\n".encode())
        answers = connection.makefile("rb")
        return answers.readline() == b"+OK\r\n" and answers.readline() == b"+PONG\r\n"


def registry_answers(registry: str) -> bool:
    auth = (settings.REGISTRY_USER, settings.REGISTRY_PASSWORD)
    return requests.get(f"http://{registry}/v2/", auth=auth, timeout=1).ok


def start_engage(host: LabHost) -> None:
    """Starts the host of both Stat Servers and both SIP Servers."""
    host.start(engage_commands(host.plan, host.directory), {})


def engage_commands(plan: Plan, directory: Path) -> dict[str, list[str]]:
    commands = {}
    stat = zip(("primary", "backup"), plan.stat_servers, strict=True)
    sip = zip(("primary", "backup"), plan.sip_servers, strict=True)
    for role, address in stat:
        commands[f"stat-{role}"] = _standin(
            "stat_server", address, settings.STAT_SERVER_PORT, directory / f"stat-{role}.faults"
        )
    for role, address in sip:
        commands[f"sip-{role}"] = [
            *_standin(
                "sip_server", address, settings.SIP_SERVER_PORT, directory / f"sip-{role}.faults"
            ),
            *("--role", role),
            *(
                ("--primary", f"{plan.sip_servers[0]}:{settings.SIP_SERVER_PORT}")
                if role == "backup"
                else ()
            ),
        ]
    return commands


def start_cloud(host: LabHost, build: Path, rate_per_minute: int) -> None:
    """Starts the host of the Genesys Cloud API's stand-in."""
    host.directory.mkdir(parents=True, exist_ok=True)
    certificates.issue(build, host.directory, "cloud", host.address, settings.CLOUD_NAMES)
    command = _standin(
        "genesys_cloud", host.address, settings.CLOUD_PORT, host.directory / "cloud.faults"
    )
    command += ["--certificate", str(host.directory / "cloud.pem")]
    command += ["--key", str(host.directory / "cloud.key")]
    command += ["--rate-per-minute", str(rate_per_minute)]
    host.start({"cloud": command}, {})


def others_ready(plan: Plan) -> None:
    ports = dict.fromkeys(plan.stat_servers, settings.STAT_SERVER_PORT)
    ports |= dict.fromkeys(plan.sip_servers, settings.SIP_SERVER_PORT)
    for address, port in (ports | {plan.cloud: settings.CLOUD_PORT}).items():
        wait_for(f"the stand-in at {address}:{port}", partial(accepts, address, port))


def _standin(module: str, address: str, port: int, faults: Path) -> list[str]:
    return [
        *("env", "-C", str(settings.CLONE), sys.executable, "-m", f"lab.standins.{module}"),
        *("--bind", address, "--port", str(port), "--faults", str(faults)),
    ]
