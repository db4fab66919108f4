"""Runs the project's program, or serves its dynamic providers: in a process forked from the zygote,
or as a script of its own in another Python than the host's.

So it imports nothing of ours, nothing but the standard library before it runs, and runs in any
Python that the SDK supports. The order, one JSON object, comes from an anonymous file: it holds the
configuration in plain text, which no process list may show.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import inspect
import io
import json
import logging
import os
import runpy
import signal
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

ALREADY_REPORTED = 32
"""The exit code that tells the language host to add no message of its own."""
INTERRUPTED = 130
CALLS_AT_ONCE = 512
"""Of a process of dynamic providers. Chosen: as many as the host takes (services.py)."""
CONSTRUCTORS = 3
"""Of Resource, of CustomResource or ComponentResource, of the resource's own class."""
NO_SDK = """
It looks like the Pulumi SDK has not been installed in {python}.
Have you run pip install? If the project has a virtual environment, run: pulumi install
"""


def do(order: dict[str, Any], lifeline: int) -> int:
    """Do what the order says; the exit code. The process ends when the life line closes."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # our parent ignores it
    _follow(lifeline)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["directory"])
    sys.path.insert(0, order["directory"])
    try:
        import pulumi.dynamic
        import pulumi.runtime  # noqa: F401  (both now, while a failure has one meaning)
    except ImportError:
        traceback.print_exc()
        sys.stderr.write(NO_SDK.format(python=sys.executable))
        return 1
    try:
        return _run(order["program"]) if "program" in order else _serve_dynamic_providers()
    except KeyboardInterrupt:  # the CLI says why; a traceback would only hide that
        leave(INTERRUPTED)  # from here: what is under way, if dropped, would complain
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # too late: it has ended


def _follow(lifeline: int) -> None:
    """End this process when the other end of the life line is closed."""

    def watch() -> None:
        while os.read(lifeline, 1):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def leave(code: int) -> NoReturn:
    """End this process, without the time that tearing the interpreter down would take."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def speak_to(stdout: int, stderr: int) -> None:
    """Write what is printed to these descriptors at once, as `python -u` does."""
    for place, name, descriptor in ((1, "stdout", stdout), (2, "stderr", stderr)):
        os.dup2(descriptor, place)
        os.close(descriptor)
        raw = os.fdopen(place, "wb", buffering=0, closefd=False)
        errors = "backslashreplace" if name == "stderr" else "strict"
        setattr(sys, name, io.TextIOWrapper(raw, errors=errors, write_through=True))


def _serve_dynamic_providers() -> int:
    import grpc

    # The SDK's server takes four calls at a time: while four gates wait, whatever the CLI asks of
    # another dynamic resource would wait with them.
    serving = grpc.server
    grpc.server = lambda _, **options: serving(ThreadPoolExecutor(CALLS_AT_ONCE), **options)
    sys.argv = ["pulumi.dynamic"]
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)
    return 0


def _run(program: dict[str, Any]) -> int:
    """Run the program; its exit code."""
    import pulumi

    pulumi.runtime.set_all_config(program["config"], program["secret_keys"])
    known = inspect.signature(pulumi.runtime.Settings.__init__).parameters
    settings = {k: v for k, v in program["settings"].items() if k in known}  # older SDKs know fewer
    pulumi.runtime.configure(pulumi.runtime.Settings(**settings))
    entry = program["entry"]
    sys.argv = [entry, *program["arguments"]]
    main = Path(entry).absolute()
    _quicken(main if main.is_dir() else main.parent, program["debugging"])
    gc.freeze()  # what is imported stays
    gc.set_threshold(50_000, 20, 20)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=max(program["settings"]["parallel"], 1) * 4)
    loop.set_default_executor(executor)
    # What a failed deployment leaves unfinished is told by Pulumi; asyncio needn't tell it again.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)

    def run() -> None:
        if main.is_dir() and not (main / "__main__.py").exists():
            pulumi.log.error(f"unable to find main python program `__main__.py` in `{main}`")
            sys.exit(ALREADY_REPORTED)
        runpy.run_path(entry, run_name="__main__")

    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(run))
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except Exception as error:  # noqa: BLE001  (whatever a program raises is shown to its author)
        if _says_that_the_run_is_over(error):
            return INTERRUPTED
        if isinstance(error, pulumi.RunError):
            pulumi.log.error(str(error))
            return 1
        pulumi.log.error("Program failed with an unhandled exception:\n" + _user_traceback(main))
        return ALREADY_REPORTED
    executor.shutdown(wait=True)
    loop.close()
    return 0


