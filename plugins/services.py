"""Which plugin is served by what.

Each service is a module with `add_to(server)`, which adds the servicer of one plugin process to a
gRPC server and returns the function that closes it. Modules are imported when they're needed.
"""

from __future__ import annotations

import importlib
import sys
import threading
import traceback
from concurrent import futures
from typing import Any

import grpc
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS

from plugins import interpreter, spawned
from plugins.launcher import Launcher
from plugins.names import DYNAMIC, LANGUAGE, PROVIDERS
from plugins.zygote import Zygote

CALLS_AT_ONCE = 512
"""Threads are started as calls need them. Chosen: more than any --parallel of use."""


def import_providers() -> None:
    """Import what serves the providers, while the CLI and the zygote have something else to do."""
    for module in PROVIDERS.values():
        importlib.import_module(module)


class Services:
    """Serves launchers, each with what its name asks for."""

    def __init__(self, zygote: Zygote, debugging: bool) -> None:
        self._zygote = zygote
        self._debugging = debugging
        self._workers = futures.ThreadPoolExecutor(CALLS_AT_ONCE)

    def serve(self, launcher: Launcher) -> None:
        """Serve this one; if that fails, end it with the reason."""
        try:
            if launcher.name == DYNAMIC:
                self._serve_dynamic(launcher)
            else:
                self._serve_grpc(launcher)
        except interpreter.OptionError as refused:
            launcher.end(str(refused))
        except Exception as problem:  # noqa: BLE001  (one plugin's failure must not end the others)
            traceback.print_exc()
            launcher.end(f"the plugin cannot be served here: {problem}")

    def stop(self, launcher: Launcher) -> None:
        """Stop what serves this one."""
        launcher.stop()
        launcher.close()

    def close(self) -> None:
        """Close what services share."""
        if ssh := sys.modules.get("plugins.ssh"):
            ssh.close_all()

    def _serve_grpc(self, launcher: Launcher) -> None:
        options = [*_GRPC_CHANNEL_OPTIONS, ("grpc.so_reuseport", 0)]
        server = grpc.server(self._workers, options=options)
        if launcher.name == LANGUAGE:
            from plugins.language import service

            close = service.add_to(server, self._zygote, launcher, self._debugging)
        else:
            close = importlib.import_module(PROVIDERS[launcher.name]).add_to(server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()

        def stop() -> None:
            server.stop(None)
            close()

        launcher.stop = stop
        launcher.tell(port)

    def _serve_dynamic(self, launcher: Launcher) -> None:
        python = interpreter.of_dynamic_provider(launcher.environment, launcher.directory)
        order: dict[str, Any] = {
            "environment": python.environment(launcher.environment),
            "directory": launcher.directory,
        }
        start = self._zygote.fork if python.is_ours else spawned.starter(python.path)
        child = start(order, launcher.stdout, launcher.stderr)

        def watch() -> None:
            code = child.wait()
            how = "with the plugin host's own" if code is None else f"(exit code {code})"
            launcher.end(f"the process of the dynamic providers ended {how}")

        launcher.stop = child.end
        threading.Thread(target=watch, daemon=True).start()
