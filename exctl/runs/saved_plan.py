"""A plan in a file: what `exctl plan` was shown, for others to approve and `exctl up` to carry out.

Pure but for `read` and `write`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from exctl import files
from exctl.errors import NothingTouched
from exctl.runs.plan import Touch

FORMAT = 2
NO_GIT = "not in git"


@dataclass(frozen=True)
class SavedPlan:
    """`command`: the words after `exctl` that it is a plan of. `program` is a revision, for people;
    `code_sha256` is what is compared. `stack_file_sha256`: of the file as the command leaves it.
    `touches`: for each instance its host, what is done to it and the gates that it waits for;
    without times and pulls, which differ from hour to hour. `release`: the last one before it, 0
    for none. `lines`: the plan as it was shown."""

    stack: str
    tenant: str
    made_at: str
    made_by: str
    message: str
    command: tuple[str, ...]
    program: str
    code_sha256: str
    stack_file_sha256: str
    release: int
    touches: tuple[tuple[str, str, str, tuple[str, ...]], ...]
    lines: tuple[str, ...]

    @property
    def next_command(self) -> str:
        """What carries it out, but for `--plan FILE`."""
        return f"exctl {' '.join(self.command)} --stack {self.stack}"

    def described(self) -> list[str]:
        """What an approver is shown."""
        found = [
            f"stack {self.stack} (tenant {self.tenant}), made by {self.made_by} at {self.made_at}",
            f"of: exctl {' '.join(self.command)}",
            f"stack file {self.stack_file_sha256[:12]}, program {self.program or NO_GIT},"
            f" after release {self.release or 'none'}",
        ]
        return [*found, *([f"why: {self.message}"] if self.message else []), *self.lines]


def touches_of(planned: Sequence[Touch]) -> tuple[tuple[str, str, str, tuple[str, ...]], ...]:
    """What a plan promises, in its order."""
    return tuple((t.instance, t.host, t.verb, tuple(t.gates)) for t in planned)


def differences(saved: SavedPlan, now: SavedPlan) -> Iterator[str]:
    """What isn't as it was when the plan was made, each in words; nothing if all of it is."""
    if saved.stack != now.stack:
        yield f"it is a plan of the stack {saved.stack}"
        return
    if saved.stack_file_sha256 != now.stack_file_sha256:
        yield "the stack file was changed"
    if saved.code_sha256 != now.code_sha256:
        yield (
            f"the program has changed: it was {saved.program or NO_GIT} and is now"
            f" {now.program or NO_GIT}"
        )
    if saved.release != now.release:
        yield f"the last release was {saved.release or 'none'}, and is {now.release or 'none'}"
    for touch in saved.touches:
        if touch not in now.touches:
            yield f"no longer planned: {_worded(touch)}"
    for touch in now.touches:
        if touch not in saved.touches:
            yield f"not in the plan: {_worded(touch)}"


def _worded(touch: tuple[str, str, str, tuple[str, ...]]) -> str:
    instance, host, verb, _ = touch
    return f"{instance} on {host}: {verb}"


def write(saved: SavedPlan, path: Path) -> None:
    """Raises NothingTouched if it can't be written, or if there is a file: it may be signed."""
    if path.exists():
        raise NothingTouched(f"{path} already exists and is never overwritten.")
    files.write(path, json.dumps({"format": FORMAT, **asdict(saved)}, indent=2) + "\n")


def read(path: Path) -> SavedPlan:
    """Raises NothingTouched if it can't be read, or is none."""
    try:
        found = json.loads(files.read(path))
        if found["format"] != FORMAT:
            raise ValueError
        return _of_data(found)
    except (ValueError, KeyError, TypeError):
        raise NothingTouched(
            f"{path} isn't a plan of this exctl. Make one with: exctl plan --out FILE"
        ) from None


def _of_data(found: Mapping[str, Any]) -> SavedPlan:
    texts = (
        "stack", "tenant", "made_at", "made_by", "message", "program", "code_sha256",
        "stack_file_sha256",
    )  # fmt: skip
    return SavedPlan(
        **{name: str(found[name]) for name in texts},
        command=tuple(map(str, found["command"])),
        release=int(found["release"]),
        touches=tuple(
            (str(instance), str(host), str(verb), tuple(map(str, gates)))
            for instance, host, verb, gates in found["touches"]
        ),
        lines=tuple(map(str, found["lines"])),
    )
