"""Stories of a site that the vendor's script and compose deployed, and that moves to exctl.

Each story starts from what the one before it left. Seconds without any instance of the pair are
measured by a probe every 100 ms, and told at the end of the test run.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from lab import legacy, settings
from lab.lab import Lab
from tests.lab.conftest import HOSTS, SECOND_PAIR, Site, make_workspace
from tests.lab.operator import CRASHES, Running, exctl, locks
from tests.lab.prober import PROVEN, Watch
from tests.lab.secret_watch import SecretWatch
from tests.lab.workspace import STACK
from tests.unit.exctl.env_stacks import by_python

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.in_order]

PAIRS = (("excp-1-1", "excp-1-2"), ("excp-2-1", "excp-2-2"))
EXCP = tuple(key for pair in PAIRS for key in pair)
KEYS = ("excs", "exas", *EXCP)
NAMES = {"excs": "excs", "exas": "exec-exas-1"} | dict.fromkeys(EXCP, "exec-excp-1")
ASIDE = ".before-exec"


@pytest.fixture(scope="module")
def site(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The vendor's deployment on the hosts, and an operator's clone without a stack."""
    work = make_workspace(tmp_path_factory.mktemp("clone"), lab)
    made = Site(lab, work, HOSTS | SECOND_PAIR)
    made.stack_file.unlink()
    legacy.up(lab)
    yield made
    legacy.down(lab)
    for key in KEYS:
        if ids := made.docker(key, "ps", "-aq").split():
            made.docker(key, "rm", "-f", *ids)


def names(site: Site, key: str) -> dict[str, str]:
    """Name → id of all containers of the instance's host."""
    lines = site.docker(key, "ps", "-a", "--no-trunc", "--format", "{{.Names}} {{.ID}}")
    return dict(line.split() for line in lines.splitlines())


def served(site: Site, watch: Watch, what: str) -> None:
    """No moment without any of a pair."""
    seconds = [
        watch.seconds_without_any(site.url(key, "/health") for key in pair) for pair in PAIRS
    ]
    words = ", ".join(f"{each:.1f} s" for each in seconds)
    PROVEN.append(f"{what}: without pair 1, 2: {words}; {watch.probes()} probes")
    assert seconds == [0, 0]


@contextmanager
def no_secret_in_sight(site: Site) -> Iterator[None]:
    """On no command line and in no temporary file for as long as it lasts."""
    temporary = site.work.directory / "temporary"
    temporary.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch, SecretWatch(site.secrets, temporary) as watch:
        patch.setenv("TMPDIR", str(temporary))
        yield
    assert watch.looks > 0
    assert watch.found == set()


@contextmanager
def noted_by_hooks(site: Site) -> Iterator[list[str]]:
    """What each hook that was called was told of the run: filled at the end."""
    directory, notes = site.work.directory / "hooks", site.work.directory / "notes"
    directory.mkdir()
    try:
        for name in ("pre-up", "post-up", "failed"):
            words = "$EXEC_HOOK $EXEC_COMMAND ${EXEC_RESULT:--}: $EXEC_INSTANCES"
            (directory / name).write_text(f'#!/bin/sh\necho "{words}" >>notes\n')
            (directory / name).chmod(0o755)
        told: list[str] = []
        yield told
        told += notes.read_text().splitlines()
    finally:
        shutil.rmtree(directory)
        notes.unlink(missing_ok=True)


def set_registry_password(site: Site) -> None:
    subprocess.run(
        ["pulumi", "config", "set", "--secret", "exec:registryPassword", "--stack", STACK],
        cwd=site.work.directory,
        env=site.work.environment,
        input=settings.REGISTRY_PASSWORD,
        text=True,
        check=True,
    )


LOGIN = (
    *("--set", "ssh.key_path=.lab/ssh/id_ed25519"),
    *("--set", "ssh.known_hosts_path=.lab/ssh/known_hosts"),
    *("--set", "registry.username=exec", "--set", "gate.interval_seconds=0.5"),
    *("--set", "gate.deadline_seconds=60", "--set", "excs.sync_gate.interval_seconds=0.5"),
)


