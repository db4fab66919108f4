"""The page of faults, docs/reliability.md: which there are, and what the stories measured of each.

python -m pytest tests/lab/test_faults.py --reliability docs/reliability.json
python -m tests.lab.reliability            # writes the page anew from docs/reliability.json
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.lab.prober import LONGEST
from tests.lab.workspace import CLONE

MEASURED = CLONE / "docs/reliability.json"
PAGE = CLONE / "docs/reliability.md"
LAB_ADDRESS = re.compile(r"\b10\.\d+\.0\.(?=\d)")
CLONE_PATH = re.compile(r"/\S*/clone\d*/")
"""Of a story's clone: the site's own is elsewhere."""
SEEN_WIDTH = 160

FAULTS: Mapping[str, str] = {
    "registry-down": "the registry is down",
    "registry-dies": "the registry dies after the images are pulled",
    "image-missing": "the registry has no such image",
    "image-crashes-first": "an image that crashes, in the first instance",
    "image-crashes-second": "an image that crashes, in the second pair",
    "start-fails-second": "the second instance of a pair can't start",
    "way-back-fails": "an instance can't start, and can't go back either",
    "crash-after-gates": "an instance crashes after its gate has passed",
    "host-unreachable": "a host is unreachable before a run",
    "host-goes-away": "a host becomes unreachable during a run",
    "power-cut": "a host loses power during a run",
    "host-replaced": "a host is gone for good, another one takes its place",
    "host-key-changed": "a host has another key than before",
    "sync-stuck": "EXCS never begins its sync",
    "sync-stalled": "the sync stands still",
    "sync-long": "the sync takes longer than the stall limit, but goes on",
    "killed": "kill -9 of everything, in each phase",
    "killed-exctl": "kill -9 of exctl alone",
    "killed-sync": "kill -9 while the sync is waited for",
    "ctrl-c-pull": "Ctrl-C while images are pulled",
    "ctrl-c-gate": "Ctrl-C at a health gate",
    "ctrl-c-sync": "Ctrl-C at the sync gate",
    "ctrl-c-rollback": "Ctrl-C during a rollback",
    "terminal-lost": "the operator's terminal is lost",
    "daemon-restarted": "dockerd is restarted during a run",
    "daemon-frozen": "dockerd is frozen (SIGSTOP) during a run",
    "password-registry": "a wrong registry password",
    "password-config-db": "a wrong Config DB password",
    "password-redis": "a wrong Redis password",
    "password-cloud": "a wrong OAuth secret of Genesys Cloud",
    "sshd-limits": "an sshd that takes one session a connection (MaxSessions 1)",
    "disk-full-logs": "the disk for logs is full, on a host",
    "disk-full-operator": "the disk of the operator's state is full",
    "disk-full-images": "the disk for images is full, on a host",
    "disk-full-registry": "the registry's disk is full",
    "two-operators": "a second operator begins during a run",
    "two-at-once": "two operators begin at the same moment",
    "peer-dead": "the peer of the instance to be replaced doesn't answer",
    "peer-stopped": "the peer of the instance to be replaced is stopped",
    "removed-by-hand": "containers stopped and removed by hand",
    "made-by-hand": "a container of our name made by hand",
    "clock-skew": "the clock of a host is 5 minutes ahead",
    "latency": "packets to a host are delayed",
    "loss": "10 % of the packets to a host are lost",
    "state-lost": "Pulumi's state is lost",
    "state-foreign": "Pulumi's state is another stack's",
    "state-old": "Pulumi's state is older than what runs",
    "state-truncated": "Pulumi's state is cut off in the middle",
    "redis-emptied": "Redis is restarted and comes back empty",
    "config-db-gone": "the Config DB goes away while EXCS is replaced",
    "cloud-429": "Genesys Cloud answers 429 during a sync",
    "cloud-503": "Genesys Cloud answers 503 during a sync",
    "dns-fails": "a host can't resolve Genesys Cloud's names",
}
"""What a site can meet, by a short name; a story notes under it what it measured."""


@dataclass(frozen=True)
class Row:
    """What one story measured of one fault.

    `unhealthy_seconds`: the longest time in which no instance of some pair answered 200;
    `silent_seconds`: the same for 200 and 503, which an instance answers that misses a dependency.
    """

    fault: str
    story: str
    unhealthy_seconds: float
    silent_seconds: float
    exit_code: int
    saw: str
    then: str
    date: str = ""
    commit: str = ""


def faced(
    request: pytest.FixtureRequest, fault: str, said: str, line: str, *, code: int, then: str
) -> None:
    """Notes for the page what a story has measured: of what the operator saw (`said`), the line
    with these words, which must be there; and how it went on."""
    assert fault in FAULTS, fault
    seen = [each.strip() for each in said.splitlines() if line in each]
    assert seen, f"nobody said {line!r}:\n{said}"
    assert LONGEST, f"{request.node.name} has measured no outage"
    row = Row(
        fault=fault,
        story=request.node.nodeid.partition("[")[0],
        unhealthy_seconds=round(max(unhealthy for unhealthy, _ in LONGEST), 1),
        silent_seconds=round(max(silent for _, silent in LONGEST), 1),
        exit_code=code,
        saw=shortened(CLONE_PATH.sub("", LAB_ADDRESS.sub("10.77.0.", seen[-1]))),
        then=then,
    )
    request.node.user_properties.append(("fault", asdict(row)))


def shortened(line: str) -> str:
    text = " ".join(line.split())
    return text if len(text) <= SEEN_WIDTH else text[: SEEN_WIDTH - 2].rpartition(" ")[0] + " …"


def note(rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Puts what the stories of this run measured in the place of what was there of them."""
    commit = subprocess.run(
        ["git", "-C", str(CLONE), "rev-parse", "--short=7", "HEAD"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    date = datetime.now(UTC).date().isoformat()
    new = [Row(**{**row, "date": date, "commit": commit}) for row in rows]
    content = json.loads(path.read_text()) if path.exists() else {}
    known = [Row(**row) for row in content.get("faults", [])]
    content["faults"] = [asdict(row) for row in merged(known, new)]
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def merged(known: Iterable[Row], new: Iterable[Row]) -> list[Row]:
    """One row for each fault and story, the newer one, in the order of the faults."""
    rows = {(row.fault, row.story): row for row in [*known, *new]}
    order = list(FAULTS)
    return sorted(rows.values(), key=lambda row: (order.index(row.fault), row.story))


def page(content: Mapping[str, Any]) -> str:
    rows = [Row(**row) for row in content["faults"]]
    tried = {row.fault for row in rows}
    dates = sorted({row.date for row in rows})
    lines = [
        *HEAD.format(
            tried=len(tried),
            all=len(FAULTS),
            dates=" to ".join(dict.fromkeys((dates[0], dates[-1]))),
            worst=max(row.silent_seconds for row in rows),
        ).splitlines(),
        *(table_line(row) for row in rows),
        *unmeasured_lines([fault for fault in FAULTS if fault not in tried]),
        *soak_lines(content["soak"]),
    ]
    return "\n".join(lines) + "\n"


def unmeasured_lines(faults: Sequence[str]) -> list[str]:
    """Those whose stories haven't been run for this page."""
    if not faults:
        return []
    found = ["", "## Not measured for this page", ""]
    for fault in faults:
        (file,) = files_that_note(fault)
        found.append(f"* {FAULTS[fault]}: its story is in [{file.name}](../tests/lab/{file.name})")
    return found


def files_that_note(fault: str) -> list[Path]:
    """The files of stories that note it, by itself or as one case of several."""
    return [path for path, noted in _noted() if fault in noted]


@cache
def _noted() -> list[tuple[Path, set[str]]]:
    """Each file of stories with the faults that its calls of `faced` and its cases name."""
    found = []
    for path in sorted((CLONE / "tests/lab").glob("test_*.py")):
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        naming = [call for call in calls if _names_faults(call)]
        words = {n.value for c in naming for n in ast.walk(c) if isinstance(n, ast.Constant)}
        found.append((path, {fault for fault in FAULTS if fault in words}))
    return found


def _names_faults(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    is_case = name == "pytest.mark.parametrize" and "'fault'" in ast.unparse(call.args[0])
    return name == "faced" or is_case


def table_line(row: Row) -> str:
    file, _, name = row.story.partition("::")
    story = f"[{name.removeprefix('test_').replace('_', ' ')}](../{file})"
    saw = row.saw.replace("|", "\\|").replace("`", "'")
    seconds = f"{row.unhealthy_seconds:.1f} | {row.silent_seconds:.1f}"
    return f"| {FAULTS[row.fault]} | {seconds} | {row.exit_code} | `{saw}` | {row.then} | {story} |"


def soak_lines(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The section about soaks, each run in a new lab; [] without any."""
    if not runs:
        return []
    return [
        "",
        "## Soak",
        "",
        f"{sum(run['done'] for run in runs)} operations in all, and after each one a look at what"
        " must hold.",
        *(line for run in runs for line in run_lines(run)),
        "",
        "The rest of the clone is what the CLI keeps of its own logs, for 7 days (Pulumi's home is"
        " in the clone here).",
    ]


def run_lines(run: Mapping[str, Any]) -> list[str]:
    done = ", ".join(f"{count} × {name}" for name, count in run["operations"].items())
    faults = ", ".join(f"{count} × {name}" for name, count in run["faults"].items())
    return [
        "",
        f"    python -m tests.soak --operations {run['asked']} --seed {run['seed']}",
        "",
        f"On {run['date']}, at commit {run['commit']}: {run['done']} operations in"
        f" {run['minutes']:.0f} minutes ({done}), with faults in {sum(run['faults'].values())}"
        f" of them ({faults}).",
        "",
        "| | at the beginning | at the end | the most |",
        "|---|---|---|---|",
        *(f"| {name} | {' | '.join(map(str, values))} |" for name, values in run["held"].items()),
        "",
        *(f"* {line}" for line in run["findings"] or ["Every invariant held."]),
        *growth_lines(run),
    ]


def growth_lines(run: Mapping[str, Any]) -> list[str]:
    """What nothing prunes, and by how much each operation adds to it."""
    found = []
    for name in ("Pulumi's own history of it, KiB", "releases, history and transcripts, KiB"):
        first, last, _ = run["held"][name]
        each = (last - first) / run["done"]
        what = name.removesuffix(", KiB")
        found.append(f"* {what}: {each:.0f} KiB more an operation. It is never pruned.")
    return found


HEAD = """\
# What happens when something breaks

This page is written by the tests. Each row is a story of `tests/lab`: it causes the fault in the
lab (real sshd, dockerd, registry, Redis and PostgreSQL; stand-ins for the vendor's services and
Genesys Cloud), asks every instance for its `/health` every 0.1 s meanwhile, and puts the site right
again as the row says. Measured on {dates}: {tried} of {all} faults. The date and commit of each row
are in [reliability.json](reliability.json). To measure again, and to write this page:

    python -m pytest tests/lab/test_faults.py --reliability docs/reliability.json
    python -m tests.lab.reliability

* **No healthy one**: the longest time, in seconds, in which no instance of a pair answered 200.
* **No answer**: the same if 503 counts as an answer, which an instance gives while something that
  it needs (EXCS, Redis, the Config DB, Genesys Cloud) is away. The worst here: {worst:.1f} s.
* **Exit codes**: 0 done, 1 stopped, 3 rolled back, 4 something is amiss, 130 interrupted, 137
  killed. Where a story has several runs, it is that of the run whose words are shown.

| fault | no healthy one | no answer | exit code | what the operator saw | how it went on | story |
|---|---|---|---|---|---|---|"""


def main() -> None:
    PAGE.write_text(page(json.loads(MEASURED.read_text())))


if __name__ == "__main__":
    main()
