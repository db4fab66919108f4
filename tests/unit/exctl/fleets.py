"""A project with a fleet of stacks, and a stand-in for each stack's run of exctl.

The stand-in keeps real records and releases; what it does to a stack, `behaviour.json` says.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from tests.unit.stack_file import CLONE

ORG = "6662cb10"
OLD, NEW = "100.0.100.11", "100.0.100.12"
STAND_IN = """
import json, sys, time
from pathlib import Path
from exctl.errors import ExctlError, NothingTouched, RolledBack
from exctl.history.recorder import recording
from exctl.releases import store
from exctl.site import StackPlace, open_site
from exctl.terminal.messages import report

words = sys.argv[1:]
place = StackPlace(Path.cwd(), words[words.index("--stack") + 1])
does = json.loads(Path("behaviour.json").read_text()).get(place.stack, {})

def change():
    before = place.file.read_text()
    if words[0] == "update":
        place.file.write_text(before.replace("100.0.100.11", words[words.index("--tag") + 1]))
    if words[0] == "rollback":
        place.file.write_text(store.read(place, int(words[1])).stack_file)
    time.sleep(does.get("seconds", 0))
    match does.get("ends", "well"):
        case "well":
            made = store.record(open_site(place.stack), {"excp-1": {"tag": words[-1]}}, "", [])
            if made:
                report("release", number=made.number, images=made.images)
        case "rolled back":
            place.file.write_text(before)
            raise RolledBack("the gate of excp-1-1 failed\\nmore of it")
        case "refused":
            place.file.write_text(before)
            raise NothingTouched("the preflight says no")
        case "failed":
            raise ExctlError("no way back", touched=True)

with open("began.txt", "a") as file:
    value = "" if sys.stdin is None else sys.stdin.read()
    file.write(json.dumps({"words": words, "at": time.time(), "value": value,
        "passphrase": __import__("os").environ.get("PULUMI_CONFIG_PASSPHRASE")}) + "\\n")
try:
    with recording(place, True, ""):
        change()
except ExctlError as error:
    print(f"exctl: {error.text}", file=sys.stderr)
    code = error.code
else:
    code = 0
with open("ended.txt", "a") as file:
    file.write(json.dumps({"stack": place.stack, "at": time.time()}) + "\\n")
sys.exit(code)
"""


class FleetProject:
    """`shared`: stacks that are on the same hosts as the first one."""

    def __init__(self, directory: Path, stacks: list[str], shared: tuple[str, ...] = ()) -> None:
        self.directory = directory
        (directory / "Pulumi.yaml").write_text("name: exec\nruntime: python\n")
        text = (CLONE / "Pulumi.dev.yaml").read_text()
        for number, stack in enumerate(stacks):
            own = text.replace(ORG, f"{number + 1:08x}").replace('id: "1"', f'id: "{number + 1}"')
            if stack not in shared:
                own = re.sub(r"10\.77\.0\.10([1-4])", rf"10.77.{number + 1}.\1", own)
            (directory / f"Pulumi.{stack}.yaml").write_text(own)
        self.program = directory / "stand_in.py"
        self.program.write_text(STAND_IN)
        self.behave({})

    @property
    def command(self) -> tuple[str, ...]:
        return sys.executable, str(self.program)

    def behave(self, of_stacks: dict[str, Any]) -> None:
        (self.directory / "behaviour.json").write_text(json.dumps(of_stacks))

    def fleet(self, text: str) -> None:
        (self.directory / "fleet.yaml").write_text(text)

    def rows(self, name: str) -> list[dict[str, Any]]:
        path = self.directory / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def began(self) -> list[str]:
        """The stacks whose runs began, in their order."""
        return [row["words"][row["words"].index("--stack") + 1] for row in self.rows("began.txt")]

    def tag(self, stack: str) -> str:
        text = (self.directory / f"Pulumi.{stack}.yaml").read_text()
        return NEW if NEW in text else OLD