def test_an_env_that_cant_be_a_stack_leaves_nothing_behind(site: Site) -> None:
    env = site.work.directory / "vendor.env"
    env.write_text(
        legacy.env_text(site.lab.plan).replace("EXCS_TAG=100.0.100.11", "EXCS_TAG=latest")
    )
    run = exctl(site, "import-env", str(env), "--stack", STACK, code=2)
    assert "EXCS_TAG: 'latest' moves" in run.stderr
    assert not site.stack_file.exists()
    assert STACK not in site.work.pulumi("stack", "ls").stdout


def test_the_env_of_a_host_becomes_a_stack_with_its_secrets_encrypted(site: Site) -> None:
    with no_secret_in_sight(site):
        run = exctl(site, "import-env", "--from-host", site.hosts["excs"], *LOGIN, "--stack", STACK)
        set_registry_password(site)
    assert "secrets, encrypted: configDbPassword, redisPassword" in run.stdout
    assert not [secret for secret in site.secrets if secret in site.stack_file.read_text()]
    again = exctl(site, "import-env", "--from-host", site.hosts["excs"], "--stack", STACK, code=2)
    assert "already exists and is never overwritten" in again.stderr


def test_the_env_comes_back_as_it_was(site: Site) -> None:
    back = site.work.exctl("export-env", "--with-secrets", "--stack", STACK)
    assert back.code == 0, back.text
    given = {k: v for k, v in by_python(legacy.env_text(site.lab.plan), False).items() if v}
    assert by_python(back.stdout, False) == given
    assert "no key for it: ssh.key_path" in back.stderr
    assert not [s for s in site.secrets if s in exctl(site, "export-env").stdout]


def test_before_it_is_adopted_an_up_touches_nothing(site: Site) -> None:
    before = {key: names(site, key) for key in KEYS}
    exctl(site, "up", "--yes")
    assert {key: names(site, key) for key in KEYS} == before
    assert exctl(site, "status").stdout.count("HTTP 200, but not from ours: exctl adopt") == len(
        KEYS
    )
    assert "take it over with: exctl adopt" in exctl(site, "drift", code=4).stdout


def test_what_differs_is_shown_before_anything_is_touched(site: Site) -> None:
    before = {key: names(site, key) for key in KEYS}
    run = exctl(site, "adopt", code=1)  # there is no terminal to ask on
    assert run.stderr.count("variable REDIS_PASSWORD (secret): same") == len(KEYS)
    assert "excs on" in run.stderr
    assert "restart: always -> unless-stopped" in run.stderr
    assert "LOG_FILE_NAME: 'excp-" in run.stderr
    assert "Nothing was touched" in run.stderr
    assert {key: names(site, key) for key in KEYS} == before


