"""The lab's addresses, ports and passwords. All of them are known and good for nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

CLONE = Path(__file__).resolve().parents[1]

REGISTRY_PORT, REDIS_PORT, POSTGRESQL_PORT, CLOUD_PORT = 5000, 6379, 5432, 443
STAT_SERVER_PORT, SIP_SERVER_PORT = 2060, 8000
REGISTRY_USER, REGISTRY_PASSWORD = "exec", "lab-registry-pw"
REDIS_PASSWORD = "lab-redis-pw"
DATABASE, DATABASE_USER, DATABASE_PASSWORD = "engage", "exec_ro", "lab-db-pw"
CONFIG_SERVER_PASSWORD = "lab-configserver-pw"
OAUTH_CLIENT_ID = "4c1f7a52-9d3e-4b60-8f6a-2e5b1c0d7a94"
OAUTH_CLIENT_SECRET = "lab-oauth-secret"
ORG_ID, TENANT_ID = "6662cb10-0d4d-4710-b979-db69011e66fd", "1"
ORG_SHORT_NAME = "exec-lab"
CLOUD_NAMES = ("api.mypurecloud.com", "login.mypurecloud.com")
"""What the lab's hosts call Genesys Cloud."""
HOST_LOG_PATH = "/var/log/exec"
USER = "genesys"

SERVICES = ("excs", "exas", "excp")
VERSIONS = ("100.0.100.11", "100.0.100.12")
CRASHING_VERSION = "100.0.100.13"
INFRA, WATCHERS_TAG = "infra", "debian-12"
"""Where the registry has what watches a stack, and as which version."""

DEFAULT_OBJECTS = 100
"""At the API's default 300 requests a minute this many objects take 20 seconds."""
RATE_PER_MINUTE = 300


@dataclass(frozen=True)
class Plan:
    """Which hosts a lab has, and where: everything follows from the subnet and the pairs."""

    subnet: IPv4Network
    pairs: int

    def address(self, last: int) -> str:
        return str(self.subnet.network_address + last)

    @property
    def operator(self) -> str:
        return self.address(1)

    @property
    def infra(self) -> str:
        return self.address(10)

    @property
    def stat_servers(self) -> tuple[str, str]:
        return self.address(20), self.address(21)

    @property
    def sip_servers(self) -> tuple[str, str]:
        return self.address(22), self.address(23)

    @property
    def cloud(self) -> str:
        return self.address(30)

    @property
    def registry(self) -> str:
        return f"{self.infra}:{REGISTRY_PORT}"

    @property
    def exec_hosts(self) -> dict[str, str]:
        """EXEC hosts' names and addresses: EXCS, EXAS, then two a pair."""
        return {f"exec-{n}": self.address(100 + n) for n in range(1, 3 + 2 * self.pairs)}

    @property
    def addresses(self) -> dict[str, tuple[str, ...]]:
        """All addresses of each host, the first its own."""
        return {
            "infra": (self.infra,),
            "engage": (*self.stat_servers, *self.sip_servers),
            "cloud": (self.cloud,),
            **{name: (address,) for name, address in self.exec_hosts.items()},
        }

    @property
    def tag(self) -> str:
        """Short and unique for the subnet: the names of bridge and namespaces carry it."""
        return f"{int(self.subnet.network_address):08x}"

    @property
    def bridge(self) -> str:
        return f"xl{self.tag}"

    def cable(self, host: str) -> str:
        """The bridge's end of a host's cable."""
        return f"{self.bridge}.{list(self.addresses).index(host)}"

    def namespace(self, host: str) -> str:
        return f"exlab-{self.tag}-{host}"


def plan(subnet: str = "10.77.0.0/24", pairs: int = 1) -> Plan:
    """The plan for a subnet; raises ValueError where the lab doesn't fit into it."""
    network = IPv4Network(subnet)
    if network.prefixlen > 24 or not network.is_private:
        raise ValueError(f"{subnet} must be a private network of at least 256 addresses (/24)")
    if not 1 <= pairs <= 24:
        raise ValueError(f"{pairs} pairs: the lab has room for 1 to 24")
    return Plan(IPv4Network((IPv4Address(network.network_address), network.prefixlen)), pairs)


def lab_directory() -> Path:
    """What belongs to this clone's lab: keys, logs, state."""
    return Path(os.environ.get("EXEC_LAB_DIRECTORY", CLONE / ".lab")).absolute()


def cache_directory() -> Path:
    """What is built once and kept for every clone on this host."""
    return Path(os.environ.get("EXEC_LAB_CACHE", "/var/cache/exec-lab"))
