"""The two gRPC services that a running program talks to: ResourceMonitor and Engine."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import VERSION_LINE
from engine.assets import AssetError, hashed
from engine.events import Events
from engine.goals import (
    Aborted,
    AliasSpec,
    Goal,
    Refused,
    Registered,
    Registration,
    make_urn,
    package_of,
)
from engine.protocol import OPTIONS, load
from engine.provider import ProviderError
from engine.registry import (
    DYNAMIC,
    INTERNAL,
    Registry,
    checked_config,
    default_inputs,
    default_name,
)
from engine.rows import PROVIDER_PREFIX, STACK_TYPE, Row
from engine.values import UNKNOWN, Props, Value, contains_unknown, number
from engine.versions import is_in
from engine.wire import decode, from_struct, from_value, to_struct

# Secrets, references, output values, alias specs, replacement trigger, deletedWith, replaceWith:
# what isn't in this list the SDK refuses by itself, with a sentence of its own.
FEATURES = {
    0: "secrets",
    1: "resourceReferences",
    2: "outputValues",
    3: "aliasSpecs",
    4: "replacementTrigger",
    5: "deletedWith",
    6: "replaceWith",
}
SEVERITIES = ("debug", "info", "warning", "error")
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


@dataclass(eq=False)
class OutputsEvent:
    """A resource's outputs, to be recorded."""

    urn: str
    outputs: Props
    answer: Future[None]


@dataclass(eq=False)
class ReadEvent:
    """An object outside that is to be read."""

    registration: Registration
    id: Value


@dataclass(eq=False)
class DoneEvent:
    """The program has nothing more to register; answered when all is done."""

    answer: Future[None]


class Stopped:
    """The run ends: a step failed, something was refused, or the operator interrupted."""


@dataclass(frozen=True)
class Run:
    """What a program may know of the run it's in."""

    project: str
    stack: str
    root: Path  # of the project
    directory: Path  # of the program
    config: Mapping[str, str]
    secret_keys: frozenset[str]
    preview: bool
    parallel: int


def seconds(text: str) -> float:
    """The seconds of a duration such as `1h30m` or `2.5s`."""
    found = re.findall(r"([\d.]+)(h|ms|us|µs|ns|m|s)", text)
    if not found or "".join(a + b for a, b in found) != text:
        raise Refused(f"{text!r} isn't a duration such as 90s or 1h30m")
    return number(sum(float(amount) * UNITS[unit] for amount, unit in found))