def _quicken(directory: Path, is_debugging: bool) -> None:
    """Leave out what the SDK does for nothing, for a program in this directory. Measured with 300
    and with 378 resources."""
    import pulumi
    import pulumi.runtime.stack as sdk

    if not is_debugging:
        # Each would be a call that the CLI throws away: 0.8 of 2.4 s of CPU.
        pulumi.log.debug = lambda *_, **__: None
    wait_for_rpcs = sdk.wait_for_rpcs

    async def settle_first(await_all_outstanding_tasks: bool = True) -> None:
        # The SDK waits anew for all outputs whenever one is there: 2 of 4.5 s of CPU.
        await _settle()
        await wait_for_rpcs(await_all_outstanding_tasks)

    sdk.wait_for_rpcs = settle_first
    # Each resource would carry every call that led to it, with this machine's paths: four tenths of
    # the state, which Pulumi writes anew at every step and shows to nobody.
    made: Any = pulumi.runtime.resource
    if hasattr(made, "_get_stack_trace") and hasattr(made, "_get_source_position"):
        made._get_stack_trace = made.source_pb2.StackTrace
        made._get_source_position = lambda _: _maker_in(directory)


def _maker_in(directory: Path) -> Any:
    """The line of the program, in this directory, that makes the resource whose constructor asks:
    what the SDK calls a source position, None if it's none of the program's."""
    from pulumi.runtime.proto import source_pb2

    own, constructors = f"{directory}/", 0
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        file = frame.f_code.co_filename
        is_own = file.startswith(own) and "/site-packages/" not in file
        if is_own and constructors >= CONSTRUCTORS:
            return source_pb2.SourcePosition(uri=Path(file).as_uri(), line=frame.f_lineno)
        constructors += frame.f_code.co_name == "__init__"
        frame = frame.f_back
    return None


async def _settle() -> None:
    """Wait for the outputs of all resources, or until something fails: the SDK then says why."""
    from pulumi.runtime.settings import SETTINGS

    while pending := [output for output in list(SETTINGS.outputs) if not output.done()]:
        done, _ = await asyncio.wait(pending, timeout=1, return_when=asyncio.FIRST_EXCEPTION)
        if SETTINGS.rpc_manager.unhandled_exception or any(
            output.cancelled() or output.exception() for output in done
        ):
            return


def _says_that_the_run_is_over(error: BaseException | None) -> bool:
    """True if the error comes of the CLI's end, for which it has a better reason to tell."""
    import grpc

    while error is not None:
        if isinstance(error, grpc.Call) and error.code() == grpc.StatusCode.UNAVAILABLE:
            return True
        error = error.__cause__ or error.__context__
    return False


def _user_traceback(main: Path) -> str:
    """The traceback from the program's first frame on."""

    def module(path: Path) -> Path:
        full = path.absolute()
        return full.with_suffix("") if full.suffix else full / "__main__"

    frames = traceback.extract_tb(sys.exc_info()[2])
    for index, frame in enumerate(frames):
        if module(Path(frame.filename)) == module(main):
            return traceback.format_exc(limit=index - len(frames))
    return traceback.format_exc()


if __name__ == "__main__":
    del sys.path[0]  # our directory: the program's own comes there
    leave(do(json.load(sys.stdin), int(sys.argv[1])))
