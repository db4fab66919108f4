"""Every metric of `exctl exporter` as data: the exporter serves these and no others, alert rules
may name these and no others, and the table in docs/monitoring.md is made from them. Pure.

Names follow Prometheus' conventions: base units, `_seconds`, `_bytes`, `_total`, and `_info` for
what is in the labels. Moments are given, not ages: `time() - …` is right whenever it is asked.
Source: prometheus.io, "Metric and label naming".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

PREFIX = "exec_"
STACK = ("stack",)
INSTANCE = (*STACK, "instance", "service", "pair", "host")
PAIR = (*STACK, "pair")
HOST = (*STACK, "host")


class MetricType(StrEnum):
    GAUGE = "gauge"
    COUNTER = "counter"


@dataclass(frozen=True)
class Metric:
    """One metric: its whole name, what it says, its labels and its unit."""

    name: str
    help: str
    labels: tuple[str, ...]
    unit: str = ""
    """`seconds`, `bytes`, `objects`; empty for a plain number."""
    type: MetricType = MetricType.GAUGE


def _metric(
    name: str,
    help: str,
    labels: tuple[str, ...],
    unit: str = "",
    type: MetricType = MetricType.GAUGE,
) -> Metric:
    return Metric(PREFIX + name, help, labels, unit, type)


INSTANCE_WANTED = _metric(
    "instance_wanted", "1 if the stack file wants it to run, 0 if it is in `stopped`", INSTANCE
)
INSTANCE_UP = _metric(
    "instance_up",
    "1 if it answers 200 on /health and its container, as far as it is known, is this stack's and"
    " runs; else 0. Absent for an instance in `stopped`",
    INSTANCE,
)
INSTANCE_STATE = _metric(
    "instance_state",
    "1 for the state it is in, 0 for the others: healthy, unhealthy (it says so itself), restarted,"
    " foreign (another server answers), down (certainly), unknown, stopped (in the stack file)",
    (*INSTANCE, "state"),
)
ANSWER_SECONDS = _metric(
    "instance_answer_seconds", "Time that the last answer of /health took", INSTANCE, "seconds"
)
PROBE_TIMESTAMP = _metric(
    "instance_probe_timestamp_seconds", "When /health was asked last", INSTANCE, "seconds"
)
INSTANCE_INFO = _metric(
    "instance_info",
    "Always 1; `tag` as the stack file has it, `version` as the service says it, empty if it"
    " doesn't",
    (*INSTANCE, "tag", "version"),
)
DEPENDENCY_UP = _metric(
    "dependency_up",
    "1 if the service says that this dependency of it is up, else 0",
    (*INSTANCE, "dependency"),
)
RESTARTS = _metric(
    "container_restarts_total",
    "How often Docker has restarted its container; a new container begins at 0",
    INSTANCE,
    type=MetricType.COUNTER,
)
CONTAINER_START = _metric(
    "container_start_timestamp_seconds", "When its container was last started", INSTANCE, "seconds"
)
PAIR_WANTED = _metric(
    "pair_wanted_instances", "Instances of the pair that the stack file wants to run", PAIR
)
PAIR_SERVING = _metric("pair_serving_instances", "Instances of the pair that are up: 0 to 2", PAIR)
SYNC_COMPLETE = _metric(
    "sync_complete", "1 if the sync is complete by the rule of the sync gate, else 0", STACK
)
SYNC_FAILED = _metric(
    "sync_failed",
    "1 if EXCS says in words that its sync failed, or if it syncs to another organization, else 0",
    STACK,
)
SYNC_LATEST = _metric(
    "sync_latest_hwm", "Last object of the Config DB's history that EXCS knows of", STACK, "objects"
)
SYNC_PROCESSED = _metric(
    "sync_processed_hwm", "Last object of that history that EXCS has processed", STACK, "objects"
)
SYNC_LAG = _metric("sync_lag_objects", "Objects that are still to be processed", STACK, "objects")
SYNC_MOVED = _metric(
    "sync_moved_timestamp_seconds",
    "When anything in EXCS's sync status last changed, as the exporter saw it",
    STACK,
    "seconds",
)
SYNC_SUCCESS = _metric(
    "sync_success_timestamp_seconds",
    "When EXCS reached its last success, by its own words, for `sync` and for `update`",
    (*STACK, "phase"),
    "seconds",
)
SYNC_INFO = _metric(
    "sync_info", "Always 1; the operation of the sync in EXCS's own words", (*STACK, "operation")
)
SYNC_STALL_LIMIT = _metric(
    "sync_stall_limit_seconds",
    "How long an unfinished sync may stand still: `excs.sync_gate.stall_seconds`",
    STACK,
    "seconds",
)
SYNC_AGE_LIMIT = _metric(
    "sync_success_age_limit_seconds",
    "How old EXCS's last success may be: `monitoring.sync_success_max_age_seconds`",
    STACK,
    "seconds",
)
HOST_UP = _metric("host_up", "1 if the host's Docker answers over SSH, else 0", HOST)
HOST_CLOCK = _metric(
    "host_clock_offset_seconds",
    "How far its clock is certainly ahead of the exporter's; negative if it is behind",
    HOST,
    "seconds",
)
DISK_SIZE = _metric(
    "host_disk_size_bytes", "Size of the file system that holds the path", (*HOST, "path"), "bytes"
)
DISK_FREE = _metric(
    "host_disk_free_bytes",
    "What is free there for a user without privileges",
    (*HOST, "path"),
    "bytes",
)
CERTIFICATE_EXPIRY = _metric(
    "certificate_expiry_timestamp_seconds",
    "When the certificate expires that Genesys Cloud or the registry shows to this host",
    (*HOST, "endpoint"),
    "seconds",
)
LOG_SHIPPER_UP = _metric(
    "log_shipper_up",
    "1 if the container runs that ships the log files there (`logging.shipping`), else 0",
    (*HOST, "agent"),
)
STACK_INFO = _metric(
    "stack_info", "Always 1; the tenant and its organization", (*STACK, "tenant", "org")
)
STACK_READABLE = _metric(
    "stack_file_readable",
    "1 if the stack file can be read and has no mistake; at 0 the exporter goes on by the last one"
    " that had none",
    STACK,
)
RELEASE_INFO = _metric(
    "release_info", "Always 1; the number of the last release", (*STACK, "release")
)
RELEASE_TIMESTAMP = _metric(
    "release_timestamp_seconds", "When the last release was deployed", STACK, "seconds"
)
DEPLOYMENT = _metric(
    "deployment_in_progress", "1 while a run of exctl in this clone works on the stack", STACK
)
PREFLIGHT_TIMESTAMP = _metric(
    "preflight_timestamp_seconds", "When the preflight last ran in this clone", STACK, "seconds"
)
PREFLIGHT_FINDINGS = _metric(
    "preflight_findings",
    "Findings of that preflight: failed (would stop a deployment) and warning",
    (*STACK, "verdict"),
)
DRIFT = _metric(
    "drift_differences",
    "Differences between stack file, last run and hosts, of each kind that `exctl drift` tells",
    (*STACK, "kind"),
)
DRIFT_TIMESTAMP = _metric(
    "drift_timestamp_seconds", "When drift was last looked for", STACK, "seconds"
)
EXPORTER_INFO = _metric("exporter_info", "Always 1; the version of exctl", ("version",))

METRICS = tuple(value for value in list(vars().values()) if isinstance(value, Metric))
BY_NAME = {metric.name: metric for metric in METRICS}


def table() -> list[str]:
    """All metrics as a table in Markdown, for the documentation."""
    lines = ["| metric | type | unit | labels | says |", "|---|---|---|---|---|"]
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        unit = metric.unit or "-"
        lines.append(f"| `{metric.name}` | {metric.type} | {unit} | {labels} | {metric.help} |")
    return lines