def test_an_adoption_that_crashes_brings_the_legacy_container_back(site: Site) -> None:
    before = names(site, "excp-1-1")
    site.work.edit("excp.pairs.1.tag", CRASHES)
    with Watch(site.health_urls()) as watch, noted_by_hooks(site) as told:
        run = exctl(site, "adopt", "excp", "--pair", "1", "--yes", code=3)
    assert told[0] == "pre-up adopt -: excp-1-1 excp-1-2"
    assert [line.partition(":")[0] for line in told[1:]] == ["failed adopt rolled back"]
    served(site, watch, "an adoption that crashes")
    site.work.edit("excp.pairs.1.tag", "100.0.100.11")
    assert f"rolled back: {NAMES['excp-1-1']} on {site.hosts['excp-1-1']} runs again" in run.stderr
    assert "Not adopted: excp-1-1, excp-1-2" in run.stderr
    assert "cannot start" in run.stderr
    assert names(site, "excp-1-1") == before
    (found,) = json.loads(site.docker("excp-1-1", "inspect", NAMES["excp-1-1"]))
    assert found["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert site.codes() == dict.fromkeys(KEYS, 200)


def is_there(site: Site, name: str) -> bool:
    return name in names(site, "exas")


def test_a_killed_adoption_goes_on_where_it_was(site: Site) -> None:
    for what in (f"{NAMES['exas']}{ASIDE}", "exas"):
        run = Running(site, "adopt", "exas", "--yes")
        site.wait_until(partial(is_there, site, what), f"{what} to be there", 60)
        run.kill()
        told = exctl(site, "unlock", "--yes").stdout
        assert "exctl adopt --stack dev goes on adopting" in told
        assert locks(site) == []
    exctl(site, "adopt", "exas", "--yes")
    assert names(site, "exas").keys() == {"exas", f"{NAMES['exas']}{ASIDE}"}
    assert site.codes() == dict.fromkeys(KEYS, 200)


def test_while_excs_is_adopted_the_pair_keeps_running(site: Site) -> None:
    """It says 503 while EXCS is away, which it depends on; its containers aren't touched."""
    before = {key: names(site, key) for key in EXCP}
    with Watch(site.health_urls()) as watch:
        exctl(site, "adopt", "excs", "--yes")
    for url in (site.url(key, "/health") for key in EXCP):
        watch.answers[url] = [
            (asked, answered, 200 if code else 0) for asked, answered, code in watch.answers[url]
        ]
    served(site, watch, "EXCS is adopted, 503 taken for an answer")
    assert {key: names(site, key) for key in EXCP} == before


def test_the_rest_is_adopted_with_no_moment_without_the_pair(site: Site) -> None:
    before = site.container_id_on_host("exas")
    with no_secret_in_sight(site), Watch(site.health_urls()) as watch:
        run = exctl(site, "adopt", "--yes")
    served(site, watch, "the rest is adopted")
    assert not watch.was_ever_down(site.url("exas", "/health"))
    assert site.container_id_on_host("exas") == before
    for key in KEYS:
        assert names(site, key).keys() == {key, f"{NAMES[key]}{ASIDE}"}
        (aside,) = json.loads(site.docker(key, "inspect", f"{NAMES[key]}{ASIDE}"))
        assert aside["HostConfig"]["RestartPolicy"]["Name"] == "no"
    assert "stopped" not in site.stack_file.read_text()
    assert "no drift" in exctl(site, "drift").stdout
    assert "Passwords are in plaintext in" in run.stderr
    assert len(json.loads(exctl(site, "releases", "--json").stdout)) >= 1


def test_what_was_set_aside_can_come_back_and_be_adopted_again(site: Site) -> None:
    with Watch(site.health_urls()) as watch, noted_by_hooks(site) as told:
        exctl(site, "adopt", "excp", "--pair", "1", "--host", "2", "--back", "--yes")
        assert names(site, "excp-1-2").keys() == {NAMES["excp-1-2"]}
        exctl(site, "adopt", "excp", "--yes")
    assert told == [
        f"{hook} adopt {result}: excp-1-2"
        for hook, result in [("pre-up", "-"), ("post-up", "done")] * 2
    ]
    served(site, watch, "back and forth")
    assert not watch.was_ever_down(site.url("excp-1-1", "/health"))


def test_at_the_end_nothing_of_the_vendors_is_left_on_the_hosts(site: Site) -> None:
    exctl(site, "adopt", "--clean", "--yes")
    for key in KEYS:
        assert names(site, key).keys() == {key}
        words, home = "|".join(site.secrets), str(site.host(key).directory / "home")
        found = site.host(key).run("grep", "-rlE", words, home, "/var/log/exec", check=False)
        assert found == ""
    assert site.codes() == dict.fromkeys(KEYS, 200)


def test_a_destroy_is_told_to_the_hooks(site: Site) -> None:
    with noted_by_hooks(site) as told:
        exctl(site, "destroy", "--yes")
    assert told == [
        f"{words}: {' '.join(reversed(KEYS))}"
        for words in ("pre-up destroy -", "post-up destroy done")
    ]
