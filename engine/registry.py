"""Providers of a run: which there are, how each is reached, and secrets on the way there."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from engine.goals import Refused, package_of, split_reference
from engine.natives import NATIVE, Surroundings
from engine.provider import (
    CheckFailure,
    Diff,
    InitFailed,
    Known,
    PropertyDiff,
    Provider,
    ProviderError,
)
from engine.rows import Row
from engine.values import (
    UNKNOWN,
    Props,
    Secret,
    Value,
    contains_secret,
    contains_unknown,
    deep_equals,
    unwrap_secrets,
)

DYNAMIC = "pulumi-python"
BUILTIN = "pulumi"
INTERNAL = "__internal"


def marked_like(inputs: Mapping[str, Value], outputs: Mapping[str, Value]) -> Props:
    """`outputs` with those marked secret whose inputs of the same name hold secrets: objects key
    by key, anything else as a whole (golden 07)."""
    found = dict(outputs)
    for key, given in inputs.items():
        if key not in found or isinstance(found[key], Secret):
            continue
        if isinstance(given, dict) and isinstance(found[key], dict):
            found[key] = marked_like(given, found[key])
        elif contains_secret(given):
            found[key] = Secret(unwrap_secrets(found[key]))
    return found


def with_secrets(row: Row, outputs: Mapping[str, Value]) -> Props:
    """A resource's outputs with everything marked that must be."""
    found = marked_like(row.inputs, outputs)
    for key in row.additional_secret_outputs:
        if key in found and not isinstance(found[key], Secret):
            found[key] = Secret(unwrap_secrets(found[key]))
    return found


def _plain(props: Mapping[str, Value]) -> Props:
    plain: Props = unwrap_secrets(dict(props))
    return plain


def _known(row: Row) -> Known:
    return Known(row.urn, row.id, _plain(row.inputs), _plain(row.outputs))


@dataclass
class Bridge:
    """One configured provider. Configuration goes on in the background; whoever first needs the
    provider waits for it, and gets its error (golden 27)."""

    provider: Provider
    configured: Future[None]
    unknown_config: bool = False

    def _ready(self) -> Provider:
        self.configured.result()
        return self.provider

    def check(self, row: Row, olds: Props | None) -> tuple[Props, list[CheckFailure]]:
        """The row's inputs as checked, secrets marked again."""
        if self.unknown_config:
            return dict(row.inputs), []
        checked, failures = self._ready().check(
            row.urn, None if olds is None else _plain(olds), _plain(row.inputs)
        )
        return marked_like(row.inputs, checked), failures

    def diff(self, old: Row, news: Mapping[str, Value], ignore_changes: Sequence[str]) -> Diff:
        """The provider's answer; one whose configuration isn't known says that there's a change."""
        if self.unknown_config:
            return Diff("some")
        return self._ready().diff(_known(old), _plain(news), list(ignore_changes))

    def create(self, row: Row, preview: bool) -> tuple[str, Props]:
        """The id and the outputs; in a preview what is known of them."""
        if preview and (self.unknown_config or not self.provider.supports_preview):
            return "", with_secrets(row, row.inputs)
        try:
            identifier, outputs = self._ready().create(
                row.urn, _plain(row.inputs), row.custom_timeouts.get("create", 0.0), preview
            )
        except InitFailed as failed:
            failed.outputs = with_secrets(row, failed.outputs)
            raise
        if not preview:
            if not identifier:
                raise ProviderError(f"the provider gave no id to {row.urn}")
            _all_known(row.urn, outputs)
        return identifier, with_secrets(row, outputs)

    def update(self, old: Row, new: Row, preview: bool) -> Props:
        """The outputs after the change."""
        if preview and (self.unknown_config or not self.provider.supports_preview):
            return with_secrets(new, new.inputs)
        try:
            timeout_seconds = new.custom_timeouts.get("update", 0.0)
            outputs = self._ready().update(
                _known(old), _plain(new.inputs), timeout_seconds, preview
            )
        except InitFailed as failed:
            failed.outputs = with_secrets(new, failed.outputs)
            raise
        if not preview:
            _all_known(new.urn, outputs)
        return with_secrets(new, outputs)

    def read(self, row: Row, identifier: str) -> tuple[str, Props, Props] | None:
        """Id, inputs and outputs as they are now; None if it's gone."""
        if self.unknown_config:
            return identifier, dict(row.inputs), dict(row.outputs)
        found = self._ready().read(replace(_known(row), id=identifier))
        if found is None:
            return None
        identifier, inputs, outputs = found
        return identifier, marked_like(row.inputs, inputs), with_secrets(row, outputs)

    def delete(self, row: Row) -> None:
        """Delete the object."""
        self._ready().delete(_known(row), row.custom_timeouts.get("delete", 0.0))

    def invoke(self, token: str, args: Props) -> tuple[Props, list[CheckFailure]]:
        """The result of a function; secret as a whole if an argument is."""
        result, failures = self._ready().invoke(token, _plain(args))
        if contains_secret(args):
            result = {key: Secret(item) for key, item in result.items()}
        return result, failures


