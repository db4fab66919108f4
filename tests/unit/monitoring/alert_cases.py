"""For every alert, what makes it fire and what doesn't, in the form of `promtool test rules`."""

from __future__ import annotations

from dataclasses import dataclass

Series = dict[str, str]
"""Series → its values, a minute apart, in promtool's notation."""
CP1 = 'stack="dev",instance="excp-1-1",service="excp",pair="1",host="h3"'
CP2 = 'stack="dev",instance="excp-1-2",service="excp",pair="1",host="h4"'
EXCS = 'stack="dev",instance="excs",service="excs",pair="",host="h1"'
PAIR = 'stack="dev",pair="1"'


@dataclass(frozen=True)
class Case:
    """`series` over time; looked at after so many minutes, the alert fires with these labels, once
    for each, or doesn't fire at all."""

    series: Series
    minutes: int
    fires: tuple[dict[str, str], ...] = ()


def _pair(first: str, second: str, serving: str) -> Series:
    return {
        f"exec_instance_up{{{CP1}}}": first,
        f"exec_instance_up{{{CP2}}}": second,
        f"exec_pair_serving_instances{{{PAIR}}}": serving,
        f"exec_pair_wanted_instances{{{PAIR}}}": "2x60",
    }


def _sync(complete: str, moved: str, up: str = "1x60") -> Series:
    return {
        'exec_sync_complete{stack="dev"}': complete,
        'exec_sync_moved_timestamp_seconds{stack="dev"}': moved,
        'exec_sync_stall_limit_seconds{stack="dev"}': "900x60",
        f"exec_instance_up{{{EXCS}}}": up,
    }


def _old(success: str) -> Series:
    return {
        'exec_sync_success_timestamp_seconds{stack="dev",phase="sync"}': success,
        'exec_sync_success_timestamp_seconds{stack="dev",phase="update"}': success,
        'exec_sync_success_age_limit_seconds{stack="dev"}': "3600x120",
    }


def _versions(second: str) -> Series:
    return {
        f'exec_instance_info{{{CP1},tag="1",version="1"}}': "1x60",
        f'exec_instance_info{{{CP2},tag="1",version="{second}"}}': "1x60",
    }


DEV = {"stack": "dev"}
OF_PAIR = {"stack": "dev", "pair": "1"}
HOST = {"stack": "dev", "host": "h1"}
OF_EXCS = HOST | {"instance": "excs", "service": "excs"}  # to Prometheus an empty label is none
SHIPPER = HOST | {"agent": "alloy"}
DISK = 'stack="dev",host="h1",path="/var/log/exec"'

