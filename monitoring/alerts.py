"""Every alert as data: what makes it fire, how bad that is, and where it says what to do. Pure.

None needs a metric of the vendor's. `during_deployment`: a run of exctl brings it about, so
Alertmanager keeps it back while one is under way. The section of docs/operating.md that an alert
links to has the alert's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

EXPORTER_JOB = "exec-exporter"
RUNBOOK = "docs/operating.md"
DEPLOYMENT_ALERT = "ExecDeploymentInProgress"
EXPECTED = {"deployment": "expected"}
"""The label of alerts that a deployment brings about."""


class Severity(StrEnum):
    CRITICAL = "critical"
    """Somebody is to be called: calls or agents suffer now."""
    WARNING = "warning"
    """To be looked at in working hours, or before the next failure."""
    NONE = "none"
    """Tells nobody anything; other alerts are kept back by it."""


@dataclass(frozen=True)
class Alert:
    """One alert rule. `hold` is how long its expression must be true; `summary` and `means` may
    name its labels, as Prometheus' templates do."""

    name: str
    expression: str
    hold: str
    severity: Severity
    summary: str
    means: str
    during_deployment: bool = False


ALERTS = (
    Alert(
        "ExecInstanceDown",
        'exec_instance_up{service=~"excs|exas"} == 0',
        "1m",
        Severity.CRITICAL,
        "{{ $labels.instance }} of stack {{ $labels.stack }} does not serve",
        "It doesn't answer 200 on /health at {{ $labels.host }}, or not from this stack's"
        " container. Without EXCS nothing is synced and EXCP can't start; without EXAS no agent"
        " state reaches Genesys Cloud.",
        during_deployment=True,
    ),
    Alert(
        "ExecPairWithoutRedundancy",
        'exec_instance_up{service="excp"} == 0'
        " and on (stack, pair) exec_pair_serving_instances == 1",
        "30s",
        Severity.WARNING,
        "pair {{ $labels.pair }} of stack {{ $labels.stack }} has no redundancy:"
        " {{ $labels.instance }} does not serve",
        "The other instance serves alone. Nothing is lost yet; the next failure there stops the"
        " pair.",
        during_deployment=True,
    ),
    Alert(
        "ExecPairDown",
        "exec_pair_serving_instances == 0 and on (stack, pair) exec_pair_wanted_instances > 0",
        "30s",
        Severity.CRITICAL,
        "pair {{ $labels.pair }} of stack {{ $labels.stack }} is down",
        "Neither of its instances serves: calls of its SIP Servers don't reach Genesys Cloud.",
    ),
    Alert(
        "ExecDependencyDown",
        "count by (stack, dependency) (exec_dependency_up == 0) > 0",
        "2m",
        Severity.WARNING,
        "stack {{ $labels.stack }}: {{ $value }} instances say that {{ $labels.dependency }} is"
        " down",
        "The services say so themselves. What they need it for stands still; an instance that"
        " can't do without it doesn't serve.",
        during_deployment=True,
    ),
    Alert(
        "ExecSyncFailed",
        "exec_sync_failed == 1",
        "1m",
        Severity.CRITICAL,
        "the sync of stack {{ $labels.stack }} has failed",
        "EXCS says that its sync failed, or it syncs to another organization than the stack"
        " file's.",
    ),
    Alert(
        "ExecSyncStalled",
        "exec_sync_complete == 0"
        " and on (stack) time() - exec_sync_moved_timestamp_seconds"
        " > on (stack) exec_sync_stall_limit_seconds"
        ' and on (stack) exec_instance_up{service="excs"} == 1',
        "0s",
        Severity.CRITICAL,
        "the sync of stack {{ $labels.stack }} stands still",
        "EXCS serves, its sync isn't complete, and nothing in its status has moved for longer than"
        " excs.sync_gate.stall_seconds. Objects of Engage are missing in Genesys Cloud.",
    ),
    Alert(
        "ExecSyncLagGrowing",
        "exec_sync_lag_objects > 0 and delta(exec_sync_lag_objects[15m]) > 0",
        "15m",
        Severity.WARNING,
        "the sync of stack {{ $labels.stack }} falls behind: {{ $value }} objects to go",
        "For 15 minutes Engage has changed faster than EXCS processes.",
    ),
    Alert(
        "ExecSyncOld",
        "time() - max by (stack) (exec_sync_success_timestamp_seconds)"
        " > on (stack) exec_sync_success_age_limit_seconds",
        "10m",
        Severity.WARNING,
        "EXCS of stack {{ $labels.stack }} has had no success for {{ $value | humanizeDuration }}",
        "Its last success is older than monitoring.sync_success_max_age_seconds.",
    ),
    Alert(
        "ExecContainerRestarting",
        "increase(exec_container_restarts_total[15m]) > 1",
        "0s",
        Severity.WARNING,
        "Docker restarts {{ $labels.instance }} of stack {{ $labels.stack }} again and again",
        "Its container has ended by itself more than once in 15 minutes: a crash, or too little"
        " memory.",
        during_deployment=True,
    ),
    Alert(
        "ExecVersionDiffers",
        "count by (stack, pair) (count by (stack, pair, version)"
        ' (exec_instance_info{service="excp", version!=""})) > 1',
        "15m",
        Severity.WARNING,
        "pair {{ $labels.pair }} of stack {{ $labels.stack }} runs two versions",
        "Its instances name different versions: an update stopped half-way, or somebody replaced a"
        " container by hand.",
        during_deployment=True,
    ),
    Alert(
        "ExecHostUnreachable",
        "exec_host_up == 0",
        "5m",
        Severity.WARNING,
        "{{ $labels.host }} (stack {{ $labels.stack }}) does not answer over SSH",
        "SSH or Docker on it doesn't answer. Its containers may well serve on, but nothing can be"
        " deployed, restarted or read there.",
    ),
    Alert(
        "ExecClockSkew",
        "abs(exec_host_clock_offset_seconds) > 2",
        "10m",
        Severity.WARNING,
        "the clock of {{ $labels.host }} (stack {{ $labels.stack }}) is off by {{ $value }} s",
        "What its instances inject into Genesys Cloud stands at the wrong time there, which can't"
        " be corrected later.",
    ),
    Alert(
        "ExecHostDiskLow",
        "exec_host_disk_free_bytes / exec_host_disk_size_bytes < 0.1",
        "10m",
        Severity.WARNING,
        "{{ $labels.path }} on {{ $labels.host }} (stack {{ $labels.stack }}) has"
        " {{ $value | humanizePercentage }} free",
        "When it is full, containers end, log files are cut and no image can be pulled.",
    ),
    Alert(
        "ExecLogsNotShipped",
        "exec_log_shipper_up == 0",
        "10m",
        Severity.WARNING,
        "no log files are shipped from {{ $labels.host }} (stack {{ $labels.stack }})",
        "The container of {{ $labels.agent }} doesn't run there. Nothing is lost while the files"
        " are there: it goes on where it stopped.",
        during_deployment=True,
    ),
    Alert(
        "ExecCertificateExpiring",
        "min by (stack, endpoint) (exec_certificate_expiry_timestamp_seconds) - time()"
        " < 14 * 86400",
        "1h",
        Severity.WARNING,
        "the certificate of {{ $labels.endpoint }} (stack {{ $labels.stack }}) expires in"
        " {{ $value | humanizeDuration }}",
        "It is what the EXEC hosts are shown there; a gateway of yours may be what shows it. After"
        " that day nothing connects.",
    ),
    Alert(
        "ExecDrift",
        'exec_drift_differences{kind="host changed"} > 0',
        "30m",
        Severity.WARNING,
        "somebody changed {{ $value }} things on the hosts of stack {{ $labels.stack }}",
        "Containers aren't as the last run of exctl left them; the next one may undo that.",
        during_deployment=True,
    ),
    Alert(
        "ExecStackFileUnreadable",
        "exec_stack_file_readable == 0",
        "5m",
        Severity.WARNING,
        "the stack file of {{ $labels.stack }} has a mistake",
        "The exporter watches by the last version without one; no run of exctl would begin.",
    ),
    Alert(
        "ExecProbeStale",
        "time() - exec_instance_probe_timestamp_seconds > 120",
        "1m",
        Severity.WARNING,
        "{{ $labels.instance }} of stack {{ $labels.stack }} was not asked for 2 minutes",
        "The exporter runs, but what it shows of this instance is old.",
    ),
    Alert(
        "ExecExporterGone",
        f'up{{job="{EXPORTER_JOB}"}} == 0 or absent(up{{job="{EXPORTER_JOB}"}})',
        "2m",
        Severity.CRITICAL,
        "`exctl exporter` does not answer",
        "Nothing is known of any stack: no other alert of EXEC can fire.",
    ),
    Alert(
        DEPLOYMENT_ALERT,
        "exec_deployment_in_progress == 1",
        "0s",
        Severity.NONE,
        "a run of exctl works on stack {{ $labels.stack }}",
        "Alerts that a run brings about by itself are kept back until it ends.",
        during_deployment=False,
    ),
)

