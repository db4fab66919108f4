"""What isn't wrong in a stack file but costs money, data or sleep: said, never refused. Pure.

Source: product facts 11 and 14.13; each sentence says what follows from the setting.
"""

from __future__ import annotations

from collections.abc import Iterator

import vendor_facts as vendor
from config_schema import ExecConfig, Runtime
from stack import paths, secrecy, yaml_text

_WATCHED = {
    "tenant.id": "EXCS takes its objects for another tenant's",
    "tenant.org_id": "everything is synced again, into another EX organization",
    "excs.gc_queue_name_suffix": "EXCS makes new queues, and leaves the old ones",
    "excs.sync.customer_objects_only": "what is synced changes with it",
    "excs.sync.customer_folders": "what it no longer covers may look deleted in Genesys Cloud",
}
"""Settings whose change is worth a second look, and what follows. Source: product facts 2, 11."""


def cautions(config: ExecConfig, released: str | None = None) -> list[str]:
    """All that is worth a warning; `released` is the stack file of the last release."""
    changes = _of_changes(config, released) if released else ()
    return [*_of_settings(config), *_of_environment(config), *changes]


def _of_settings(config: ExecConfig) -> Iterator[str]:
    if not config.excs.sync.customer_objects_only:
        yield (
            "excs.sync.customer_objects_only is false: every person of the tenant is synced, and"
            " each of them whose calls are injected is billed for that month, logged in or not"
        )
    suffix = config.excs.gc_queue_name_suffix
    if suffix != vendor.QUEUE_NAME_SUFFIX:
        yield (
            f"excs.gc_queue_name_suffix is {suffix!r}, not the vendor's"
            f" {vendor.QUEUE_NAME_SUFFIX!r}; changing it later makes new queues"
        )
    logs = {"excs": config.excs.log, "exas": config.exas.log}
    logs |= {f"excp.pairs.{n}": pair.log for n, pair in config.excp.pairs.items()}
    for path, log in logs.items():
        if log.level == "trace":
            yield f"{path}.log.level is trace: it fills disks fast, and may log calls' data"
        if config.logging.shipping is not None and log.path is None:
            yield f"{path}.log.path is not set: it logs to stdout, which logging.shipping leaves"
    if not config.redis.secure:
        yield (
            "redis.secure is false: whoever reaches Redis can read the OAuth client's secret, which"
            " EXCS keeps there"
        )
    tags = sorted({pair.tag for pair in config.excp.pairs.values()})
    if len(tags) > 1:
        yield f"the pairs run different versions of EXCP: {', '.join(tags)}"
    if config.stopped:
        yield f"stopped on purpose: {', '.join(config.stopped)}"
    for check, reason in config.preflight.waive.items():
        yield f"the check {check!r} is waived: {reason}"


def _of_changes(config: ExecConfig, released: str) -> Iterator[str]:
    try:
        was = yaml_text.settings_in(released)
    except yaml_text.NotReadable:
        return  # written before readers of YAML had to agree
    for path, consequence in _WATCHED.items():
        now, before = paths.get(config, path), paths.get(was, path)
        if before is None:
            before = paths.default_of(path)
        if before != now:
            yield (
                f"{path} is {paths.as_words(now)}, and was {paths.as_words(before)} in the last"
                f" release: {consequence}"
            )


def _of_environment(config: ExecConfig) -> Iterator[str]:
    """Variables that look like secrets: they stand in plaintext in the stack file, in the state and
    in `docker inspect`."""
    parts: dict[str, Runtime] = {"excs": config.excs, "exas": config.exas}
    parts |= {f"excp.pairs.{n}": pair for n, pair in config.excp.pairs.items()}
    for path, part in parts.items():
        for name, value in part.environment.items():
            if secrecy.names_a_secret(name) or secrecy.holds_a_secret(value):
                yield (
                    f"{path}.environment.{name} looks like a secret, and is in plaintext in the"
                    f" stack file, in Pulumi's state and on the host; avoid that if you can"
                )
