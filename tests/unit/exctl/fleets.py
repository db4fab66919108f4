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
import json, os, socket, sys, time
from pathlib import Path
from exctl.history import store as history
from exctl.releases import store
from exctl.site import StackPlace

words = sys.argv[1:]
place = StackPlace(Path.cwd(), words[words.index("--stack") + 1])
does = json.loads(Path("behaviour.json").read_text()).get(place.stack, {})
code, touched, error = {
    "well": (0, None, ""),
    "rolled back": (3, True, "the gate of excp-1-1 failed\\nmore of it"),
    "refused": (2, False, "the preflight says no"),
    "failed": (1, True, "no way back"),
}[does.get("ends", "well")]
at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
run = {"run": f"{place.stack}-{time.time()}", "at": at}

def noted(name, **facts):
    with open(name, "a") as file:
        file.write(json.dumps(facts | {"at": time.time()}) + "\\n")

def told(event):
    print(json.dumps(event), flush=True)

who = {"user": "anna", "host": socket.gethostname(), "pid": os.getpid()}
history.append(place, run | {"kind": "begun", "who": who, "command": "exctl " + words[0],
                             "rollout": os.environ["EXEC_ROLLOUT"]})
told({"kind": "begun"})
noted("began.txt", words=words, value=sys.stdin.read(),
      passphrase=os.environ.get("PULUMI_CONFIG_PASSPHRASE"))
time.sleep(does.get("seconds", 0))
ended = run | {"kind": "ended", "exit_code": code, "touched": touched, "error": error,
               "result": {0: "succeeded", 1: "failed", 2: "refused", 3: "rolled back"}[code]}
if code in (0, 1):
    text = place.file.read_text()
    if words[0] == "update":
        text = text.replace("100.0.100.11", words[words.index("--tag") + 1])
    if words[0] == "rollback":
        text = store.read(place, int(words[1])).stack_file
    place.file.write_text(text)
if code == 0:
    store.record(place, {"excp-1": {"tag": "1"}}, "", [])
history.append(place, ended)
told(ended)
noted("ended.txt", stack=place.stack)
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
