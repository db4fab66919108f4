"""What is secret stays so on ways that few programs take."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from engine.builtin import Builtin
from engine.provider import Known
from engine.registry import Bridge
from engine.rows import Row
from engine.values import Secret


def test_an_output_of_another_stack_is_secret_if_anything_in_it_is() -> None:
    outputs = {"open": 1, "whole": Secret("x"), "partly": {"a": 1, "b": [Secret("x")]}}
    found = Builtin(lambda _name: outputs).read(Known("urn", "organization/p/dev", {}, {}))
    assert found is not None
    assert found[2]["secretOutputNames"] == ["partly", "whole"]


def test_a_preview_hides_additional_secret_outputs() -> None:
    class NoPreview(Builtin):
        supports_preview = False

    ready: Future[None] = Future()
    ready.set_result(None)
    bridge: Any = Bridge(NoPreview(None), ready)
    row = Row(
        urn="urn", type="p:index:T", custom=True, inputs={"a": 1, "b": 2},
        additional_secret_outputs=["a"],
    )  # fmt: skip
    assert bridge.create(row, preview=True)[1] == {"a": Secret(1), "b": 2}
    assert bridge.update(row, row, preview=True) == {"a": Secret(1), "b": 2}
