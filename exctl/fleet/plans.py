"""Saved plans of the stacks that want approvals: made for all of them at once, and held against
what a rollout would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from config_schema.fleet import Fleet
from exctl.errors import NothingTouched
from exctl.fleet import planning
from exctl.fleet.child import EXCTL, PARALLEL, ran
from exctl.fleet.passphrase import environment_with
from exctl.fleet.planning import Meaning, Means
from exctl.fleet.schedule import Outcome
from exctl.runs import approval, saving
from exctl.site import Site

NEED_A_PLAN = ("up", "update")
NEED_NONE = ("restart", "rollback")


@dataclass(frozen=True)
class Made:
    """What came of one stack's plan: what `exctl plan` said of it, or why there is none."""

    stack: str
    said: str = ""
    failure: str = ""


def path_of(directory: Path, stack: str) -> Path:
    """Where the plan of a stack is kept."""
    return directory / f"{stack}.json"


def approved(means: Means, directory: str) -> Means:
    """What a command means where plans are wanted: the plan in the directory, or a refusal."""

    def of(site: Site) -> Meaning:
        meaning = means(site)
        if not _wants_plan(site, meaning):
            return meaning
        if meaning.words[0] not in NEED_A_PLAN:
            approval.refuse_without_plan(site, " ".join(meaning.words))
        if not directory:
            words = " ".join(["exctl fleet plan", *meaning.words[1:]])
            raise NothingTouched(
                f"the stack {site.stack} deploys only approved plans (protect.approvals)."
                f" {words} --out DIR makes one for each such stack; then exctl approve DIR/*.json,"
                " by others; then this command with --plans DIR"
            )
        path = path_of(Path(directory), site.stack)
        if not path.exists():
            raise NothingTouched(
                f"the stack {site.stack} needs approvals (protect.approvals), and {directory} has"
                f" no plan for it: there is no file {path.name}"
            )
        saving.refuse_unready(site, path, meaning.words)
        return replace(meaning, words=(*meaning.words, "--plan", str(path)))

    return of


def save(
    project: Path,
    fleet: Fleet,
    command: Sequence[str],
    only: Sequence[str],
    out: Path,
    options: Sequence[str],
    program: tuple[str, ...] = EXCTL,
) -> list[Made]:
    """A plan of each stack that the command changes and that wants approvals, in the directory
    `out`, in the waves' order. `options`: those of `exctl plan`. Raises NothingTouched with every
    problem of the stack files at once, and where no stack wants a plan."""
    means = planning.means_of(fleet, command, None)

    def of(site: Site) -> Meaning:
        meaning = means(site)
        return meaning if _wants_plan(site, meaning) else Meaning(left_out="needs no plan")

    parts = planning.planned(project, fleet, planning.waves_of(fleet), of, only)
    runs = [run for run in parts.values() if run.outcome is Outcome.WAITING]
    if not runs:
        raise NothingTouched(
            "no stack that this would change needs approvals (protect.approvals): no plan is needed"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NothingTouched(f"{out}: {error.strerror}") from None
    passphrases = {name: of.passphrase_command for name, of in fleet.stacks.items()}
    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(
            pool.map(
                lambda run: _made(
                    run.stack,
                    [*program, "plan", *run.words[1:], *options, "--stack", run.stack],
                    project,
                    out,
                    passphrases,
                ),
                runs,
            )
        )


def _made(
    stack: str,
    command: Sequence[str],
    project: Path,
    out: Path,
    passphrases: Mapping[str, Sequence[str] | None],
) -> Made:
    try:
        environment = environment_with(passphrases.get(stack), project)
        run = ran([*command, "--out", str(path_of(out, stack))], project, environment)
    except NothingTouched as error:
        return Made(stack, failure=str(error))
    if run.returncode:
        return Made(stack, failure=run.stderr.strip().removeprefix("exctl: ") or "said nothing")
    return Made(stack, run.stdout.rpartition("\nnext")[0])


def _wants_plan(site: Site, meaning: Meaning) -> bool:
    is_wanted = bool(meaning.words) and meaning.words[0] not in NEED_NONE
    return is_wanted and bool(site.config.protect.approvals)