def _all_known(urn: str, outputs: Mapping[str, Value]) -> None:
    if contains_unknown(dict(outputs)):
        raise ProviderError(f"the provider left an output of {urn} unknown")


def provider_outputs(inputs: Mapping[str, Value]) -> Props:
    """A provider resource's outputs: its inputs, without what is the engine's own."""
    return {key: item for key, item in inputs.items() if key != INTERNAL}


def diff_config(old: Row, news: Mapping[str, Value]) -> Diff:
    """A provider resource's change: in place, never a replacement (golden 24)."""
    before, after = dict(old.outputs), provider_outputs(news)
    changed = sorted(
        key
        for key in {*before, *after}
        if not deep_equals(unwrap_secrets(before.get(key)), unwrap_secrets(after.get(key)))
    )
    if not changed:
        return Diff("none")
    detailed = {key: _kind(before, after, key) for key in changed}
    return Diff("some", diffs=changed, detailed=detailed)


def _kind(before: Props, after: Props, key: str) -> PropertyDiff:
    if key not in before:
        return PropertyDiff("add", True)
    return PropertyDiff("update" if key in after else "delete", True)


class Registry:
    """All providers of a run, by reference `<urn>::<id>`."""

    def __init__(
        self,
        make_dynamic: Callable[[], Provider],
        state_of: Callable[[str], Mapping[str, Value]] | None,
        old_rows: Callable[[], Sequence[Row]],
        surroundings: Surroundings,
    ) -> None:
        self._make_dynamic = make_dynamic
        self._state_of = state_of
        self._old_rows = old_rows
        self._surroundings = surroundings
        self._bridges: dict[str, Bridge] = {}
        self._lock = threading.RLock()

    def _make(self, package: str) -> Provider:
        if package == DYNAMIC:
            return self._make_dynamic()
        if package == BUILTIN:
            from engine.builtin import Builtin

            return Builtin(self._state_of)
        return NATIVE[package].provider(self._surroundings)

    @staticmethod
    def refuse_unknown(type_: str, version: str = "") -> None:
        """Refused unless this engine runs resources of this type (golden 21)."""
        package = package_of(type_)
        if package == DYNAMIC:
            return
        is_provider = type_ == f"pulumi:providers:{package}"
        if package == BUILTIN:
            if type_ not in ("pulumi:pulumi:StackReference", "pulumi:providers:pulumi"):
                raise Refused(f"the type {type_} isn't supported by this engine")
            return
        if package not in NATIVE:
            known = ", ".join(sorted([*NATIVE, "dynamic resources"]))
            raise Refused(f"the package {package} isn't supported: this engine has {known}")
        native = NATIVE[package]
        if not is_provider and type_ not in native.types:
            raise Refused(f"the type {type_} isn't supported by this engine's {package} provider")
        if version and version.split(".")[0] != native.version.split(".")[0]:
            raise Refused(
                f"{package} {version} isn't supported: this engine has version {native.version}"
            )

    def configure(self, row: Row, lazily: bool = False) -> None:
        """Make the provider of a provider's row available under its reference. `lazily`: it may
        put off reaching what it works on until there is something to do."""
        self._bridge(f"{row.urn}::{row.id}", row, lazily)

    def _bridge(self, reference: str, row: Row, lazily: bool = False) -> Bridge:
        inputs = provider_outputs(row.inputs)
        unknown = contains_unknown(inputs)
        bridge = Bridge(self._make(package_of(row.type)), Future(), unknown)

        def configure() -> None:
            try:
                bridge.provider.configure(_plain(inputs), lazily)
                bridge.configured.set_result(None)
            except Exception as error:  # noqa: BLE001  (given to whoever asks the provider)
                bridge.configured.set_exception(error)

        with self._lock:
            self._bridges[reference] = bridge
        if not unknown:
            threading.Thread(target=configure, daemon=True).start()
        return bridge

    def get(self, reference: str) -> Bridge:
        """The provider of a reference; one that only the state knows is configured from there."""
        with self._lock:
            bridge = self._bridges.get(reference)
            if bridge is not None:
                return bridge
            urn, identifier = split_reference(reference)
            for row in self._old_rows():
                if row.urn == urn and row.id == identifier:
                    self.refuse_unknown(row.type)
                    return self._bridge(reference, row)
        raise ProviderError(f"the provider {reference} is neither in the program nor in the state")

    def rename(self, old: str, new: str) -> None:
        """A provider's URN has changed (aliases): it answers to both."""
        with self._lock:
            for reference, bridge in list(self._bridges.items()):
                urn, identifier = split_reference(reference)
                if urn == old:
                    self._bridges[f"{new}::{identifier}"] = bridge

    def close(self) -> None:
        """End all providers."""
        for bridge in self._bridges.values():
            bridge.provider.close()