class Monitor:
    """Turns requests into events for the one thread that decides, and waits for the answers."""

    def __init__(
        self,
        run: Run,
        registry: Registry,
        events: Events,
        put: Callable[[Any], None],
        stop: Callable[[], None],
    ) -> None:
        self._stop = stop
        self._run = run
        self._registry = registry
        self._events = events
        self._put = put
        self._goals: dict[str, Goal] = {}
        self._rows: dict[str, Row] = {}
        self._defaults: dict[str, Future[Registered]] = {}
        self._lock = threading.Lock()
        self._messages = load("resource_pb2")
        self._server: Any = None
        self.silent = False  # the run has failed: the program's own complaints would only repeat it
        self.address = ""

    def start(self) -> None:
        """Serve on a port of its own on loopback."""
        import grpc

        # A registration holds its thread until it's done; the program has 4 × parallel of its own.
        pool = ThreadPoolExecutor(max_workers=self._run.parallel * 4 + 16)
        self._server = grpc.server(pool, options=OPTIONS)
        self._add_service("resource_pb2", "ResourceMonitor")
        self._add_service("engine_pb2", "Engine")
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def _add_service(self, module: str, name: str) -> None:
        servicer = _Servicer(self)
        add = getattr(load(f"{module}_grpc"), f"add_{name}Servicer_to_server")
        add(servicer, self._server)

    def close(self) -> None:
        """Answer nothing more."""
        if self._server is not None:
            self._server.stop(None)

    # --- what the program asks ----------------------------------------------------------------

    def deployment_info(self) -> Any:
        """GetDeploymentInfo."""
        run = self._run
        return self._messages.DeploymentInfo(
            project=run.project,
            stack=run.stack,
            organization="organization",
            config=dict(run.config),
            configSecretKeys=sorted(run.secret_keys),
            dryRun=run.preview,
            parallel=run.parallel,
            supportedFeatures=sorted(FEATURES),
        )

    def supports(self, request: Any) -> Any:
        """SupportsFeature."""
        known = request.id in FEATURES.values()
        return self._messages.SupportsFeatureResponse(hasSupport=known)

    def require_version(self, request: Any) -> Any:
        """RequirePulumiVersion: the program's own demand."""
        wanted = request.pulumi_version_range
        try:
            fits = is_in(wanted)
        except ValueError as problem:
            raise Refused(str(problem)) from None
        if not fits:
            raise Refused(
                f"Pulumi CLI version {VERSION_LINE} does not satisfy the version range "
                f"requested by the Pulumi program: {wanted}"
            )
        return load("engine_pb2").RequirePulumiVersionResponse()

    def log(self, request: Any) -> None:
        """Engine.Log."""
        severity = SEVERITIES[request.severity]
        if self.silent and severity == "error":
            return
        if severity != "debug":  # an error that the program only logs fails nothing (golden 09)
            more = {"ephemeral": True} if request.ephemeral else {}
            self._events.diagnostic(severity, request.message, request.urn, **more)

    def register(self, request: Any) -> Any:
        """RegisterResource: the answer comes when the resource is as wanted."""
        self._refuse_unsupported(request)
        goal = self._goal(request)
        urn = make_urn(self._run.stack, self._run.project, goal.parent, goal.type, goal.name)
        registration = Registration(goal)
        with self._lock:
            if urn in self._goals:  # found before the first one is even begun (golden 21)
                raise Refused(f"Duplicate resource URN '{urn}'; try giving it a unique name", urn)
            self._goals[urn] = goal
        self._put(registration)
        done = registration.answer.result()
        self._rows[urn] = done.row
        return self._registered(request, urn, goal, done)

    def _registered(self, request: Any, urn: str, goal: Goal, done: Registered) -> Any:
        response = self._messages.RegisterResourceResponse(urn=urn)
        if done.failed and not request.supportsResultReporting:
            raise ProviderError(f"{urn} failed")
        response.result = self._messages.FAIL if done.failed else self._messages.SUCCESS
        response.unknown = done.skipped  # what isn't made yet has no outputs to tell of
        if not goal.custom:
            return response
        if decode(done.row.id) is not UNKNOWN:
            response.id = done.row.id
        response.object.CopyFrom(self._struct(done.row.outputs, request))
        return response

    @staticmethod
    def _struct(props: Mapping[str, Value], request: Any) -> Any:
        return to_struct(
            props, "keep" if request.acceptSecrets else "strip", bool(request.acceptResources)
        )

    def _refuse_unsupported(self, request: Any) -> None:
        what = f"{request.type} {request.name!r}"
        if request.remote:
            raise Refused(f"{what}: remote components aren't supported by this engine")
        if request.packageRef:
            raise Refused(f"{what}: parameterized packages aren't supported by this engine")
        if request.importId:
            raise Refused(f"{what}: `import_` isn't supported by this engine")
        if request.transforms or request.hooks.ListFields():
            raise Refused(f"{what}: transforms and hooks aren't supported by this engine")
        if request.pluginDownloadURL:
            raise Refused(f"{what}: `plugin_download_url` isn't supported by this engine")
        if request.custom:
            self._registry.refuse_unknown(request.type, request.version)

    def _goal(self, request: Any) -> Goal:
        parent = self._goals.get(request.parent)
        inputs = hashed(from_struct(request.object), self._run.directory)
        package = package_of(request.type)
        providers = {**(parent.providers if parent is not None else {}), **request.providers}
        if request.custom and request.type.startswith(PROVIDER_PREFIX):
            inputs = checked_config(package, inputs)
            inputs |= {"version": request.version} if request.version else {}
            inputs[INTERNAL] = {}
            provider = ""
        else:
            provider = self._provider(request, parent, providers, package)
        timeouts = {
            name: seconds(getattr(request.customTimeouts, name))
            for name in ("create", "update", "delete", "read")
            if request.HasField("customTimeouts") and getattr(request.customTimeouts, name)
        }
        more = self._of_custom(request, timeouts) if request.custom else {}
        return Goal(
            type=request.type,
            name=request.name,
            custom=request.custom,
            inputs=inputs,
            parent=request.parent,
            provider=provider,
            providers=providers,
            dependencies=tuple(request.dependencies),
            property_dependencies=self._property_dependencies(request, inputs),
            protect=self._inherited(request, "protect", parent),
            retain_on_delete=self._inherited(request, "retainOnDelete", parent),
            deleted_with=request.deletedWith or (parent.deleted_with if parent else ""),
            replace_with=tuple(request.replace_with),
            replacement_trigger=(
                from_value(request.replacement_trigger)
                if request.HasField("replacement_trigger")
                else None
            ),
            additional_secret_outputs=tuple(request.additionalSecretOutputs),
            aliases=tuple(self._aliases(request)),
            hide_diff=tuple(request.hideDiffs),
            source_position=self._position(request),
            **more,
        )

    @staticmethod
    def _of_custom(request: Any, timeouts: dict[str, float]) -> dict[str, Any]:
        first = request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None
        return {
            "custom_timeouts": timeouts,
            "delete_before_replace": first,
            "ignore_changes": tuple(request.ignoreChanges),
            "replace_on_changes": tuple(request.replaceOnChanges),
        }

    @staticmethod
    def _inherited(request: Any, name: str, parent: Goal | None) -> bool:
        if request.HasField(name):
            return bool(getattr(request, name))
        if parent is None:
            return False
        return parent.protect if name == "protect" else parent.retain_on_delete

    @staticmethod
    def _property_dependencies(request: Any, inputs: Props) -> dict[str, list[str]]:
        given = {key: list(item.urns) for key, item in request.propertyDependencies.items()}
        if given or not request.custom:
            return given
        return {key: list(request.dependencies) for key in inputs if key != INTERNAL}

    @staticmethod
    def _aliases(request: Any) -> list[AliasSpec]:
        found = [AliasSpec(urn=urn) for urn in request.aliasURNs]
        for alias in request.aliases:
            if alias.WhichOneof("alias") == "urn":
                found.append(AliasSpec(urn=alias.urn))
                continue
            spec = alias.spec
            found.append(
                AliasSpec(
                    name=spec.name,
                    type=spec.type,
                    stack=spec.stack,
                    project=spec.project,
                    parent=spec.parentUrn,
                    no_parent=spec.noParent,
                )
            )
        return found

    def _position(self, request: Any) -> str:
        position = request.sourcePosition
        path = position.uri.removeprefix("file://")
        if not path:
            return ""
        try:
            shown = Path(path).resolve().relative_to(self._run.root.resolve()).as_posix()
        except ValueError:
            return ""
        return f"project:///{shown}#{position.line}"

    def _provider(
        self, request: Any, parent: Goal | None, providers: Mapping[str, str], package: str
    ) -> str:
        """The reference of the provider to use (golden 24, 28); "" for a component without one."""
        if not request.custom:
            return request.provider or (parent.provider if parent is not None else "")
        if request.provider:
            return str(request.provider)
        if parent is not None and parent.provider:
            type_ = parent.provider.split("::", 3)[2].rpartition("$")[2]
            if package_of(type_) == package:
                return parent.provider
        if package in providers:
            return providers[package]
        return self._default_provider(package, request.version)

    def _default_provider(self, package: str, version: str) -> str:
        with self._lock:
            name = default_name("" if package in (DYNAMIC, "pulumi") else version)
            waiting = self._defaults.get(f"{package} {name}")
            if waiting is None:
                run = self._run
                inputs = default_inputs(package, version, run.config, run.secret_keys)
                goal = Goal(f"{PROVIDER_PREFIX}{package}", name, True, inputs)
                registration = Registration(goal)
                waiting = self._defaults[f"{package} {name}"] = registration.answer
                self._put(registration)
        row = waiting.result().row
        return f"{row.urn}::{row.id}"

    def register_outputs(self, request: Any) -> None:
        """RegisterResourceOutputs."""
        outputs = hashed(from_struct(request.outputs), self._run.directory)
        event = OutputsEvent(request.urn, outputs, Future())
        self._put(event)
        event.answer.result()

    def read(self, request: Any) -> Any:
        """ReadResource: an object this stack doesn't own."""
        if request.packageRef or request.pluginDownloadURL:
            raise Refused(f"{request.type} {request.name!r}: such a package isn't supported")
        self._registry.refuse_unknown(request.type, request.version)
        parent = self._goals.get(request.parent)
        providers = parent.providers if parent is not None else {}
        inputs = from_struct(request.properties)
        provider = request.provider or providers.get(package_of(request.type), "")
        goal = Goal(
            type=request.type,
            name=request.name,
            custom=True,
            inputs=inputs,
            parent=request.parent,
            provider=provider or self._default_provider(package_of(request.type), request.version),
            dependencies=tuple(request.dependencies),
            additional_secret_outputs=tuple(request.additionalSecretOutputs),
            source_position=self._position(request),
        )
        registration = Registration(goal)
        self._put(ReadEvent(registration, decode(request.id)))
        done = registration.answer.result()
        urn = make_urn(self._run.stack, self._run.project, goal.parent, goal.type, goal.name)
        self._rows[urn] = done.row
        response = self._messages.ReadResourceResponse(urn=urn)
        response.properties.CopyFrom(self._struct(done.row.outputs, request))
        return response

    def invoke(self, request: Any) -> Any:
        """Invoke: a provider's function."""
        args = from_struct(request.args)
        messages = load("provider_pb2")
        if request.tok == "pulumi:pulumi:getResource":
            return self._get_resource(args, request)
        if request.packageRef or request.pluginDownloadURL:
            raise Refused(f"the function {request.tok}: such a package isn't supported")
        package = package_of(request.tok)
        self._registry.refuse_unknown(f"{PROVIDER_PREFIX}{package}", request.version)
        reference = request.provider or self._default_provider(package, request.version)
        if contains_unknown(args):
            return messages.InvokeResponse()
        result, failures = self._registry.get(reference).invoke(request.tok, args)
        response = messages.InvokeResponse(
            failures=[messages.CheckFailure(property=f.property, reason=f.reason) for f in failures]
        )
        getattr(response, "return").CopyFrom(
            to_struct(result, "keep", bool(request.acceptResources))
        )
        return response

    def _get_resource(self, args: Props, request: Any) -> Any:
        row = self._rows.get(args["urn"])
        if row is None:
            raise ProviderError(f"the resource {args['urn']} isn't known in this run")
        response = load("provider_pb2").InvokeResponse()
        state: Props = {
            "urn": row.urn, "id": row.id, "provider": row.provider, "state": dict(row.outputs)
        }  # fmt: skip
        getattr(response, "return").CopyFrom(
            to_struct(state, "keep", bool(request.acceptResources))
        )
        return response

    def done(self) -> None:
        """SignalAndWaitForShutdown."""
        event = DoneEvent(Future())
        self._put(event)
        event.answer.result()

    def refuse(self, why: str, urn: str = "") -> None:
        """End the run: the program asks for what this engine doesn't do (golden 21)."""
        self.silent = True
        self._stop()
        self._events.error(why, urn)

    def know(self, row: Row) -> None:
        """Keep what a component registered as its outputs, for getResource."""
        self._rows[row.urn] = row


