"""The site's own programs that a run calls, for chat and ticket systems: `hooks/pre-up`, `post-up`
and `failed` in the project's directory.

They get an environment made from nothing, and are told no secret: what exctl was given to decrypt
with stays with exctl, and what they print is redacted.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Literal

import click

from exctl.errors import ExctlError, FailedRun, Interrupted, InterruptedRun, LeftOut, RolledBack
from exctl.releases import store
from exctl.runs.options import Outcome, RunOptions
from exctl.site import Site
from exctl.stackfile import secrets
from exctl.terminal.messages import say
from health.runlock import user_name
from stack.secrecy import redacted_text

Name = Literal["pre-up", "post-up", "failed"]
DIRECTORY = "hooks"
LIMIT_SECONDS = 30.0
"""Chosen: what a chat's or ticket system's API needs on a bad day; a run waits for it."""
SHOWN_LINES = 20
"""Chosen: of a hook's output; it can write a log of its own."""
KEPT = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER")
"""What a hook gets of the operator's environment. Proxies aren't among it: they may hold a
password."""


def before(
    site: Site,
    how: RunOptions,
    plan: Collection[str],
    instances: Collection[str],
    limit_seconds: float = LIMIT_SECONDS,
) -> None:
    """Calls `pre-up` with the plan that was agreed to. Raises ExctlError, with nothing touched, if
    it can't be run or ends with another exit code than 0: so it can refuse."""
    facts = {"PLAN": "\n".join(plan), "INSTANCES": " ".join(instances)}
    if why := _called(site, "pre-up", how, facts, limit_seconds):
        raise ExctlError(f"hooks/pre-up {why}, and so stops this run.", touched=False)


def after(site: Site, how: RunOptions, outcome: Outcome) -> None:
    """Calls `post-up`, if anything was touched; what is wrong with the hook is only said."""
    if not outcome.touched:
        return
    release = store.last(site)
    facts = {
        "RESULT": "paused" if outcome.is_paused else "done",
        "INSTANCES": " ".join(outcome.touched),
        "RELEASE": str(release.number) if release is not None else "",
        "EXIT_CODE": "0",
    }
    _tell(site, "post-up", how, facts)


@contextlib.contextmanager
def reporting_failure(site: Site, how: RunOptions) -> Iterator[None]:
    """Calls `failed` if what is done meanwhile fails, and passes the error on."""
    try:
        yield
    except ExctlError as error:
        _failed(site, how, error)
        raise


def _failed(site: Site, how: RunOptions, error: ExctlError) -> None:
    """Nothing if the run hadn't begun; what is wrong with the hook is only said."""
    is_run = isinstance(error, FailedRun | InterruptedRun)
    if not is_run and error.touched is False:
        return
    begun = error.begun if isinstance(error, FailedRun | InterruptedRun) else ()
    facts = {
        "RESULT": _result(error),
        "INSTANCES": " ".join(begun),
        "EXIT_CODE": str(error.code),
        "REASON": error.text,
    }
    _tell(site, "failed", how, facts)


def _result(error: ExctlError) -> str:
    match error:
        case RolledBack():
            return "rolled back"
        case Interrupted():
            return "interrupted"
        case LeftOut():
            return "left out"
    return "failed"


def _tell(site: Site, name: Name, how: RunOptions, facts: Mapping[str, str]) -> None:
    if why := _called(site, name, how, facts):
        say(f"warning: hooks/{name} {why}")


def environment(
    site: Site, name: Name, how: RunOptions, facts: Mapping[str, str]
) -> dict[str, str]:
    """All that a hook has: documented in docs/operating.md."""
    context = click.get_current_context(silent=True)
    told = {
        "HOOK": name,
        "STACK": site.stack,
        "TENANT": site.config.tenant.id,
        "COMMAND": (context.info_name or "") if context else "",
        "MESSAGE": how.message,
        "OPERATOR": user_name(),
        **facts,
    }
    kept = {key: os.environ[key] for key in KEPT if key in os.environ}
    return kept | {f"EXEC_{key}": value for key, value in told.items()}


def _called(
    site: Site,
    name: Name,
    how: RunOptions,
    facts: Mapping[str, str],
    limit_seconds: float = LIMIT_SECONDS,
) -> str:
    """Why it didn't end well, in words that follow its name; '' if it did or isn't there."""
    path = site.project / DIRECTORY / name
    if not path.exists():
        return ""
    known = [*secrets.known_of(site), os.environ.get("PULUMI_CONFIG_PASSPHRASE", "")]
    hidden = {key: redacted_text(value, known) for key, value in facts.items()}
    quiet = RunOptions(message=redacted_text(how.message, known))
    try:
        code, said = run(path, environment(site, name, quiet, hidden), limit_seconds)
    except OSError as error:
        return f"can't be run: {error.strerror} (it must be executable, with a first line #!)"
    lines = redacted_text(said, known).splitlines()
    for line in lines[-SHOWN_LINES:]:
        say(f"hooks/{name}: {line}")
    if code is None:
        return f"was killed: it ran for longer than {limit_seconds:g} s"
    return f"ended with exit code {code}" if code else ""


def run(path: Path, variables: Mapping[str, str], limit_seconds: float) -> tuple[int | None, str]:
    """A hook's exit code, None if its time ran out, and all that it printed. It is ended with all
    that it has started."""
    process = subprocess.Popen(
        [str(path)],
        cwd=path.parent.parent,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=limit_seconds)
        return process.returncode, said
    except subprocess.TimeoutExpired:
        _end(process)
        return None, process.communicate()[0]
    except BaseException:  # Ctrl-C: nothing of ours goes on by itself
        _end(process)
        raise


def _end(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
