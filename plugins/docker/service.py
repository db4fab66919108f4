"""Pulumi's ResourceProvider service for one provider process of `docker`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

import grpc
from google.protobuf import empty_pb2
from google.protobuf.any_pb2 import Any as AnyMessage
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from plugins.docker.check import CheckFailure
from plugins.docker.diff import Change
from plugins.docker.errors import DockerError, HalfDone, Refused
from plugins.docker.provider import Provider, Row, settings_refused
from plugins.docker.values import UNKNOWN, props_of, struct_of

_Method = TypeVar("_Method", bound=Callable[..., Any])
_Kind = provider_pb2.PropertyDiff.Kind
_KINDS: Mapping[tuple[Change, bool], Any] = {
    ("add", False): _Kind.ADD,
    ("add", True): _Kind.ADD_REPLACE,
    ("delete", False): _Kind.DELETE,
    ("delete", True): _Kind.DELETE_REPLACE,
    ("update", False): _Kind.UPDATE,
    ("update", True): _Kind.UPDATE_REPLACE,
}


def plugin_version() -> str:
    """The version of the SDK that programs are written with: the plugin is as good as its own."""
    try:
        return version("pulumi-docker")
    except PackageNotFoundError:
        return "5.0.0"


def _answered(method: _Method) -> _Method:
    """A failure as Pulumi expects it: a text, or an object that exists but isn't well."""

    @functools.wraps(method)
    def wrapper(self: DockerService, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except HalfDone as failed:
            detail = AnyMessage()
            detail.Pack(
                provider_pb2.ErrorResourceInitFailed(
                    id=failed.identifier,
                    properties=struct_of(failed.outputs),
                    reasons=[failed.reason],
                    inputs=struct_of(failed.inputs),
                )
            )
            status = status_pb2.Status(code=2, message=failed.reason, details=[detail])
            context.set_trailing_metadata(
                (("grpc-status-details-bin", status.SerializeToString()),)
            )
            context.abort(grpc.StatusCode.UNKNOWN, failed.reason)
        except (Refused, DockerError) as problem:
            context.abort(grpc.StatusCode.UNKNOWN, str(problem))

    return wrapper  # type: ignore[return-value]  # it has the same arguments


class DockerService(provider_pb2_grpc.ResourceProviderServicer):
    """One provider of a run: one daemon's."""

    def __init__(self) -> None:
        self._provider = Provider()

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The CLI's first word."""
        return provider_pb2.ProviderHandshakeResponse()

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The engine that the CLI serves isn't needed."""
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The version that the CLI compares with the program's."""
        return plugin_pb2.PluginInfo(version=plugin_version())

    def GetSchema(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The SDK is generated from the official provider's; nobody needs another."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "this docker plugin has no schema")

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The run is interrupted: pulls and waits end at once."""
        self._provider.cancel()
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The provider's settings as they are; what isn't supported is refused by name."""
        news = props_of(request.news)
        return provider_pb2.CheckResponse(
            inputs=struct_of(news), failures=_failures(settings_refused(news))
        )

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        """No change of a provider's settings replaces what was made with it."""
        before, after = props_of(request.olds), props_of(request.news)
        changes: dict[str, Change] = {
            key: "add" if key not in before else "update" if key in after else "delete"
            for key in sorted({*before, *after})
            if after.get(key) is UNKNOWN or before.get(key) != after.get(key)
        }
        return _diff_response(changes, (), False, is_input_diff=True)

    @_answered
    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Take the settings."""
        self._provider.configure(props_of(request.args))
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    @_answered
    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        """No function is supported."""
        raise Refused(f"the function {request.tok} is not supported by this docker plugin")

    @_answered
    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Inputs with defaults, and what is refused of them."""
        olds = props_of(request.olds) if request.HasField("olds") else None
        found = self._provider.check(request.urn, olds, props_of(request.news))
        return provider_pb2.CheckResponse(
            inputs=struct_of(found.inputs), failures=_failures(found.failures)
        )

    @_answered
    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        """What new inputs change."""
        news = props_of(request.news)
        found, is_first = self._provider.diff(_row(request, "olds"), news, request.ignoreChanges)
        return _diff_response(found.changes, found.replaces, is_first, is_input_diff=False)

    @_answered
    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Make it."""
        identifier, outputs = self._provider.create(
            request.urn, props_of(request.properties), is_preview=request.preview
        )
        return provider_pb2.CreateResponse(id=identifier, properties=struct_of(outputs))

    @_answered
    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Change it in place."""
        outputs = self._provider.update(
            _row(request, "olds"), props_of(request.news), is_preview=request.preview
        )
        return provider_pb2.UpdateResponse(properties=struct_of(outputs))

    @_answered
    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        """As it is now; an answer without an id if it's gone."""
        inputs, outputs = props_of(request.inputs), props_of(request.properties)
        found = self._provider.read(Row(request.urn, request.id, inputs, outputs))
        if found is None:
            return provider_pb2.ReadResponse()
        identifier, inputs, outputs = found
        return provider_pb2.ReadResponse(
            id=identifier, inputs=struct_of(inputs), properties=struct_of(outputs)
        )

    @_answered
    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Remove it."""
        self._provider.delete(_row(request, "properties"))
        return empty_pb2.Empty()

    def close(self) -> None:
        """The run has ended."""
        self._provider.close()


def _row(request: Any, outputs: str) -> Row:
    return Row(
        request.urn,
        request.id,
        props_of(request.old_inputs),
        props_of(getattr(request, outputs)),
    )


def _failures(found: list[CheckFailure]) -> list[Any]:
    return [provider_pb2.CheckFailure(property=f.property, reason=f.reason) for f in found]


def _diff_response(
    changes: Mapping[str, Change],
    replaces: tuple[str, ...],
    is_deleted_first: bool,
    *,
    is_input_diff: bool,
) -> Any:
    response = provider_pb2.DiffResponse
    return response(
        changes=response.DIFF_SOME if changes else response.DIFF_NONE,
        diffs=list(changes),
        replaces=list(replaces),
        deleteBeforeReplace=is_deleted_first,
        detailedDiff={
            key: provider_pb2.PropertyDiff(
                kind=_KINDS[change, key in replaces], inputDiff=is_input_diff
            )
            for key, change in changes.items()
        },
        hasDetailedDiff=bool(changes),
    )


def add_to(server: grpc.Server) -> Callable[[], None]:
    """Serve one provider process on a gRPC server; the answer ends it."""
    service = DockerService()
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(service, server)
    return service.close