class _Servicer:
    """Both services: each method asks the monitor and turns its errors into gRPC's."""

    def __init__(self, monitor: Monitor) -> None:
        from google.protobuf.empty_pb2 import Empty

        self._monitor = monitor
        self._empty = Empty

    def __getattr__(self, name: str) -> Any:
        if not name[0].isupper():
            raise AttributeError(name)
        return self._handler(name)

    def _handler(self, name: str) -> Callable[[Any, Any], Any]:
        answers: dict[str, Callable[[Any], Any]] = {
            "GetDeploymentInfo": lambda _: self._monitor.deployment_info(),
            "SupportsFeature": self._monitor.supports,
            "RegisterResource": self._monitor.register,
            "RegisterResourceOutputs": self._monitor.register_outputs,
            "ReadResource": self._monitor.read,
            "Invoke": self._monitor.invoke,
            "SignalAndWaitForShutdown": lambda _: self._monitor.done(),
            "Log": self._monitor.log,
            "GetRootResource": lambda _: load("engine_pb2").GetRootResourceResponse(),
            "SetRootResource": lambda _: load("engine_pb2").SetRootResourceResponse(),
            "RequirePulumiVersion": self._monitor.require_version,
        }
        answer = answers.get(name)

        def handle(request: Any, context: Any) -> Any:
            import grpc

            if answer is None:
                context.abort(grpc.StatusCode.UNIMPLEMENTED, f"this engine doesn't offer {name}")
            assert answer is not None
            try:
                found = answer(request)
            except Aborted as error:
                context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
            except (Refused, AssetError) as error:
                self._monitor.refuse(str(error), getattr(error, "urn", ""))
                context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
            except ProviderError as error:
                context.abort(grpc.StatusCode.UNKNOWN, str(error))
            return self._empty() if found is None else found

        return handle


def is_root(urn: str) -> bool:
    """True for the URN of the stack itself."""
    return urn.split("::", 3)[2] == STACK_TYPE


def laid_over(old: Mapping[str, Value], new: Mapping[str, Value]) -> Props:
    """New stack outputs over the old ones: what a failed run leaves (golden 09)."""
    return {**old, **new}