CASES: dict[str, tuple[Case, Case]] = {
    "ExecInstanceDown": (
        Case({f"exec_instance_up{{{EXCS}}}": "1x2 0x10"}, 6, (OF_EXCS,)),
        # A pair's instance has alerts of its own, and one lost answer is none.
        Case(
            {f"exec_instance_up{{{EXCS}}}": "1 1 0 1x10", f"exec_instance_up{{{CP1}}}": "0x10"}, 3
        ),
    ),
    "ExecPairWithoutRedundancy": (
        Case(
            _pair("1x60", "1 0x60", "2 1x60"),
            4,
            (OF_PAIR | {"instance": "excp-1-2", "service": "excp", "host": "h4"},),
        ),
        Case(_pair("0x60", "0x60", "0x60"), 4),
    ),
    "ExecPairDown": (
        Case(_pair("0x60", "0x60", "0x60"), 4, (OF_PAIR,)),
        Case(
            {
                f"exec_pair_serving_instances{{{PAIR}}}": "0x60",
                f"exec_pair_wanted_instances{{{PAIR}}}": "0x60",
            },
            10,
        ),
    ),
    "ExecDependencyDown": (
        Case(
            {
                f'exec_dependency_up{{{EXCS},dependency="redis"}}': "0x60",
                f'exec_dependency_up{{{CP1},dependency="redis"}}': "0x60",
            },
            5,
            ({"stack": "dev", "dependency": "redis"},),
        ),
        Case({f'exec_dependency_up{{{EXCS},dependency="redis"}}': "1x60"}, 5),
    ),
    "ExecSyncFailed": (
        Case({'exec_sync_failed{stack="dev"}': "0 1x10"}, 5, (DEV,)),
        Case({'exec_sync_failed{stack="dev"}': "0x10"}, 5),
    ),
    "ExecSyncStalled": (
        Case(_sync("0x60", "0x60"), 16, (DEV,)),
        # It moves; or it is EXCS itself that is down, which has its own alert.
        Case(_sync("0x60", "0x60", up="0x60") | {'exec_sync_complete{stack="b"}': "0x60"}, 16),
    ),
    "ExecSyncLagGrowing": (
        Case({'exec_sync_lag_objects{stack="dev"}': "0+5x60"}, 40, (DEV,)),
        Case({'exec_sync_lag_objects{stack="dev"}': "500-5x60"}, 40),
    ),
    "ExecSyncOld": (
        Case(_old("0x120"), 75, (DEV,)),
        Case(_old("0+60x120"), 75),
    ),
    "ExecContainerRestarting": (
        Case({f"exec_container_restarts_total{{{EXCS}}}": "0x5 1 2 3 4x20"}, 10, (OF_EXCS,)),
        Case({f"exec_container_restarts_total{{{EXCS}}}": "0x5 1x20"}, 10),
    ),
    "ExecVersionDiffers": (
        Case(_versions("2"), 20, (OF_PAIR,)),
        # A service that names no version differs from nobody.
        Case(_versions(""), 20),
    ),
    "ExecHostUnreachable": (
        Case({'exec_host_up{stack="dev",host="h1"}': "0x60"}, 8, (HOST,)),
        Case({'exec_host_up{stack="dev",host="h1"}': "0x2 1x60"}, 8),
    ),
    "ExecClockSkew": (
        Case({'exec_host_clock_offset_seconds{stack="dev",host="h1"}': "-3x60"}, 15, (HOST,)),
        Case({'exec_host_clock_offset_seconds{stack="dev",host="h1"}': "1.5x60"}, 15),
    ),
    "ExecLogsNotShipped": (
        Case({'exec_log_shipper_up{stack="dev",host="h1",agent="alloy"}': "0x60"}, 15, (SHIPPER,)),
        Case({'exec_log_shipper_up{stack="dev",host="h1",agent="alloy"}': "0x5 1x60"}, 15),
    ),
    "ExecHostDiskLow": (
        Case(
            {
                f"exec_host_disk_free_bytes{{{DISK}}}": "9x60",
                f"exec_host_disk_size_bytes{{{DISK}}}": "100x60",
            },
            15,
            (HOST | {"path": "/var/log/exec"},),
        ),
        Case(
            {
                f"exec_host_disk_free_bytes{{{DISK}}}": "11x60",
                f"exec_host_disk_size_bytes{{{DISK}}}": "100x60",
            },
            15,
        ),
    ),
    "ExecCertificateExpiring": (
        Case(
            {
                'exec_certificate_expiry_timestamp_seconds{stack="dev",host="h1",endpoint="a:443"}'
                "": "1000000x100"
            },
            90,
            ({"stack": "dev", "endpoint": "a:443"},),
        ),
        Case(
            {
                'exec_certificate_expiry_timestamp_seconds{stack="dev",host="h1",endpoint="a:443"}'
                "": "2000000x100"
            },
            90,
        ),
    ),
    "ExecDrift": (
        Case(
            {'exec_drift_differences{stack="dev",kind="host changed"}': "1x60"},
            40,
            (DEV | {"kind": "host changed"},),
        ),
        Case({'exec_drift_differences{stack="dev",kind="not yet deployed"}': "4x60"}, 40),
    ),
    "ExecStackFileUnreadable": (
        Case({'exec_stack_file_readable{stack="dev"}': "0x20"}, 8, (DEV,)),
        Case({'exec_stack_file_readable{stack="dev"}': "1x20"}, 8),
    ),
    "ExecProbeStale": (
        Case({f"exec_instance_probe_timestamp_seconds{{{EXCS}}}": "0x20"}, 6, (OF_EXCS,)),
        Case({f"exec_instance_probe_timestamp_seconds{{{EXCS}}}": "0+60x20"}, 6),
    ),
    "ExecExporterGone": (
        Case({'other{stack="dev"}': "1x20"}, 5, ({"job": "exec-exporter"},)),
        Case({'up{job="exec-exporter"}': "1x20"}, 5),
    ),
    "ExecDeploymentInProgress": (
        Case({'exec_deployment_in_progress{stack="dev"}': "0 1x20"}, 2, (DEV,)),
        Case({'exec_deployment_in_progress{stack="dev"}': "0x20"}, 2),
    ),
}
