"""The preflight before a run: what is shown, what ends the run, and how it ends."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from config_schema import ExecConfig
from exctl.errors import ExctlError, Interrupted, NothingTouched
from exctl.observe import doctor
from exctl.site import Site
from health.preflight.finding import Finding
from health.preflight.subject import Subject
from stack.layout import build_layout
from tests.unit.stack_file import CLONE, StackFile

BAD = [Finding("image", host, "missing", "there", "failed", "push it") for host in ("a", "b")]
WARNING = Finding("cpus", "a", "1", "2", "warning", "give it more")
FINE = Finding("kernel", "a", "5.10", "4.18 or newer")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE_FILE", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return site_of(StackFile().put("preflight", {}).config())


def site_of(config: ExecConfig) -> Site:
    return Site(CLONE, "dev", config, build_layout(config, "dev"))


def test_what_stops_ends_the_run_with_the_table_and_the_names(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ExctlError) as error:
        doctor.stop_at(site, [FINE, WARNING, *BAD])
    assert error.value.code == 1
    assert error.value.text == (
        "the preflight stops this: image. Fix what the table names; or,"
        " if it doesn't matter here, waive it by name (or name@host) with a reason under"
        " exec:preflight in Pulumi.dev.yaml. To check again: exctl doctor --stack dev\n"
        "Nothing was touched."
    )
    assert capsys.readouterr().err.splitlines() == [
        "         HOST          CHECK  FOUND    NEEDED  TO DO",
        "FAILED   a and 1 more  image  missing  there   push it",
        "warning  a             cpus   1        2       give it more",
        "preflight: 2 FAILED, 1 warning (4 checks)",
    ]


def test_warnings_are_shown_and_stop_nothing(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    doctor.stop_at(site, [FINE, WARNING])
    assert "warning  a     cpus" in capsys.readouterr().err


def test_where_all_is_well_one_line_says_so(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    doctor.stop_at(site, [FINE])
    words = "preflight: passed (1 check)\n"
    assert capsys.readouterr().err == words


def test_without_a_passphrase_the_rest_is_checked(site: Site) -> None:
    told = []

    def examine(_: Subject, decrypted: Callable[[], Subject], _out: object) -> list[Finding]:
        told.append(decrypted())
        return []

    doctor.findings(site, look=examine)
    assert told[0].secrets == {}
    assert told[0].no_secrets == "not tried: there is no passphrase to decrypt its secret with"


def test_ctrl_c_says_that_nothing_was_touched(site: Site) -> None:
    def examine(*_: object) -> list[Finding]:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match=r"^interrupted$") as error:
        doctor.findings(site, look=examine)
    assert error.value.text == "interrupted\nNothing was touched."


def test_a_file_of_authorities_that_cant_be_read_is_named(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none.pem", "No such file"), (tmp_path / "bad.pem", "")):
        (tmp_path / "bad.pem").write_text("what is this?")
        config = StackFile().put("preflight.ca_path", str(path)).config()
        with pytest.raises(NothingTouched) as error:
            doctor.findings(site_of(config))
        assert f"preflight.ca_path: {path} isn't a file of cert" in str(error.value)
        assert why in str(error.value)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", ["70", "160"])
def test_on_a_terminal_no_host_and_no_check_is_cut(
    columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("NO_COLOR", "1")
    host = "exec-1.telephony.data-centre-east.example.com"
    screen = Terminal()
    found = Finding("container-arguments", host, "4 CPUs, the host has 2", "2", "failed", "less")
    doctor.show([found], screen)
    said = screen.getvalue()
    for words in (host, "container-arguments", "4 CPUs, the host has 2", "less"):
        assert words in said


def test_before_the_first_release_the_next_command_is_named_and_afterwards_none(
    tmp_path: Path,
) -> None:
    config = StackFile().config()
    site = Site(tmp_path, "dev", config, build_layout(config, "dev"))
    assert doctor.next_step(site, [FINE, WARNING]) == "next: exctl up --stack dev"
    assert doctor.next_step(site, BAD).endswith("then run again: exctl doctor --stack dev")
    release = tmp_path / "releases/dev/0001.yaml"
    release.parent.mkdir(parents=True)
    release.touch()
    assert doctor.next_step(site, BAD) == ""
