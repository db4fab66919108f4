"""What a run that ended too early leaves in the stack file, and the commands that go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from exctl.errors import ExctlError, FailedRun, InterruptedRun
from exctl.runs import changes
from exctl.runs.changes import Up
from exctl.runs.options import Outcome, RunOptions
from exctl.site import Site
from tests.unit.exctl.sites import make_site

BEFORE, WANTED = "was: 1\n", "wanted: 2\n"
RUNNING = "running now: excs 1"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = make_site(project=tmp_path)
    site.file.write_text(BEFORE)
    return site


def ending(error: ExctlError) -> Up:
    """A run that is agreed to and then ends so."""

    def up(site: Site, _how: RunOptions, text: str | None) -> Outcome:
        if text is not None:
            site.file.write_text(text)
        raise error

    return up


@pytest.mark.parametrize(
    "error",
    [
        InterruptedRun("interrupted", running=RUNNING),
        FailedRun("no image", touched=False, running=RUNNING),
        ExctlError("another run holds the lock", touched=False, running=RUNNING),
    ],
)
def test_what_ends_before_a_container_is_touched_puts_the_stack_file_back(
    site: Site, monkeypatch: pytest.MonkeyPatch, error: ExctlError
) -> None:
    monkeypatch.setattr("sys.argv", ["exctl", "update", "excp", "--tag", "2"])
    with pytest.raises(type(error)) as ended:
        changes.apply(site, WANTED, RunOptions(), ending(error))
    assert site.file.read_text() == BEFORE
    *_, again, untouched, last = ended.value.text.splitlines()
    assert again == (
        "Pulumi.dev.yaml is as it was before this command. To run it again:"
        " exctl update excp --tag 2"
    )
    assert untouched in ("No container was touched.", "Nothing was touched.")
    assert last == RUNNING


def test_an_interrupted_run_that_has_begun_keeps_the_file_and_says_how_to_go_on(
    site: Site,
) -> None:
    up = ending(InterruptedRun("interrupted", ("excp-1-1",), RUNNING))
    with pytest.raises(InterruptedRun) as ended:
        changes.apply(site, WANTED, RunOptions(), up)
    assert site.file.read_text() == WANTED
    assert "To resume: exctl up --stack dev." in ended.value.text
    assert "touched" not in ended.value.text
    assert ended.value.text.endswith(f"\n{RUNNING}")


def test_a_restart_names_what_it_has_not_restarted(site: Site) -> None:
    up = ending(InterruptedRun("interrupted", ("excp-1-1",)))
    both = site.layout.of("excp") + site.layout.of("exas")
    with pytest.raises(InterruptedRun) as ended:
        changes.restart(site, both, RunOptions(), up)
    assert ended.value.text.endswith(
        "Not restarted yet:\n  exctl restart excp --pair 1 --host 2 --stack dev\n"
        "  exctl restart exas --stack dev"
    )