RECORDED = {
    "stack:exec_instance_up:ratio": "avg by (stack) (exec_instance_up)",
    "stack:exec_sync_processed_hwm:rate5m": "clamp_min(deriv(exec_sync_processed_hwm[5m]), 0)",
    "stack_pair:exec_pair_available:ratio1d": "avg_over_time((exec_pair_serving_instances > bool 0)"
    "[1d:1m])",
}
"""Recording rules, by name. Source: prometheus.io, "Recording rules": level:metric:operations."""


def rules(runbook_url: str | None) -> dict[str, Any]:
    """The rules file, alerts and recording rules; `runbook_url` is where docs/operating.md is."""
    base = runbook_url or RUNBOOK
    return {
        "groups": [
            {
                "name": "exec-recording",
                "interval": "30s",
                "rules": [{"record": name, "expr": expr} for name, expr in RECORDED.items()],
            },
            {"name": "exec-alerts", "rules": [_rule(alert, base) for alert in ALERTS]},
        ]
    }


def _rule(alert: Alert, runbook: str) -> dict[str, Any]:
    expected = EXPECTED if alert.during_deployment else {}
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.hold,
        "labels": {"severity": str(alert.severity), **expected},
        "annotations": {
            "summary": alert.summary,
            "description": alert.means,
            "runbook_url": f"{runbook.partition('#')[0]}#{anchor(alert)}",
        },
    }


def anchor(alert: Alert) -> str:
    """The part of an address that leads to the alert's section: its heading, as renderers of
    Markdown make anchors of headings."""
    return alert.name.lower()


def table() -> list[str]:
    """All alerts as a table in Markdown, for the documentation."""
    lines = ["| alert | severity | fires when | held | in a deployment |", "|---|---|---|---|---|"]
    for alert in ALERTS:
        name = f"[`{alert.name}`](operating.md#{anchor(alert)})"
        expression = alert.expression.replace("|", r"\|")
        kept = "kept back" if alert.during_deployment else "-"
        lines.append(f"| {name} | {alert.severity} | `{expression}` | {alert.hold} | {kept} |")
    return lines
