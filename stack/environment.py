"""The variables of a container, by the table in `vendor_facts`. Pure."""

from __future__ import annotations

import vendor_facts as vendor
from config_schema import LOG_REFERENCE, ExecConfig
from stack import paths
from stack.text import in_url
from vendor_facts import Service


def plain(config: ExecConfig, service: Service, pair: str | None, host: str) -> dict[str, str]:
    """The plain variables of one container, by the table in `vendor_facts`."""
    found: dict[str, str] = {}
    for parameter in vendor.parameters_of(service):
        if parameter.is_secret:
            continue
        text = paths.as_variable(value_at(config, parameter.path, pair))
        if text is not None:
            found[parameter.variable] = text
    for variable in ("LOG_FILENAME", "LOG_FILE_NAME"):
        if variable in found:
            found[variable] = expand_log_pattern(found[variable], config.tenant.id, host)
    if service != "excs":
        found[vendor.EXCS_URL_VARIABLE] = f"http://{in_url(config.excs.host)}:{config.excs.port}"
    if config.redis.tls:
        found[vendor.REDIS_TLS_VARIABLE] = "true"
    return found


def secret(config: ExecConfig, service: Service) -> dict[str, str]:
    secrets = {p.variable: p.path for p in vendor.parameters_of(service) if p.is_secret}
    if not config.redis.secure:
        del secrets["REDIS_PASSWORD"]
    return secrets


def value_at(config: ExecConfig, path: str, pair: str | None) -> object:
    """The value that stands at a path of the parameters' table; None if it isn't set."""
    if path == "excs.config_db.port":
        return config.excs.config_db.known_port
    return paths.get(config, path.format(pair=pair))


def expand_log_pattern(pattern: str, tenant_id: str, host: str) -> str:
    """The pattern with tenant and host filled in; `%Y` and the like stay for the service.

    Compose would fill `${…}` in, the Docker API passes it on as it stands. HOSTNAME is the host's
    address from the stack file: the containers share their host's network and name.
    """
    values = {"TENANT_ID": tenant_id, "HOSTNAME": host}
    return LOG_REFERENCE.sub(lambda found: values[next(filter(None, found.groups()))], pattern)
