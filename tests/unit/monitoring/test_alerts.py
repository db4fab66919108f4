"""The alerts: each fires when it should and not when it shouldn't, by Prometheus' own judgement,
and leads to a section that exists."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from monitoring import prometheus
from monitoring.alerts import ALERTS, DEPLOYMENT_ALERT, RECORDED, Alert, Severity, anchor, rules
from monitoring.metrics import BY_NAME
from monitoring.prometheus import RULES_FILE, Subject
from tests.unit.exctl.sites import make_site
from tests.unit.monitoring.alert_cases import CASES, Case
from tests.unit.stack_file import CLONE

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs Prometheus' promtool (scripts/setup)"
)
BY_ALERT = {alert.name: alert for alert in ALERTS}


def written(directory: Path, **changes: object) -> Path:
    """What `exctl monitoring export` writes for the lab's stack."""
    config = make_site(**changes)  # type: ignore[arg-type]  # settings of any type, by their paths
    subject = Subject(config.stack, config.config.monitoring, config.layout)
    for name, text in prometheus.files(subject).items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return directory


def test_every_alert_has_a_case_for_firing_and_one_for_not_firing() -> None:
    assert CASES.keys() == BY_ALERT.keys()
    assert all(fires.fires and not quiet.fires for fires, quiet in CASES.values())


def promtool_test(alert: Alert, case: Case) -> dict[str, object]:
    labels = {"severity": str(alert.severity)}
    if alert.during_deployment:
        labels["deployment"] = "expected"
    return {
        "interval": "1m",
        "input_series": [{"series": s, "values": v} for s, v in case.series.items()],
        "alert_rule_test": [
            {
                "eval_time": f"{case.minutes}m",
                "alertname": alert.name,
                "exp_alerts": [{"exp_labels": labels | found} for found in case.fires],
            }
        ],
    }


@needs_promtool
@pytest.mark.parametrize("name", CASES)
def test_an_alert_fires_when_it_should_and_not_when_it_should_not(
    name: str, tmp_path: Path
) -> None:
    whole = rules(None)
    for group in whole["groups"]:
        for rule in group["rules"]:
            rule.pop("annotations", None)  # promtool would want their whole texts here
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(whole))
    tests = [promtool_test(BY_ALERT[name], case) for case in CASES[name]]
    content = {"rule_files": ["rules.yml"], "evaluation_interval": "15s", "tests": tests}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(content, sort_keys=False))
    command = ["promtool", "test", "rules", "test.yml"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_names_only_labels_that_it_has(alert: Alert) -> None:
    named = set(re.findall(r"\$labels\.(\w+)", alert.summary + alert.means))
    for found in CASES[alert.name][0].fires:
        assert named <= found.keys()


@needs_promtool
def test_promtool_and_amtool_take_what_is_written(tmp_path: Path) -> None:
    written(tmp_path, monitoring={"blackbox": "blackbox.example.com:9115"})
    for command in (
        ["promtool", "check", "config", "prometheus.yml"],
        ["promtool", "check", "rules", RULES_FILE],
        ["amtool", "check-config", "alertmanager.yml"],
        ["prometheus-blackbox-exporter", "--config.check", "--config.file", "blackbox.yml"],
    ):
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr


@needs_promtool
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("severity=critical alertname=ExecPairDown", "exec-critical"),
        ("severity=warning alertname=ExecSyncOld", "exec-warning"),
        ("severity=none alertname=ExecDeploymentInProgress", "exec-nobody"),
    ],
)
def test_an_alert_is_routed_by_its_severity(labels: str, receiver: str, tmp_path: Path) -> None:
    written(tmp_path)
    command = ["amtool", "config", "routes", "test", "--config.file=alertmanager.yml"]
    run = subprocess.run(
        [*command, *labels.split()], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == receiver


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_leads_to_a_section_that_says_what_to_do(alert: Alert) -> None:
    text = (CLONE / "docs/operating.md").read_text("utf-8")
    section = re.search(rf"^### {alert.name}\n+(.+?)(?=^##)", text, re.MULTILINE | re.DOTALL)
    assert section is not None, f"docs/operating.md has no section {alert.name}"
    assert "`" in section[1], "it names no command"
    assert anchor(alert) == alert.name.lower()


def test_the_runbook_has_no_section_of_an_alert_that_is_no_more() -> None:
    text = (CLONE / "docs/operating.md").read_text("utf-8")
    assert set(re.findall(r"^### (Exec\w+)$", text, re.MULTILINE)) == BY_ALERT.keys()


def test_rules_ask_for_metrics_of_the_catalogue_with_labels_that_these_have() -> None:
    expressions = [alert.expression for alert in ALERTS] + list(RECORDED.values())
    for expression in expressions:
        for name, matchers in re.findall(r"\b(exec_\w+)(?:\{([^}]*)\})?", expression):
            assert name in BY_NAME, name
            labels = re.findall(r"(\w+)\s*(?:=~|!=|=)", matchers)
            assert set(labels) <= set(BY_NAME[name].labels), expression


def test_a_deployment_keeps_back_what_it_brings_about_and_nothing_critical_of_a_pair() -> None:
    (inhibit,) = prometheus.alertmanager()["inhibit_rules"]
    assert inhibit["source_matchers"] == [f'alertname="{DEPLOYMENT_ALERT}"']
    assert inhibit["equal"] == ["stack"]
    assert not BY_ALERT["ExecPairDown"].during_deployment
    assert BY_ALERT[DEPLOYMENT_ALERT].severity is Severity.NONE


def test_each_alert_links_to_the_page_that_the_stack_file_names() -> None:
    (_, alerts) = rules("https://wiki.example.com/exec")["groups"]
    urls = {rule["annotations"]["runbook_url"] for rule in alerts["rules"]}
    assert "https://wiki.example.com/exec#execpairdown" in urls
