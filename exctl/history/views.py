"""Runs as an operator reads them: the list, and one in full. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from exctl.history.chain import Problem
from exctl.history.run import Run
from health.gates.events import of_data, shown
from stack.text import aligned, seconds_text

HEAD = ("RUN", "BEGAN (UTC)", "TOOK", "HOW IT ENDED", "WHO", "COMMAND")


def listed(runs: Sequence[Run]) -> list[str]:
    """A line each, the oldest first."""
    return aligned([HEAD, *(row(run) for run in runs)])


def listed_of_stacks(found: Sequence[tuple[str, Run]]) -> list[str]:
    """The same of several stacks: each run with its stack's name."""
    return aligned([("STACK", *HEAD), *((stack, *row(run)) for stack, run in found)])


def row(run: Run) -> tuple[str, ...]:
    """The cells of a run, as HEAD names them."""
    took = "" if run.seconds is None else seconds_text(run.seconds)
    return (str(run.number), began(run), took, run.outcome, run.who, run.command)


def began(run: Run) -> str:
    """`2026-11-26 02:41:07`."""
    return run.at.replace("T", " ").removesuffix("Z")


def in_full(run: Run, transcript: str) -> list[str]:
    """All that is known of one run, and what was said in it."""
    ended = run.ended or {}
    program = run.begun.get("program") or {}
    revision = program.get("revision") or "(not from git)"
    is_edited = bool(program) and not program.get("is_clean", True)
    plan = (ended.get("plan") or {}).get("touches") or ()
    gates = [shown(event) for event in of_data(ended.get("gates") or ())]
    return [
        f"run {run.number}, {run.id}",
        f"  began    {began(run)} UTC",
        f"  took     {'(not known)' if run.seconds is None else seconds_text(run.seconds)}",
        f"  who      {run.who}{_from(run)}",
        f"  command  {run.command}",
        f"  why      {run.why or '(nothing was said)'}",
        f"  program  {revision}{', with edits that are not committed' if is_edited else ''}",
        f"  ended    {run.outcome}{_exit_code(run)}",
        f"  file     {_stack_file(run)}",
        *_section("plan", [f"{t['instance']} on {t['host']}: {t['verb']}" for t in plan]),
        *_section("gates", gates),
        *_section("transcript (times in UTC)", transcript.splitlines()),
    ]


def damage(problems: Iterable[Problem], path: str) -> list[str]:
    """What is wrong with the records."""
    return [f"{path}: {problem}" for problem in problems]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *(f"  {line}".rstrip() for line in lines or ("(none)",))]


def _from(run: Run) -> str:
    who = run.begun.get("who") or {}
    parts = [
        f"{word} {who[name]}"
        for name, word in (("ssh_from", "from"), ("ci_job", "CI job"))
        if who.get(name)
    ]
    return "".join(f", {part}" for part in parts)


def _exit_code(run: Run) -> str:
    return "" if run.ended is None else f", exit code {run.ended.get('exit_code', '?')}"


def _stack_file(run: Run) -> str:
    before, after = (
        (record or {}).get("stack_file_sha256", "") for record in (run.begun, run.ended)
    )
    if run.ended is None:
        return "(how it left the stack file isn't recorded)"
    return "the stack file stayed as it was" if before == after else "the stack file was changed"
