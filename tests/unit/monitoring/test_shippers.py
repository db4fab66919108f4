"""What ships log files: one a host, with the stack's labels, its password in no variable."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from config_schema import ExecConfig
from lab.processes import free_port
from lab.standins.infra import shipper
from monitoring.placement import placement
from monitoring.program import Placement, Program, SecretFile
from stack.layout import build_layout
from tests.log_store import Line, log_store
from tests.unit.stack_file import StackFile

LOKI = "http://loki.example.com:3100/loki/api/v1/push"
OF_EXCP = "excp-.20261126_031700_123_1_10.77.0.103.log"
PASSWORD = 'of "the" $${store}'


def shipping(**own: Any) -> StackFile:
    file = StackFile().put("logging", {"shipping": {"url": LOKI} | own})
    file.values["shippingPassword"] = "hidden"
    file.secret_keys.add("shippingPassword")
    return file.put("registry.infra_repository", "r.example.com/infra")


def placed(config: ExecConfig) -> Placement:
    found = placement(config, build_layout(config, "dev"), "dev")
    assert found is not None
    return found


def test_each_host_with_log_files_has_one_and_no_host_has_two() -> None:
    file = shipping().put("exas.host", "10.77.0.101")
    found = placed(file.config())
    assert [program.key for program in found.programs] == [
        f"alloy-10.77.0.{last}" for last in (101, 103, 104)
    ]
    text = found.programs[0].files["/etc/exec/config.alloy"]
    assert ('instance = "excs"' in text, 'instance = "exas"' in text) == (True, True)
    assert found.programs[0].ships == ("/var/log/exec",)
    assert str(found) == "log files shipped by Alloy from 3 hosts"
    assert found.urls() == {}


def test_what_is_stopped_has_files_that_are_shipped_still() -> None:
    hosts = [
        program.host for program in placed(shipping().put("stopped", ["exas"]).config()).shipping
    ]
    assert "10.77.0.102" in hosts


def test_a_stack_that_logs_to_stdout_alone_has_none() -> None:
    file = shipping()
    for service in ("excs", "exas", "excp.pairs.1"):
        file.put(f"{service}.log.path", None)
    config = file.config()
    assert placement(config, build_layout(config, "dev"), "dev") is None


@pytest.mark.parametrize(
    ("own", "image"),
    [
        ({}, "alloy:v1.8.3"),
        ({"agent": "filebeat"}, "filebeat:8.17.4"),
        ({"image": "grafana-alloy", "tag": "v2.0.0"}, "grafana-alloy:v2.0.0"),
        ({"digest": f"sha256:{'a' * 64}"}, f"alloy@sha256:{'a' * 64}"),
    ],
)
def test_the_image_is_the_agents_from_the_infra_repository(own: dict[str, str], image: str) -> None:
    (program, *_) = placed(shipping(**own).config()).programs
    assert program.image == f"r.example.com/infra/{image}"


def test_stacks_that_share_a_host_have_containers_of_their_own() -> None:
    found = placed(shipping().put("tenant.container_prefix", "acme").config())
    assert found.container_name(found.programs[0]) == "acme-exec-alloy"
    assert found.volume_name(found.programs[0]) == "acme-exec-alloy-data"


@pytest.mark.parametrize("agent", ["alloy", "filebeat"])
def test_a_login_is_a_file_and_in_no_word_of_the_command(agent: str) -> None:
    (program, *_) = placed(shipping(agent=agent, user="exec").config()).programs
    ((path, made_of),) = program.secret_files.items()
    assert made_of.secret == "shippingPassword"
    said = " ".join([*program.arguments, *program.files.values()])
    assert path in said
    assert not program.secret_environment
    (program, *_) = placed(shipping(agent=agent).config()).programs
    assert not program.secret_files


def test_a_password_is_no_variable_of_filebeats() -> None:
    made_of = SecretFile("x", "password: ", is_yaml=True)
    assert made_of.text('a"${b}$') == 'password: "a\\"$${b}$$"\n'


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        (("logging.shipping.user", "exec"), "shippingPassword", "is not set, but logging.shipping"),
        (("registry.infra_repository", None), "registry.infra_repository", "logging.shipping is"),
        (("logging.shipping.port", 3640), "logging.shipping.port", "port 3640 on 10.77.0.101 is"),
        (("excs.logging", {"shipping": {"url": LOKI}}), "excs.logging.shipping", "unknown"),
        (("logging.shipping.url", "loki:3100"), "logging.shipping.url", "is not the address of a"),
        (("logging.shipping.agent", "promtail"), "logging.shipping.agent", ""),
    ],
)
def test_what_can_not_ship_is_refused(change: tuple[str, Any], path: str, words: str) -> None:
    file = shipping().put(*change)
    del file.values["shippingPassword"]
    file.secret_keys.discard("shippingPassword")
    (found,) = file.problems()
    assert found.startswith(f"{path}: ")
    assert words in found


@pytest.mark.parametrize("agent", ["alloy", "filebeat"])
def test_a_line_reaches_the_store_once_with_its_labels_and_the_login(
    agent: str, tmp_path: Path
) -> None:
    """The stand-in follows files by the configuration and the words that a container gets."""
    port = free_port()
    url = f"http://127.0.0.1:{port}" + ("/loki/api/v1/push" if agent == "alloy" else "")
    file = shipping(agent=agent, user="exec", url=url).put("logs.host_path", f"{tmp_path}/logs")
    program = next(p for p in placed(file.config()).programs if p.host == "10.77.0.103")
    words = laid_out(program, tmp_path)
    log = tmp_path / "logs" / OF_EXCP
    log.write_text("begins\nhalf a li")
    with log_store("127.0.0.1", port) as found:
        order = getattr(shipper, f"of_{agent}")(words)
        threading.Thread(target=shipper.Shipper(order).follow, daemon=True).start()
        wait_for(found, 1)
        with log.open("a") as more:
            more.write("ne\n")
        wait_for(found, 2)
    assert [line.text for line in found] == ["begins", "half a line"]
    assert found[0].labels == {
        "job": "exec-logs",
        "stack": "dev",
        "tenant": "1",
        "service": "excp",
        "instance": "excp-1-1",
        "pair": "1",
        "host": "10.77.0.103",
    }
    assert found[0].login == f"exec:{PASSWORD}"


def laid_out(program: Program, base: Path) -> list[str]:
    """Its command, with its files below a directory in the place of a container's root."""

    def here(text: str) -> str:
        return text.replace("/etc/exec", f"{base}/etc").replace("/var/lib/exec", f"{base}/data")

    for name in ("logs", "etc", "data"):
        (base / name).mkdir()
    for path, text in program.files.items():
        Path(here(path)).write_text(here(text))
    for path, made_of in program.secret_files.items():
        Path(here(path)).write_text(made_of.text(PASSWORD))
    return [here(word) for word in program.arguments]


def wait_for(found: list[Line], number: int) -> None:
    until = time.monotonic() + 10
    while len(found) < number and time.monotonic() < until:
        time.sleep(0.05)
