"""The client of the project's dynamic providers (`pulumi.dynamic`): one gRPC server for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.protocol import OPTIONS, load
from engine.provider import CheckFailure, Diff, Known, PropertyDiff, ProviderError
from engine.values import Props
from engine.wire import from_struct, to_struct

CHANGES = ("unknown", "none", "some")
KINDS = ("add", "add-replace", "delete", "delete-replace", "update", "update-replace")


def _wire(props: Props | None) -> Any:
    return to_struct(props or {}, secrets="strip", references=False)


def _of(old: Known) -> dict[str, Any]:
    """What a request that compares says of the object as it is known."""
    found = {"urn": old.urn, "id": old.id, "olds": _wire(old.outputs)}
    return {**found, "old_inputs": _wire(old.inputs), **_name_and_type(old.urn)}


def _name_and_type(urn: str) -> dict[str, str]:
    parts = urn.split("::", 3)
    return {"name": parts[3], "type": parts[2].rpartition("$")[2]}


class DynamicProvider:
    """Secrets and previews aren't the server's business: it gets plain values and is asked to
    create and update only in earnest (golden 02)."""

    supports_preview = False

    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address
        self._channel: Any = None
        self._stub: Any = None
        self._messages: Any = None

    def configure(self, inputs: Props, lazily: bool) -> None:
        import grpc

        self._messages = load("provider_pb2")
        self._channel = grpc.insecure_channel(self._address(), options=OPTIONS)
        self._stub = load("provider_pb2_grpc").ResourceProviderStub(self._channel)
        self._call("Configure", "ConfigureRequest", args=_wire(inputs), acceptSecrets=False)

    def _call(self, method: str, message: str, **fields: Any) -> Any:
        import grpc

        request = getattr(self._messages, message)(**fields)
        try:
            return getattr(self._stub, method)(request)
        except grpc.RpcError as error:
            text = error.details() if isinstance(error, grpc.Call) else str(error)
            raise ProviderError(text) from error

    def check(self, urn: str, olds: Props | None, news: Props) -> tuple[Props, list[CheckFailure]]:
        answer = self._call(
            "Check", "CheckRequest", urn=urn, olds=_wire(olds), news=_wire(news),
            **_name_and_type(urn),
        )  # fmt: skip
        failures = [CheckFailure(f.property, f.reason) for f in answer.failures]
        return from_struct(answer.inputs), failures

    def diff(self, old: Known, news: Props, ignore_changes: list[str]) -> Diff:
        answer = self._call(
            "Diff", "DiffRequest", **_of(old), news=_wire(news), ignoreChanges=ignore_changes,
        )  # fmt: skip
        detailed = None
        if answer.hasDetailedDiff:
            detailed = {
                path: PropertyDiff(KINDS[d.kind], d.inputDiff)  # type: ignore[arg-type]  # by index
                for path, d in answer.detailedDiff.items()
            }
        return Diff(
            changes=CHANGES[answer.changes],  # type: ignore[arg-type]  # by index
            replaces=list(answer.replaces),
            stables=list(answer.stables),
            delete_before_replace=answer.deleteBeforeReplace,
            diffs=list(answer.diffs),
            detailed=detailed,
        )

    def create(
        self, urn: str, news: Props, timeout_seconds: float, preview: bool
    ) -> tuple[str, Props]:
        answer = self._call(
            "Create", "CreateRequest", urn=urn, properties=_wire(news), timeout=timeout_seconds,
            preview=preview, **_name_and_type(urn),
        )  # fmt: skip
        return answer.id, from_struct(answer.properties)

    def update(self, old: Known, news: Props, timeout_seconds: float, preview: bool) -> Props:
        answer = self._call(
            "Update", "UpdateRequest", **_of(old), news=_wire(news), timeout=timeout_seconds,
            preview=preview,
        )  # fmt: skip
        return from_struct(answer.properties)

    def read(self, old: Known) -> tuple[str, Props, Props] | None:
        answer = self._call(
            "Read", "ReadRequest", urn=old.urn, id=old.id, properties=_wire(old.outputs),
            inputs=_wire(old.inputs), **_name_and_type(old.urn),
        )  # fmt: skip
        if not answer.id:
            return None
        read_inputs = from_struct(answer.inputs) if answer.HasField("inputs") else old.inputs
        return answer.id, read_inputs, from_struct(answer.properties)

    def delete(self, old: Known, timeout_seconds: float) -> None:
        self._call(
            "Delete", "DeleteRequest", urn=old.urn, id=old.id, properties=_wire(old.outputs),
            old_inputs=_wire(old.inputs), timeout=timeout_seconds, **_name_and_type(old.urn),
        )  # fmt: skip

    def invoke(self, token: str, args: Props) -> tuple[Props, list[CheckFailure]]:
        del args
        raise ProviderError(f"dynamic providers have no function {token}")

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()