def default_name(version: str) -> str:
    """`default`, or `default_5_1_0`: the name of a package's default provider."""
    return "default_" + "".join("_" if c in ".-+" else c for c in version) if version else "default"


def default_inputs(
    package: str, version: str, config: Mapping[str, Any], secret: frozenset[str]
) -> Props:
    """Inputs of a default provider: the package's configuration and the version; a dynamic one
    gets the whole configuration instead (golden 07)."""

    def value(key: str) -> Value:
        return Secret(config[key]) if key in secret else config[key]

    if package == DYNAMIC:
        return {key: value(key) for key in config}
    inputs = {key.split(":", 1)[1]: value(key) for key in config if key.split(":", 1)[0] == package}
    if package == BUILTIN:
        return inputs
    added = NATIVE[package].added_config if package in NATIVE else {}
    return inputs | ({"version": version} if version else {}) | {INTERNAL: {}} | dict(added)


def checked_config(package: str, inputs: Props) -> Props:
    """An explicit provider's inputs as its own check leaves them: a nested setting, which the SDK
    sends as JSON text, is written anew in Go's form (seen on 5.1.0: else a takeover by the CLI
    finds every provider changed)."""
    nested = NATIVE[package].json_config if package in NATIVE else frozenset()
    return {key: _go_json(item) if key in nested else item for key, item in inputs.items()}


def as_built_before(type_: str, inputs: Mapping[str, Value], before: Mapping[str, Value]) -> Props:
    """A provider's inputs, with what its plugin says of its own build as it was: another build, or
    the CLI's, isn't a change of the provider."""
    package = package_of(type_)
    added = NATIVE[package].added_config if package in NATIVE else {}
    return {k: before.get(k, item) if k in added else item for k, item in inputs.items()}


def _go_json(value: Value) -> Value:
    if isinstance(value, Secret):
        return Secret(_go_json(value.value))
    if not isinstance(value, str):
        return value
    try:
        content = json.loads(value)
    except ValueError:
        return value
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def with_unknown(row: Row, keys: set[str]) -> Props:
    """The row's inputs with some of them unknown: what a dependent's would be while what it
    depends on is away (golden 04)."""
    return {key: UNKNOWN if key in keys else item for key, item in row.inputs.items()}
