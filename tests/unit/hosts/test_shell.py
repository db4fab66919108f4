"""A command on a host: what it prints is read whatever its login shell does, within its time.

A program stands in for ssh and hands the command to a local shell; the lab proves it with sshd.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hosts.answer import Ending, HostAnswer
from hosts.handshakes import Handshakes
from hosts.shell import command_over_ssh, session

Ssh = Callable[[str], list[str]]


@pytest.fixture
def ssh(tmp_path: Path) -> Ssh:
    """A stand-in for ssh whose login shell first runs these lines."""

    def made(login: str = "") -> list[str]:
        path = tmp_path / "ssh"
        path.write_text(
            '#!/bin/bash\nfor word; do [ "$word" = -G ] && exit 0; done\n'
            f'echo >> {tmp_path}/logins\n{login}\nexec bash -c "${{@: -1}}"\n'
        )
        path.chmod(0o700)
        return [str(path), "exec-1"]

    return made


def test_words_reach_the_command_as_they_are(ssh: Ssh) -> None:
    words = ["a b", "$HOME", "it's", '"', "!!", "ü", "two\nlines"]
    answer = command_over_ssh(ssh(""), 5)(["printf", "[%s]", *words])
    assert answer.stdout == "".join(f"[{word}]" for word in words)
    assert (answer.code, answer.stderr, answer.noise) == (0, "", "")


def test_a_login_that_prints_changes_nothing_and_is_told(ssh: Ssh) -> None:
    login = "echo welcome; printf 'no line end'; echo 'mesg: no tty' >&2"
    answer = command_over_ssh(ssh(login), 5)(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (answer.code, answer.stdout, answer.stderr) == (3, "out\n", "err\n")
    assert answer.noise == "welcome\nno line end"


def test_a_docker_host_of_the_login_is_told_and_not_followed(ssh: Ssh) -> None:
    login = "export DOCKER_HOST=tcp://elsewhere:2375 DOCKER_CONTEXT=x DOCKER_TLS_VERIFY=1"
    answer = command_over_ssh(ssh(login), 5)(["sh", "-c", "env | grep ^DOCKER"])
    assert answer.stdout == "DOCKER_HOST=unix:///var/run/docker.sock\n"
    assert answer.docker_host == "tcp://elsewhere:2375"


def test_the_command_has_no_stdin_and_may_not_eat_what_follows(ssh: Ssh) -> None:
    answer = command_over_ssh(ssh(""), 5)(["cat"])
    assert (answer.code, answer.stdout) == (0, "")


@pytest.mark.parametrize(
    ("login", "kind", "why"),
    [
        ("echo 'ssh: connect to host exec-1 port 22: Connection refused' >&2; exit 255",
         Ending.NOT_REACHED, "ssh: connect to host exec-1 port 22: Connection refused"),
        ("echo 'This account is currently not available.'; exit 1", Ending.NO_SHELL,
         "the login starts no /bin/sh: This account is currently not available."),
        ("exec sleep 20", Ending.SILENT, "ssh: no answer within 0.5 s"),
    ],
)  # fmt: skip
def test_each_way_of_not_getting_in_has_its_kind(
    ssh: Ssh, login: str, kind: Ending, why: str
) -> None:
    answer = command_over_ssh(ssh(login), 5, login_seconds=0.5)(["true"])
    assert (answer.code, answer.kind, answer.why()) == (255, kind, why)


def test_no_ssh_on_path_is_one_sentence() -> None:
    answer = command_over_ssh(["no-such-ssh", "exec-1"], 5)(["true"])
    assert answer.kind is Ending.NO_SSH
    assert answer.why() == "there is no `ssh` on PATH here; install the OpenSSH client"


def test_docker_that_hangs_is_told_from_ssh_that_does_and_ended_there(
    ssh: Ssh, tmp_path: Path
) -> None:
    started = time.monotonic()
    answer = command_over_ssh(ssh(""), 1)(["sh", "-c", f"echo $$ > {tmp_path}/pid; sleep 60"])
    assert time.monotonic() - started < 4
    assert answer.kind is Ending.STUCK
    assert answer.why() == "SSH answers, Docker on it doesn't, for 1 s"
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_a_command_that_itself_ends_with_124_isnt_stuck(ssh: Ssh) -> None:
    answer = command_over_ssh(ssh(""), 5)(["sh", "-c", "exit 124"])
    assert (answer.code, answer.kind) == (124, Ending.ENDED)


def test_a_connection_that_ends_in_the_middle_is_no_answer(ssh: Ssh) -> None:
    words = ["sh", "-c", "echo half; kill -9 $(ps -o ppid= -p $(ps -o ppid= -p $$))"]
    answer = command_over_ssh(ssh(""), 5)(words)
    assert answer.kind is Ending.CUT


def test_a_stream_is_read_as_it_comes_without_the_noise(ssh: Ssh) -> None:
    with session(ssh("echo welcome"), ["sh", "-c", "echo 1; sleep 60"], None) as running:
        assert next(iter(running)) == b"1\n"


def test_a_stream_gives_bytes_as_they_are_and_how_it_ended(ssh: Ssh) -> None:
    words = ["sh", "-c", r"printf '\000\377\n'; echo why >&2; exit 7"]
    with session(ssh("echo welcome"), words, None) as running:
        assert b"".join(running) == b"\x00\xff\n"
        answer = running.answer()
    assert (answer.code, answer.stderr, answer.kind) == (7, "why\n", Ending.ENDED)


def test_whoever_waits_for_a_login_that_fails_gets_its_answer_too(ssh: Ssh, tmp_path: Path) -> None:
    run = command_over_ssh(ssh("sleep 0.5; echo 'no route' >&2; exit 255"), 5)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(run(["true"]).why())) for _ in "123"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["ssh: no route"] * 3
    assert (tmp_path / "logins").read_text() == "\n"
    assert run(["true"]).why() == "ssh: no route"
    assert (tmp_path / "logins").read_text() == "\n\n"


def test_hosts_behind_one_jump_host_log_in_a_few_at_a_time(tmp_path: Path) -> None:
    asked = tmp_path / "ssh"
    asked.write_text("#!/bin/sh\necho proxyjump jump.example.com\n")
    asked.chmod(0o700)
    handshakes: Handshakes[None] = Handshakes(at_once=8, at_one_sshd=2)
    inside: list[int] = []
    now = 0
    lock = threading.Lock()

    def log_in(host: str) -> None:
        nonlocal now
        with handshakes.turn([str(asked), host]):
            with lock:
                now += 1
                inside.append(now)
            time.sleep(0.05)
            with lock:
                now -= 1

    threads = [threading.Thread(target=log_in, args=(f"exec-{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(inside) == 2


def test_twenty_lines_about_a_changed_host_key_are_one() -> None:
    said = "@@@@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@@@@@@\nIT IS"
    answer = HostAnswer(255, "", said, Ending.NOT_REACHED)
    assert answer.why() == (
        "ssh: the host has another key than before; `exctl doctor` says what to do"
    )
