"""What Alloy and Filebeat are told: files of each instance, our labels, and what isn't there."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml

from exctl.observe import monitoring_export
from exctl.site import Site
from monitoring import shipping
from tests.unit.exctl.sites import make_site

EXCS, EXCP = "10.77.0.101", "10.77.0.103"
NAME = "excs-1.20261126_031700_123.log"


def files(site: Site) -> dict[str, str]:
    return shipping.files(site.stack, site.config, site.layout)


def test_each_host_has_a_file_for_either_shipper_with_the_labels_of_its_instances() -> None:
    site = make_site()
    found = files(site)
    assert len(found) == 2 * len(site.layout.hosts)
    (of_excp,) = yaml.safe_load(found[f"logs/dev.{EXCP}.filebeat.yml"])["filebeat.inputs"]
    assert of_excp["id"] == "exec-dev-excp-1-1"
    assert of_excp["fields"] == {
        "job": "exec-logs",
        "stack": "dev",
        "tenant": "1",
        "service": "excp",
        "instance": "excp-1-1",
        "pair": "1",
        "host": EXCP,
    }
    text = found[f"logs/dev.{EXCP}.alloy"]
    for key, value in of_excp["fields"].items():
        assert f'{key} = "{value}"' in text


def test_what_is_shipped_is_what_the_service_writes_and_nothing_else() -> None:
    found = files(make_site())
    content = yaml.safe_load(found[f"logs/dev.{EXCS}.filebeat.yml"])
    ((path,),) = [each["paths"] for each in content["filebeat.inputs"]]
    assert path in found[f"logs/dev.{EXCS}.alloy"]
    directory, _, pattern = path.rpartition("/")
    assert directory == "/var/log/exec"
    assert fnmatchcase(NAME, pattern)
    assert not fnmatchcase("of-somebody-else.log", pattern)


def test_alloys_blocks_are_closed_and_each_receiver_is_there() -> None:
    text = files(make_site())[f"logs/dev.{EXCS}.alloy"]
    bare = re.sub(r'"[^"]*"|//[^\n]*', "", text)
    for opened, closed in ("{}", "[]", "()"):
        assert bare.count(opened) == bare.count(closed) > 0
    blocks = set(re.findall(r'(?m)^([a-z.]+[a-z_]*) "exec" {', text))
    for named in re.findall(r"(loki\.[a-z]+|local\.[a-z_]+)\.exec\.", text):
        assert named in blocks, named


def test_what_logs_to_stdout_is_named_and_not_shipped() -> None:
    found = files(make_site(excs__log={}, exas__log={"path": "/logs", "filename": "%Y.log"}))
    assert not [name for name in found if EXCS in name or "10.77.0.102" in name]
    together = files(make_site(exas__log={}, exas__host=EXCS))[f"logs/dev.{EXCS}.alloy"]
    assert "// Not shipped: exas: it logs to stdout" in together
    odd = files(make_site(exas__log={"path": "/logs", "filename": "%Y.log"}, exas__host=EXCS))
    assert "# Not shipped: exas: its log.filename doesn't" in odd[f"logs/dev.{EXCS}.filebeat.yml"]


def test_no_address_of_a_log_store_and_no_secret_is_in_them() -> None:
    for text in files(make_site()).values():
        assert "${EXEC_ELASTICSEARCH_URL}" in text or 'sys.env("EXEC_LOKI_URL")' in text
        assert "assword" not in text


def test_they_are_exported_with_the_rest(tmp_path: Path) -> None:
    said = monitoring_export.export(make_site(), tmp_path)
    assert f"{tmp_path}/logs/dev.{EXCS}.alloy: written" in said
    assert yaml.safe_load((tmp_path / f"logs/dev.{EXCS}.filebeat.yml").read_text())


@pytest.mark.parametrize("host", ["fd00::7"])
def test_an_ipv6_host_makes_a_name_that_every_file_system_takes(host: str) -> None:
    found = files(make_site(exas__host=host))
    assert "logs/dev.fd00--7.alloy" in found
