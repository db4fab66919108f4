"""Pulumi's LanguageRuntime service: everything that operations on a project ask of it.

Source: sdk/python/cmd/pulumi-language-python of Pulumi 3.274, whose texts and exit codes are kept.
"""

from __future__ import annotations

import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any, NoReturn, Protocol

import grpc
from google.protobuf import empty_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import language_pb2 as messages
from pulumi.runtime.proto import language_pb2_grpc, plugin_pb2

from plugins import interpreter, spawned
from plugins.interpreter import Options
from plugins.language import install, packages, typecheck
from plugins.launcher import Launcher
from plugins.names import PROVIDERS
from plugins.program import ALREADY_REPORTED
from plugins.zygote import Zygote

INTERRUPT_SECONDS = 5
"""How long an interrupted program may take to end. Source: as the official language host."""
UNKNOWN, REFUSED = grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED
NOT_SUPPORTED = {
    "RunPlugin": "running a plugin or policy pack written in Python ({0.name})",
    "GenerateProgram": "generating Python code (for pulumi import, add --generate-code=false)",
    "GenerateProject": "generating a Python project (pulumi convert)",
    "GeneratePackage": "generating a Python SDK (pulumi package)",
    "Pack": "packing a Python SDK",
    "Link": "linking a local package (pulumi package add)",
}
"""What the service refuses, by method; `{0}` is the request."""


class Process(Protocol):
    """A process of the project's Python."""

    def wait(self) -> int | None: ...
    def interrupt(self) -> None: ...
    def end(self) -> None: ...


