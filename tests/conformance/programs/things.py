"""What the programs of the histories are made of: a resource whose provider does as it is told."""

from __future__ import annotations

import os
import zlib
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, ResourceProvider, UpdateResult
from pulumi.dynamic import Resource as DynamicResource

WATCHED = ("value", "nested", "items", "upstream")  # inputs whose change is a change


def called(*words: object) -> None:
    with open(os.environ["CALLS"], "a") as calls:
        calls.write(" ".join(map(str, words)) + "\n")


class Obedient(ResourceProvider):
    """Inputs beside the watched ones: `replace` (a change replaces), `first` (deleted first),
    `broken` (its creation fails), `gone` and `drifted` (what a read is to find)."""

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        changed = [key for key in WATCHED if _olds.get(key) != _news.get(key)]
        return DiffResult(
            changes=bool(changed),
            replaces=changed if _news.get("replace") else [],
            delete_before_replace=bool(_news.get("first")),
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        called("create", props["name"], props.get("value"))
        if props.get("broken"):
            raise Exception("broken on purpose")
        mark = zlib.crc32(str(props.get("value")).encode())  # a value may be secret, an id isn't
        return CreateResult(f"id-{props['name']}-{mark:08x}", {**props, "made": "yes"})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        called("update", _news["name"], _olds.get("value"), _news.get("value"))
        return UpdateResult({**_news, "made": "again"})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        called("read", props["name"])
        if os.environ.get("GONE") == props["name"]:
            return ReadResult(None, {})
        if os.environ.get("DRIFTED") == props["name"]:
            return ReadResult(id_, {**props, "value": "drifted"})
        return ReadResult(id_, props)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        called("delete", _props["name"], _props.get("value"))


class Thing(DynamicResource):
    made: pulumi.Output[str]
    value: pulumi.Output[Any]
    nested: pulumi.Output[Any]

    def __init__(
        self,
        name: str,
        value: Any = "1",
        opts: pulumi.ResourceOptions | None = None,
        **props: Any,
    ) -> None:
        given = {"name": name, "value": value, "made": None, "nested": None, **props}
        super().__init__(Obedient(), name, given, opts)


class Group(pulumi.ComponentResource):
    """A component of things, each named after it."""

    def __init__(
        self,
        name: str,
        children: dict[str, Any],
        opts: pulumi.ResourceOptions | None = None,
        kind: str = "Group",
    ) -> None:
        super().__init__(f"history:index:{kind}", name, None, opts)
        below = pulumi.ResourceOptions(parent=self)
        self.things = {key: Thing(f"{name}-{key}", value, below) for key, value in children.items()}
        self.register_outputs({"made": [thing.made for thing in self.things.values()]})
