"""What was seen → samples: what is up, what isn't, and what nobody could tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from health.contract import parse_status
from health.gates.sync import SyncKind
from hosts.container import NOT_LOOKED, ContainerState
from monitoring.samples import DEPENDENCIES_LIMIT, samples
from monitoring.seen import HostSeen, InstanceSeen, StackSeen, SyncSeen
from tests.unit.monitoring.seen_stack import (
    NOW,
    REFUSED,
    SILENT,
    of_instance,
    ok,
    seen_stack,
    state,
    status_body,
    values,
    with_answer,
    with_container,
)

FOREIGN = ContainerState("running", id="other", labels={"exec.stack": "prod"})


def test_a_healthy_stack_is_up_in_every_instance_and_pair() -> None:
    seen = seen_stack()
    assert set(of_instance(seen, "instance_up").values()) == {1}
    assert values(seen, "pair_serving_instances") == {("1",): 2}
    assert values(seen, "sync_complete") == {(): 1}


def test_every_sample_has_as_many_labels_as_its_metric_and_none_twice() -> None:
    found = list(samples(seen_stack()))
    assert all(len(s.labels) == len(s.metric.labels) for s in found)
    assert len({(s.metric.name, s.labels) for s in found}) == len(found)


@pytest.mark.parametrize(("answer", "word"), [(REFUSED, "down"), (SILENT, "unknown")])
def test_what_is_not_answered_is_not_up_and_says_how_sure_that_is(
    answer: object, word: str
) -> None:
    seen = with_answer(seen_stack(), "excp-1-1", answer)  # type: ignore[arg-type]  # of two kinds
    assert of_instance(seen, "instance_up")["excp-1-1"] == 0
    assert state(seen, "excp-1-1") == word
    assert values(seen, "pair_serving_instances") == {("1",): 1}


def test_a_200_from_another_stacks_container_is_not_up() -> None:
    seen = with_container(seen_stack(), "exas", FOREIGN)
    assert of_instance(seen, "instance_up")["exas"] == 0
    assert state(seen, "exas") == "foreign"


def test_a_look_at_the_host_from_before_the_answer_changed_does_not_contradict_it() -> None:
    gone = with_container(seen_stack(), "exas", ContainerState("exited"), looked_at=NOW)
    assert state(with_answer(gone, "exas", ok()), "exas") == "healthy"


def test_a_host_without_ssh_takes_no_instance_down() -> None:
    seen = with_container(seen_stack(), "exas", NOT_LOOKED)
    host = next(i.host for i in seen.layout.instances if i.key == "exas")
    seen = replace(seen, hosts={**seen.hosts, host: HostSeen(NOW, False)})
    assert of_instance(seen, "instance_up")["exas"] == 1
    assert values(seen, "host_up")[(host,)] == 0
    assert (host,) not in values(seen, "host_clock_offset_seconds")


def test_a_stopped_instance_is_wanted_by_nobody_and_its_pair_by_one() -> None:
    seen = seen_stack(stopped=["excp-1-2"])
    assert "excp-1-2" not in of_instance(seen, "instance_up")
    assert of_instance(seen, "instance_wanted")["excp-1-2"] == 0
    assert state(seen, "excp-1-2") == "stopped"
    assert values(seen, "pair_wanted_instances") == {("1",): 1}
    assert values(seen, "pair_serving_instances") == {("1",): 1}


def test_before_anything_was_asked_nothing_is_called_down() -> None:
    whole = seen_stack()
    seen = StackSeen("dev", "1", "org", whole.layout, 900, 86400)
    assert not values(seen, "instance_up")
    assert not values(seen, "pair_serving_instances")
    assert not values(seen, "instance_state")


def test_a_pair_is_counted_once_both_of_it_were_asked() -> None:
    whole = seen_stack()
    seen = replace(whole, instances={**whole.instances, "excp-1-2": InstanceSeen()})
    assert not values(seen, "pair_serving_instances")


def test_each_dependency_is_told_by_its_name() -> None:
    seen = with_answer(seen_stack(), "excs", ok(redis="UP", genesysCloud="DOWN"))
    found = {
        labels[-1]: value
        for labels, value in values(seen, "dependency_up").items()
        if labels[0] == "excs"
    }
    assert found == {"redis": 1, "genesysCloud": 0}


def test_a_service_that_names_dependencies_without_end_fills_nothing() -> None:
    many = {f"d{number}" + "x" * 500: "UP" for number in range(1000)}
    found = values(with_answer(seen_stack(), "excs", ok(**many)), "dependency_up")
    assert len(found) == DEPENDENCIES_LIMIT
    assert max(len(labels[-1]) for labels in found) <= 80


@pytest.mark.parametrize(
    ("word", "kind", "failed"),
    [
        ("Success", SyncKind.COMPLETE, 0),
        ("InProgress", SyncKind.NOT_YET, 0),
        ("Failed", SyncKind.NOT_YET, 1),
        ("Success", SyncKind.WRONG_ORG, 1),
    ],
)
def test_a_sync_has_failed_by_its_own_word_or_with_another_organization(
    word: str, kind: SyncKind, failed: int
) -> None:
    status = parse_status(status_body(60, 100, word))
    seen = replace(seen_stack(), sync=SyncSeen(status, kind, NOW))
    assert values(seen, "sync_failed") == {(): failed}
    assert values(seen, "sync_lag_objects") == {(): 40}
    assert values(seen, "sync_info") == {("Update",): 1}
    assert bool(values(seen, "sync_success_timestamp_seconds")) == (word == "Success")


def test_restarts_and_start_are_those_of_the_container() -> None:
    restarted = replace(seen_stack().hosts["10.77.0.102"].containers["exas"], restarts=3)
    seen = with_container(seen_stack(), "exas", restarted)
    assert of_instance(seen, "container_restarts_total")["exas"] == 3
    assert of_instance(seen, "container_start_timestamp_seconds")["exas"] == NOW - 3600


def test_no_sample_holds_a_secret_or_a_variable_of_a_container() -> None:
    seen = seen_stack(excs__environment={"X_HEADER": "only-for-the-container"})
    assert not any("only-for" in label for s in samples(seen) for label in s.labels)


def test_a_shipper_of_log_files_is_up_only_while_it_runs() -> None:
    seen = seen_stack()
    host, found = next(iter(seen.hosts.items()))
    assert values(seen, "log_shipper_up")[(host, "alloy")] == 1
    gone = replace(found, shippers={"alloy": ContainerState("missing")})
    seen = replace(seen, hosts={**seen.hosts, host: gone})
    assert values(seen, "log_shipper_up")[(host, "alloy")] == 0
    seen = replace(seen, hosts={**seen.hosts, host: HostSeen(NOW, False)})
    assert (host, "alloy") not in values(seen, "log_shipper_up")
