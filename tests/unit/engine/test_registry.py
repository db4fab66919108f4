"""What a provider's own settings are compared by."""

from __future__ import annotations

from engine.registry import as_built_before

COMMAND = "pulumi:providers:command"
BUILT = "__pulumi-go-provider-version"


def test_another_build_of_a_plugin_is_no_change_of_its_provider() -> None:
    now = {BUILT: "(devel)", "version": "1.2.1"}
    before = {BUILT: "1.2.0", "version": "1.2.0"}
    assert as_built_before(COMMAND, now, before) == {BUILT: "1.2.0", "version": "1.2.1"}
    assert as_built_before(COMMAND, now, {}) == now
    assert as_built_before("pulumi:providers:other", now, before) == now