class Language(language_pb2_grpc.LanguageRuntimeServicer):
    """The service for one launcher."""

    def __init__(self, zygote: Zygote, launcher: Launcher, debugging: bool) -> None:
        self._zygote = zygote
        self._debugging = debugging
        self._launcher = launcher
        self._engine = launcher.engine
        self._running: list[Process] = []

    def close(self) -> None:
        """End what still runs."""
        for process in self._running:
            process.end()

    def Handshake(
        self, request: messages.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> messages.LanguageHandshakeResponse:
        self._engine = request.engine_address
        return messages.LanguageHandshakeResponse()

    def GetPluginInfo(
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=version("pulumi"))

    def GetRequiredPackages(
        self, request: messages.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> messages.GetRequiredPackagesResponse:
        options = self._options(request.info, context)
        return messages.GetRequiredPackagesResponse(
            packages=[
                plugin_pb2.PackageDependency(
                    name=plugin.name,
                    version=plugin.version,
                    kind="resource",
                    server=plugin.server,
                    parameterization=_parameterization(plugin),
                )
                for plugin in packages.plugins_of(self._installed(options, context))
                if f"pulumi-resource-{plugin.name}" not in PROVIDERS  # those are always available
            ]
        )

    def GetProgramDependencies(
        self, request: messages.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> messages.GetProgramDependenciesResponse:
        found = self._installed(self._options(request.info, context), context)
        if not request.transitiveDependencies:
            found = packages.not_required(found)
        rows = [messages.DependencyInfo(name=p.name, version=p.version) for p in found]
        return messages.GetProgramDependenciesResponse(dependencies=rows)

    def About(
        self, request: messages.AboutRequest, context: grpc.ServicerContext
    ) -> messages.AboutResponse:
        found = {"executable": sys.executable, "version": platform.python_version()}
        typechecker = None
        if request.HasField("info"):
            options = self._options(request.info, context)
            typechecker = options.typechecker
            if not options.python.is_ours:
                found = self._about(options, context)
        metadata = {"toolchain": "pip", "typechecker": typechecker or "none"}
        return messages.AboutResponse(**found, metadata=metadata)

    def RuntimeOptionsPrompts(
        self, request: messages.RuntimeOptionsRequest, context: grpc.ServicerContext
    ) -> messages.RuntimeOptionsResponse:
        return messages.RuntimeOptionsResponse()

    def Template(
        self, request: messages.TemplateRequest, context: grpc.ServicerContext
    ) -> messages.TemplateResponse:
        self._options(request.info, context)
        return messages.TemplateResponse()  # pip needs nothing of it

    def InstallDependencies(
        self, request: messages.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[messages.InstallDependenciesResponse]:
        if request.is_plugin:
            _refuse(context, "installing a plugin that is written in Python")
        options = self._options(request.info, context, must_exist=False)
        directory = request.info.program_directory or request.directory
        try:
            for text in install.install(options, directory, self._launcher.environment):
                yield messages.InstallDependenciesResponse(stdout=text)
        except install.InstallError as problem:
            context.abort(UNKNOWN, str(problem))

    def Run(
        self, request: messages.RunRequest, context: grpc.ServicerContext
    ) -> messages.RunResponse:
        if request.attach_debugger:
            _refuse(context, "attaching a debugger (--attach-debugger)")
        options = self._options(request.info, context)
        if options.typechecker:
            try:
                typecheck.check(options, request.info.program_directory, self._launcher)
            except typecheck.TypecheckError as problem:
                context.abort(UNKNOWN, str(problem))
        try:
            process = self._start(options.python, self._order(request, options))
        except OSError as problem:
            return messages.RunResponse(error=f"problem executing program: {problem}")
        self._running.append(process)
        context.add_callback(lambda: _interrupt(process))
        code = process.wait()
        self._running.remove(process)
        process.end()
        if code == ALREADY_REPORTED:
            return messages.RunResponse(bail=True)
        return messages.RunResponse(error=_how_it_ended(code))

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        for process in self._running:
            _interrupt(process)
        return empty_pb2.Empty()

    def _options(
        self, info: messages.ProgramInfo, context: grpc.ServicerContext, must_exist: bool = True
    ) -> Options:
        try:
            given = MessageToDict(info.options)
            found = interpreter.options_of(given, info.root_directory, self._launcher.environment)
            if must_exist:
                interpreter.require(found.python)
        except interpreter.OptionError as problem:
            context.abort(UNKNOWN, str(problem))
        return found

    def _installed(self, options: Options, context: grpc.ServicerContext) -> list[packages.Package]:
        try:
            return packages.installed(options.python, self._launcher.environment)
        except (OSError, subprocess.SubprocessError) as problem:
            context.abort(UNKNOWN, f"cannot list the packages of {options.python.path}: {problem}")

    def _about(self, options: Options, context: grpc.ServicerContext) -> dict[str, str]:
        try:
            done = subprocess.run(
                [options.python.path, "-c", "import platform; print(platform.python_version())"],
                capture_output=True,
                text=True,
                check=True,
                timeout=packages.LISTING_SECONDS,
            )
        except (OSError, subprocess.SubprocessError) as problem:
            context.abort(UNKNOWN, f"cannot run {options.python.path}: {problem}")
        return {"executable": options.python.path, "version": done.stdout.strip()}

    def _order(self, request: messages.RunRequest, options: Options) -> dict[str, Any]:
        """What program.py shall run."""
        return {
            "environment": options.python.environment(self._launcher.environment),
            "directory": request.pwd or request.info.program_directory,
            "program": {
                "config": dict(request.config),
                "secret_keys": list(request.configSecretKeys),
                "entry": request.info.entry_point or request.program,
                "arguments": list(request.args),
                "debugging": self._debugging,
                "settings": {
                    "monitor": request.monitor_address,
                    "engine": self._engine,
                    "project": request.project,
                    "stack": request.stack,
                    "parallel": request.parallel,
                    "dry_run": request.dryRun,
                    "organization": request.organization,
                    "root_directory": request.info.root_directory,
                },
            },
        }

    def _start(self, python: interpreter.Interpreter, order: dict[str, Any]) -> Process:
        start: Callable[[dict[str, Any], int, int], Process] = self._zygote.fork
        if not python.is_ours:
            start = spawned.starter(python.path)
        return start(order, self._launcher.stdout, self._launcher.stderr)


def _parameterization(plugin: packages.Plugin) -> plugin_pb2.PackageParameterization | None:
    given = plugin.parameterization
    if given is None:
        return None
    value = given.get("value", "").encode()
    return plugin_pb2.PackageParameterization(
        name=given["name"], version=given["version"], value=value
    )


def _interrupt(process: Process) -> None:
    """Interrupt it, and end it where that isn't enough."""
    process.interrupt()
    end = threading.Timer(INTERRUPT_SECONDS, process.end)
    end.daemon = True
    end.start()


def _how_it_ended(code: int | None) -> str:
    """Empty if the program ended well."""
    if code is None:
        return "program exited unexpectedly: the process that started it is gone"
    if code < 0:
        return f"program was ended by {signal.Signals(-code).name}"
    return f"program exited with non-zero exit code: {code}" if code else ""


def _refuse(context: grpc.ServicerContext, what: str) -> NoReturn:
    context.abort(
        REFUSED,
        f"{what} is not supported by this language host. Use Pulumi's own pulumi-language-python",
    )
    raise AssertionError  # abort raises


def _refusing(what: str) -> Callable[[Language, Any, grpc.ServicerContext], NoReturn]:
    def refuse(_self: Language, request: Any, context: grpc.ServicerContext) -> NoReturn:
        _refuse(context, what.format(request))

    return refuse


for _method, _what in NOT_SUPPORTED.items():
    setattr(Language, _method, _refusing(_what))


def add_to(
    server: grpc.Server, zygote: Zygote, launcher: Launcher, debugging: bool
) -> Callable[[], None]:
    """Serve a launcher's language host; what closes it. `debugging`: the CLI was asked for it."""
    language = Language(zygote, launcher, debugging)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(language, server)
    return language.close
