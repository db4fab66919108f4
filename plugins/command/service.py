"""Pulumi's ResourceProvider service for the package `command`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from google.protobuf import empty_pb2
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import rpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as messages

from plugins.command import fields
from plugins.command.engine import Engine
from plugins.command.fields import COPY, REMOTE
from plugins.command.local import Local
from plugins.command.output import SHOWN, CommandError, Output, Printed
from plugins.command.values import differences, plain, secret

VERSION = "1.2.1"
FRAMEWORK = "__pulumi-go-provider-version", "1.2.0"
"""What the official plugin adds to its provider's state. Source: its build of 1.2.1."""
KINDS = messages.PropertyDiff.Kind
UNKNOWN, REFUSED = grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED
PREVIOUS = {"stdout": "PULUMI_COMMAND_STDOUT", "stderr": "PULUMI_COMMAND_STDERR"}


def kind_of(urn: str) -> str:
    """The type token of a URN."""
    return urn.split("::", 3)[2].rpartition("$")[2]


class Command(provider_pb2_grpc.ResourceProviderServicer):
    """The service for one plugin process."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._local = Local()
        self._hosts: Any = None  # asyncssh takes a third of a second to import

    def close(self) -> None:
        """End what runs, and let go of the CLI."""
        self._local.end_all()
        if self._hosts is not None:
            self._hosts.end_all()
        if self._engine is not None:
            self._engine.close()

    def Handshake(
        self, request: messages.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> messages.ProviderHandshakeResponse:
        self._engine = Engine(request.engine_address)
        return messages.ProviderHandshakeResponse(accept_secrets=True)

    def GetPluginInfo(
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(
        self, request: messages.GetSchemaRequest, context: grpc.ServicerContext
    ) -> messages.GetSchemaResponse:
        context.abort(
            REFUSED, "this plugin has no schema: use Pulumi's own pulumi-resource-command"
        )

    def CheckConfig(
        self, request: messages.CheckRequest, context: grpc.ServicerContext
    ) -> messages.CheckResponse:
        name, version = FRAMEWORK
        request.news.fields[name].string_value = version
        return messages.CheckResponse(inputs=request.news)

    def DiffConfig(
        self, request: messages.DiffRequest, context: grpc.ServicerContext
    ) -> messages.DiffResponse:
        return messages.DiffResponse(changes=messages.DiffResponse.DIFF_NONE)  # it has no settings

    def Configure(
        self, request: messages.ConfigureRequest, context: grpc.ServicerContext
    ) -> messages.ConfigureResponse:
        return messages.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Invoke(
        self, request: messages.InvokeRequest, context: grpc.ServicerContext
    ) -> messages.InvokeResponse:
        context.abort(
            REFUSED,
            f"the function {request.tok} is not supported by this plugin: use Pulumi's own"
            " pulumi-resource-command",
        )

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self._local.end_all()
        if self._hosts is not None:
            self._hosts.end_all()
        return empty_pb2.Empty()

    def Check(
        self, request: messages.CheckRequest, context: grpc.ServicerContext
    ) -> messages.CheckResponse:
        found = fields.failures(kind_of(request.urn), plain(request.news))
        inputs = Struct()
        for name, value in request.news.fields.items():
            if value.WhichOneof("kind") != "null_value":
                inputs.fields[name].CopyFrom(secret(value) if name == "connection" else value)
        if "connection" in inputs.fields:
            _fill_in(_unwrapped(inputs.fields["connection"]))
        return messages.CheckResponse(
            inputs=inputs,
            failures=[messages.CheckFailure(property=path, reason=why) for path, why in found],
        )

    def Diff(
        self, request: messages.DiffRequest, context: grpc.ServicerContext
    ) -> messages.DiffResponse:
        """Triggers replace, everything else changes in place."""
        detailed, changed = {}, []
        for path, kind in differences(_own(request.old_inputs), _own(request.news)):
            name = path.partition(".")[0].partition("[")[0]
            replaces = "_REPLACE" if name == "triggers" else ""
            kind_now = KINDS.Value(kind.upper() + replaces)
            detailed[path] = messages.PropertyDiff(kind=kind_now)
            changed += [name] if name not in changed else []
        some = messages.DiffResponse.DIFF_SOME if changed else messages.DiffResponse.DIFF_NONE
        return messages.DiffResponse(
            changes=some,
            diffs=changed,
            replaces=["triggers"] if "triggers" in changed else [],
            detailedDiff=detailed,
            hasDetailedDiff=bool(detailed),
        )

    def Create(
        self, request: messages.CreateRequest, context: grpc.ServicerContext
    ) -> messages.CreateResponse:
        kind, inputs = kind_of(request.urn), plain(request.properties)
        if kind == COPY:
            if request.preview:
                return messages.CreateResponse(properties=request.properties)
            self._copy(request.urn, inputs, request.timeout, context)
            return messages.CreateResponse(id=secrets.token_hex(4), properties=request.properties)
        name = f"{request.urn.split('::', 3)[3]}{secrets.token_hex(4)}"
        if request.preview:
            return messages.CreateResponse(id=name, properties=_not_run_yet(request.properties))
        printed = Printed("", "")
        if "create" in inputs:
            command = inputs["create"]
            printed = self._run(request.urn, command, inputs, {}, request.timeout, context)
        return messages.CreateResponse(id=name, properties=_with(request.properties, printed))

    def Update(
        self, request: messages.UpdateRequest, context: grpc.ServicerContext
    ) -> messages.UpdateResponse:
        inputs, before = plain(request.news), plain(request.olds)
        if kind_of(request.urn) == COPY:
            changed = [
                name
                for name in ("source", "remotePath")
                if any(differences(before.get(name), inputs.get(name)))
            ]
            if changed and not request.preview:
                self._copy(request.urn, inputs, request.timeout, context)
            return messages.UpdateResponse(properties=request.news)
        if request.preview:
            return messages.UpdateResponse(properties=_not_run_yet(request.news))
        printed = Printed(str(before.get("stdout", "")), str(before.get("stderr", "")))
        command = inputs.get("update", inputs.get("create"))
        if command is not None:
            printed = self._run(request.urn, command, inputs, before, request.timeout, context)
        return messages.UpdateResponse(properties=_with(request.news, printed))

    def Read(
        self, request: messages.ReadRequest, context: grpc.ServicerContext
    ) -> messages.ReadResponse:
        """As it was: what a command did can't be looked at."""
        return messages.ReadResponse(
            id=request.id, inputs=request.inputs, properties=request.properties
        )

    def Delete(
        self, request: messages.DeleteRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        state = plain(request.properties)
        if kind_of(request.urn) != COPY and "delete" in state:
            self._run(request.urn, state["delete"], state, state, request.timeout, context)
        return empty_pb2.Empty()

    def _run(
        self,
        urn: str,
        command: str,
        inputs: Mapping[str, Any],
        before: Mapping[str, Any],
        timeout_seconds: float,
        context: grpc.ServicerContext,
    ) -> Printed:
        """What the command printed; if it fails, that is the call's error."""
        show = self._shows(urn)
        output = Output(SHOWN[inputs.get("logging")], show)
        previous = {name: str(before[key]) for key, name in PREVIOUS.items() if before.get(key)}
        if not inputs.get("addPreviousOutputInEnv", True):
            previous = {}
        variables = dict(inputs.get("environment") or {})
        limit = timeout_seconds or None
        try:
            if kind_of(urn) == REMOTE:
                connection, stdin = inputs["connection"], inputs.get("stdin", "")
                self._remote().run(
                    connection, command, stdin, variables, previous, output, show, limit
                )
            else:
                self._local.run(command, inputs, {**variables, **previous}, output, limit)
        except CommandError as problem:
            context.abort(UNKNOWN, str(problem))
        return output.printed()

    def _copy(
        self,
        urn: str,
        inputs: Mapping[str, Any],
        timeout_seconds: float,
        context: grpc.ServicerContext,
    ) -> None:
        from plugins.command.copy import copy

        source, target = inputs["source"], inputs["remotePath"]
        doing = f"copying {source.get('path', 'a text')} to {target}"
        try:
            self._remote().with_sftp(
                inputs["connection"],
                lambda sftp: copy(sftp, source, target),
                doing,
                self._shows(urn),
                timeout_seconds or None,
            )
        except CommandError as problem:
            context.abort(UNKNOWN, str(problem))

    def _remote(self) -> Any:
        if self._hosts is None:
            from plugins.command.hosts import Hosts

            self._hosts = Hosts()
        return self._hosts

    def _shows(self, urn: str) -> Callable[[str], None]:
        return self._engine.shows(urn) if self._engine is not None else lambda _: None


def _own(inputs: Struct) -> dict[str, Any]:
    """The inputs without what the CLI adds for itself."""
    return {name: value for name, value in plain(inputs).items() if not name.startswith("__")}


def _unwrapped(value: Any) -> Struct:
    """The map in a value that is marked secret."""
    found: Struct = value.struct_value.fields["value"].struct_value
    return found


def _fill_in(connection: Struct) -> None:
    """Give a connection, and its proxy, their defaults."""
    if rpc._special_sig_key in connection.fields or not connection.fields:
        return  # not known yet
    for name, value in fields.DEFAULTS.items():
        if connection.fields[name].WhichOneof("kind") in (None, "null_value"):
            if isinstance(value, str):
                connection.fields[name].string_value = value
            else:
                connection.fields[name].number_value = value
    if "proxy" in connection.fields:
        _fill_in(connection.fields["proxy"].struct_value)


def _with(inputs: Struct, printed: Printed) -> Struct:
    """The state of a command: its inputs, and what it printed."""
    state = Struct()
    state.CopyFrom(inputs)
    state.fields["stdout"].string_value = printed.stdout
    state.fields["stderr"].string_value = printed.stderr
    return state


def _not_run_yet(inputs: Struct) -> Struct:
    return _with(inputs, Printed(rpc.UNKNOWN, rpc.UNKNOWN))


def add_to(server: grpc.Server) -> Callable[[], None]:
    """Serve one plugin process; what closes it."""
    service = Command()
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(service, server)
    return service.close
