"""What the instances of a stack connect to: the vendor's connectivity table, filled in. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import vendor_facts as vendor
from config_schema import ExecConfig, endpoints_of
from vendor_facts import Service


@dataclass(frozen=True)
class Connection:
    """One line of the vendor's connectivity table, filled in for this stack."""

    instance: str
    from_host: str
    to_host: str
    to_port: int
    protocol: str
    purpose: str


def connections(
    config: ExecConfig, key: str, from_host: str, service: Service, pair: str | None
) -> Iterator[Connection]:
    """Where an instance connects to. Source: deployment, connectivity table; the login isn't in
    it, but whoever uses the REST API gets a token there (Genesys Cloud developer center, OAuth)."""

    def to(host: str, port: int, protocol: str, purpose: str) -> Connection:
        return Connection(key, from_host, host, port, protocol, purpose)

    tls = "TLS" if config.redis.tls else "TCP"
    yield to(config.redis.host, config.redis.port, tls, "Redis: id mapping")
    cloud = vendor.GENESYS_CLOUD_PORT
    yield to(f"api.{config.tenant.region}", cloud, "HTTPS", "Genesys Cloud REST API")
    yield to(f"login.{config.tenant.region}", cloud, "HTTPS", "Genesys Cloud login: OAuth token")
    match service:
        case "excs":
            database = config.excs.config_db
            protocol = "TLS" if database.ssl else "TCP"
            yield to(
                database.host, database.known_port, protocol, "Config DB: read Engage configuration"
            )
            return
        case "exas":
            servers = config.exas.stat_server
            for peer, word in ((servers.primary, "primary"), (servers.backup, "backup")):
                yield to(peer.host, peer.port, "TCP", f"{word} Stat Server: agent states")
        case "excp":
            assert pair is not None
            voice = config.excp.pairs[pair].voice_servers
            for server in dict.fromkeys((*voice.vq, *voice.agent, *voice.call)):
                for host, port in endpoints_of(server):
                    yield to(host, port, "TCP", "SIP Server: calls, DNs and queues")
    yield to(config.excs.host, config.excs.port, "TCP", "EXCS REST API")
