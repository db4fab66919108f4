"""What a stack consists of: instances, names, variables, connections. No Pulumi, no host."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import vendor_facts as vendor
from components.instance import container_args
from stack.environment import expand_log_pattern
from stack.layout import Instance, Layout, build_layout
from tests.unit.stack_file import StackFile


def layout(file: StackFile | None = None) -> Layout:
    return build_layout((file or StackFile()).config(), "dev")


def instance(key: str, found: Layout | None = None) -> Instance:
    (wanted,) = (i for i in (found or layout()).instances if i.key == key)
    return wanted


def pair_1(file: StackFile) -> dict[str, object]:
    found = json.loads(file.values["excp"])["pairs"]["1"]
    assert isinstance(found, dict)
    return found


def second_pair(file: StackFile, number: str = "2") -> StackFile:
    hosts = ["10.77.0.105", "10.77.0.106"]
    return file.put(f"excp.pairs.{number}", pair_1(file) | {"hosts": hosts})


def test_instances_stand_in_the_order_of_their_deployment() -> None:
    assert [i.key for i in layout().instances] == ["excs", "exas", "excp-1-1", "excp-1-2"]


def test_pairs_are_ordered_by_number_and_not_by_text() -> None:
    file = second_pair(StackFile(), "10")
    file.put("excp.pairs.2", {**pair_1(file), "hosts": ["10.77.0.107", "10.77.0.108"]})
    assert [number for number, _ in layout(file).pairs] == ["1", "2", "10"]


def test_the_peer_is_the_other_one_of_the_same_pair() -> None:
    found = layout(second_pair(StackFile()))
    assert found.peer_of(instance("excp-2-2", found)).key == "excp-2-1"


def test_each_instance_has_its_addresses() -> None:
    excs = instance("excs")
    assert excs.image == "10.77.0.10:5000/exec/excs:100.0.100.11"
    assert excs.health_url == "http://10.77.0.101:3640/health"
    assert excs.status_url == "http://10.77.0.101:3640/status"
    assert instance("exas").status_url is None


def test_a_container_gets_the_variables_of_its_own_service_alone() -> None:
    exas = instance("exas").environment
    assert exas["STAT_SERVER_PRIMARY_HOST"] == "10.77.0.20"
    assert exas["EXCS_URL"] == "http://10.77.0.101:3640"
    assert "CONFIG_DB_HOST" not in exas
    assert "EXCS_URL" not in instance("excs").environment


def test_secrets_are_named_and_not_held() -> None:
    excs = instance("excs")
    assert excs.secret_environment == {
        "REDIS_PASSWORD": "redisPassword",
        "CONFIG_DB_PASSWORD": "configDbPassword",
        "CONFIG_SERVER_PASSWORD": "configServerPassword",
    }
    assert instance("exas").secret_environment == {"REDIS_PASSWORD": "redisPassword"}
    assert not excs.secret_environment.keys() & excs.environment.keys()


def test_lists_go_out_with_commas_and_truth_in_small_letters() -> None:
    environment = instance("excs").environment
    assert environment["SYNC_CUSTOMER_FOLDER_NAME"] == "Retail,Claims"
    assert environment["SYNC_CUSTOMER_OBJECTS_ONLY"] == "true"


def test_environment_in_the_stack_file_adds_and_overrides() -> None:
    file = StackFile().put("exas.environment", {"EXCS_URL": "http://vip", "JAVA_OPTS": "-Xmx1g"})
    environment = instance("exas", layout(file)).environment
    assert environment["EXCS_URL"] == "http://vip"
    assert environment["JAVA_OPTS"] == "-Xmx1g"


@pytest.mark.parametrize(
    ("pattern", "expanded"),
    [
        ("excs-${TENANT_ID}.%Y%m%d_%L.log", "excs-7.%Y%m%d_%L.log"),
        ("excs-<TENANT_ID>.log", "excs-7.log"),
        ("excp_${TENANT_ID}_${HOSTNAME}.log", "excp_7_h1.log"),
        ("${OTHER}.log", "${OTHER}.log"),
    ],
)
def test_tenant_and_host_are_filled_into_log_names(pattern: str, expanded: str) -> None:
    assert expand_log_pattern(pattern, "7", "h1") == expanded


def test_what_is_stopped_keeps_its_host_and_loses_its_endpoint() -> None:
    found = layout(StackFile().put("stopped", ["excp-1-2", "exas"]))
    assert [i.key for i in found.running] == ["excs", "excp-1-1"]
    assert [entry["instance"] for entry in found.endpoints()] == ["excs", "excp-1-1"]
    assert "10.77.0.104" in found.hosts


def test_stopping_pair_1_leaves_pair_10() -> None:
    found = layout(second_pair(StackFile(), "10").put("stopped", ["excp-1"]))
    assert [i.key for i in found.running] == ["excs", "exas", "excp-10-1", "excp-10-2"]


def test_names_carry_the_prefix_where_stacks_share_hosts() -> None:
    found = layout(StackFile().put("tenant.container_prefix", "acme"))
    assert [i.container_name for i in found.instances][:3] == [
        "acme-excs",
        "acme-exas",
        "acme-excp-1-1",
    ]


def test_labels_say_whose_a_container_is() -> None:
    labels = dict(instance("excp-1-2").labels)
    assert labels.pop("exec.spec") == instance("excp-1-2").spec_hash
    assert labels == {
        "exec.stack": "dev",
        "exec.tenant": "1",
        "exec.org": "6662cb10-0d4d-4710-b979-db69011e66fd",
        "exec.service": "excp",
        "exec.pair": "1",
        "exec.instance": "excp-1-2",
    }


def test_the_spec_hash_is_the_same_twice_and_another_for_another_tag() -> None:
    assert instance("exas").spec_hash == instance("exas").spec_hash
    changed = layout(StackFile().put("exas.tag", "100.0.100.12"))
    assert instance("exas", changed).spec_hash != instance("exas").spec_hash
    assert instance("excs", changed).spec_hash == instance("excs").spec_hash


def test_stopping_an_instance_is_no_change_of_its_spec() -> None:
    stopped = layout(StackFile().put("stopped", ["exas"]))
    assert instance("exas", stopped).spec_hash == instance("exas").spec_hash


def test_connections_fill_in_the_vendors_table() -> None:
    found = {(c.instance, c.to_host, c.to_port) for c in layout().connections}
    assert ("excs", "10.77.0.10", 5432) in found
    assert ("exas", "10.77.0.21", 2060) in found
    assert ("excp-1-2", "10.77.0.23", 8000) in found
    assert ("excp-1-1", "10.77.0.101", 3640) in found
    assert {c.to_port for c in layout().connections if c.instance == "excs"} == {6379, 443, 5432}


def test_targets_are_in_the_form_that_prometheus_reads() -> None:
    assert layout().prometheus_targets()[2] == {
        "targets": ["10.77.0.103:3650"],
        "labels": {"service": "excp", "instance": "excp-1-1", "pair": "1"},
    }


def test_every_key_of_the_vendors_tables_is_there_once() -> None:
    keys = [parameter.env_key for parameter in vendor.PARAMETERS]
    assert len(keys) == len(set(keys))


def test_a_layout_is_a_value() -> None:
    assert layout() == layout()
    assert replace(instance("excs"), port=1) != instance("excs")


def test_a_stack_that_says_nothing_of_logging_keeps_its_containers() -> None:
    """The hash is the one from before there was a choice."""
    excs, *_ = build_layout(StackFile().config(), "dev").instances
    assert excs.log_options == {"max-size": "50m", "max-file": "5"}
    assert excs.spec_hash == "0f767cd4eceb1a98"


def test_logging_of_a_service_goes_before_that_of_all() -> None:
    file = StackFile().put("logging", {"driver": "local", "options": {"max-file": "9"}})
    file.put("exas.logging", {"driver": "journald", "options": {"tag": "exas"}})
    excs, exas, *_ = build_layout(file.config(), "dev").instances
    assert (excs.log_driver, excs.log_options) == ("local", {"max-size": "50m", "max-file": "9"})
    assert (exas.log_driver, exas.log_options) == ("journald", {"tag": "exas"})
    assert exas.spec_hash != build_layout(StackFile().config(), "dev").instances[1].spec_hash


@pytest.mark.parametrize(
    ("logging", "words"),
    [
        ({"driver": "none"}, "`exctl logs` would have nothing to read"),
        ({"driver": "syslog", "options": {"cache-disabled": "true"}}, "would have nothing to read"),
        ({"driver": "splunk", "options": {"splunk-token": "x"}}, "would stand in plaintext"),
    ],
)
def test_logging_that_blinds_or_tells_a_secret_is_refused(
    logging: dict[str, object], words: str
) -> None:
    (found,) = StackFile().put("excp.pairs.1.logging", logging).problems()
    assert words in found
    if "nothing to read" in words:
        meant = logging | {"without_exctl_logs": True}
        assert not StackFile().put("excp.pairs.1.logging", meant).problems()


def test_hardening_is_the_containers_own_and_what_has_none_keeps_its_hash() -> None:
    excs, exas, *_ = build_layout(StackFile().config(), "dev").instances
    file = StackFile().put("exas.hardening", {"no_new_privileges": True, "tmpfs": ["/tmp"]})
    hard = build_layout(file.config(), "dev").instances[1]
    assert hard.spec_hash != exas.spec_hash
    assert exas.spec_hash == "4eadd677f8a5a914"  # as before there was hardening: it stays
    assert (
        container_args(hard).items()
        >= {
            "security_opts": ["no-new-privileges"],
            "tmpfs": {"/tmp": ""},
        }.items()
    )
    assert not {"security_opts", "capabilities", "read_only", "tmpfs"} & container_args(excs).keys()


@pytest.mark.parametrize(
    ("hardening", "words"),
    [
        ({"drop_capabilities": ["CAP_NET_RAW"]}, "'CAP_NET_RAW' is no capability of Linux"),
        ({"tmpfs": ["tmp"]}, "excs.hardening.tmpfs"),
        ({"tmpfs": ["/logs"]}, "/logs is logs.container_path"),
        ({"read_only": "perhaps"}, "excs.hardening.read_only"),
    ],
)
def test_hardening_that_docker_would_refuse_is_refused_here(
    hardening: dict[str, object], words: str
) -> None:
    (found,) = StackFile().put("excs.hardening", hardening).problems()
    assert words in found
