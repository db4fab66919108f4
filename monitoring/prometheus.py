"""A stack → what Prometheus, its blackbox exporter and Alertmanager are told. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

import vendor_facts as vendor
from config_schema import Monitoring
from monitoring import alerts
from monitoring.alerts import DEPLOYMENT_ALERT, EXPECTED, EXPORTER_JOB, Severity
from stack.layout import Layout

SERVICES_JOB, BLACKBOX_JOB, BLACKBOX_MODULE = "exec-services", "exec-blackbox", "exec_health"
PROMETHEUS_FILE, ALERTMANAGER_FILE = "prometheus.yml", "alertmanager.yml"
BLACKBOX_FILE = "blackbox.yml"
RULES_FILE = "rules/exec.yml"
HEAD = "# Made by exctl from the stack file, and written anew from it.\n"


@dataclass(frozen=True)
class Subject:
    """The stack that is to be watched."""

    stack: str
    settings: Monitoring
    layout: Layout


def files(subject: Subject) -> dict[str, str]:
    """Path below the directory → text. What is of one stack has its name, and what isn't is the
    same for all of them: several stacks go into one directory."""
    found = {
        PROMETHEUS_FILE: _yaml(prometheus(subject.settings)),
        RULES_FILE: _yaml(alerts.rules(subject.settings.runbook_url)),
        ALERTMANAGER_FILE: _yaml(alertmanager()),
        f"targets/{subject.stack}.services.json": _json(service_targets(subject)),
    }
    if subject.settings.blackbox is not None:
        found[BLACKBOX_FILE] = _yaml(blackbox())
        found[f"targets/{subject.stack}.health.json"] = _json(health_targets(subject))
    return found


def prometheus(settings: Monitoring) -> dict[str, Any]:
    """Prometheus' own configuration; paths in it are relative to it."""
    jobs: list[dict[str, Any]] = [
        {
            "job_name": EXPORTER_JOB,
            # Its label `instance` is ours: excs, excp-1-2.
            "honor_labels": True,
            "static_configs": [{"targets": [settings.exporter]}],
        },
        {
            "job_name": SERVICES_JOB,
            "metrics_path": vendor.METRICS_PATH,
            "file_sd_configs": [{"files": ["targets/*.services.json"]}],
        },
    ]
    if settings.blackbox is not None:
        jobs.append(_blackbox_job(settings.blackbox))
    interval = f"{settings.scrape_interval_seconds}s"
    return {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": [RULES_FILE],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": settings.alertmanagers}]}]},
        "scrape_configs": jobs,
    }


def _blackbox_job(address: str) -> dict[str, Any]:
    """Source: the blackbox exporter's README: the target becomes a parameter of its own address."""
    return {
        "job_name": BLACKBOX_JOB,
        "metrics_path": "/probe",
        "params": {"module": [BLACKBOX_MODULE]},
        "file_sd_configs": [{"files": ["targets/*.health.json"]}],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"target_label": "__address__", "replacement": address},
        ],
    }


def blackbox() -> dict[str, Any]:
    """The blackbox exporter's module for /health."""
    http = {"valid_status_codes": [200], "follow_redirects": False}
    return {"modules": {BLACKBOX_MODULE: {"prober": "http", "timeout": "5s", "http": http}}}


def service_targets(subject: Subject) -> list[dict[str, Any]]:
    """The services' own /metrics, as the stack output `prometheus_targets`, with the stack."""
    return [
        {**group, "labels": {**group["labels"], "stack": subject.stack}}
        for group in subject.layout.prometheus_targets()
    ]


def health_targets(subject: Subject) -> list[dict[str, Any]]:
    """Every /health, for the blackbox exporter."""
    urls = {i.key: i.health_url for i in subject.layout.running}
    return [
        {**group, "targets": [urls[group["labels"]["instance"]]]}
        for group in service_targets(subject)
    ]


def alertmanager() -> dict[str, Any]:
    """Routes by severity, and what keeps what back. The receivers are there to be filled in: whom
    to call, and how, is the site's own."""
    return {
        "route": {
            "receiver": "exec-warning",
            "group_by": ["stack", "alertname"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "12h",
            "routes": [
                {"matchers": [_is("severity", Severity.NONE)], "receiver": "exec-nobody"},
                {
                    "matchers": [_is("severity", Severity.CRITICAL)],
                    "receiver": "exec-critical",
                    "repeat_interval": "1h",
                },
            ],
        },
        "inhibit_rules": [
            {
                "source_matchers": [_is("alertname", DEPLOYMENT_ALERT)],
                "target_matchers": [_is(name, value) for name, value in EXPECTED.items()],
                "equal": ["stack"],
            },
        ],
        "receivers": [
            {"name": "exec-nobody"},
            {"name": "exec-warning"},
            {"name": "exec-critical"},
        ],
    }


def _is(label: str, value: str) -> str:
    return f'{label}="{value}"'


def _yaml(content: Mapping[str, Any]) -> str:
    return HEAD + str(yaml.safe_dump(content, sort_keys=False, width=1000))


def _json(content: object) -> str:
    return json.dumps(content, indent=2) + "\n"
