"""The CLI's Engine service: where a plugin shows what happens under a resource."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import grpc
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class Engine:
    """The way to it, opened when there is something to show."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.insecure_channel(address, options=_GRPC_CHANNEL_OPTIONS)
        self._stub = engine_pb2_grpc.EngineStub(self._channel)

    def shows(self, urn: str) -> Callable[[str], None]:
        """What shows a line under this resource while it is worked on."""

        def show(line: str) -> None:
            request = engine_pb2.LogRequest(
                severity=engine_pb2.INFO, message=line, urn=urn, ephemeral=True
            )
            with suppress(grpc.RpcError):  # the CLI is about to end
                self._stub.Log(request)

        return show

    def close(self) -> None:
        """Let go of it."""
        self._channel.close()
