"""What an operator may write in a stack file: names, types, defaults, and what contradicts itself.

Strict: an unknown key, a wrong type or a value out of range is refused, never guessed. What needs
several sections at once is in `stack/rules.py`; what a stack file's text looks like and how a
mistake is worded is in `stack/problems.py`.
"""

from __future__ import annotations

from config_schema.access import Ssh, Tenant
from config_schema.checks import CheckName
from config_schema.monitoring import Monitoring
from config_schema.platform import Logging, Logs, Redis
from config_schema.registry import Registry
from config_schema.services import Exas, Excs, Hardening, Pair, Resources, Runtime
from config_schema.shipping import SHIPPING_PORTS, Shipping
from config_schema.stack import ExecConfig
from config_schema.values import (
    LOG_REFERENCE,
    Host,
    Port,
    Tag,
    canonical_host,
    endpoints_of,
    place_problem,
    tag_problem,
)

__all__ = [
    "LOG_REFERENCE",
    "SHIPPING_PORTS",
    "CheckName",
    "Exas",
    "Excs",
    "ExecConfig",
    "Hardening",
    "Host",
    "Logging",
    "Logs",
    "Monitoring",
    "Pair",
    "Port",
    "Redis",
    "Registry",
    "Resources",
    "Runtime",
    "Shipping",
    "Ssh",
    "Tag",
    "Tenant",
    "canonical_host",
    "endpoints_of",
    "place_problem",
    "tag_problem",
]
