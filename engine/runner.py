"""Runs in the project's Python, not in the engine's: the program, and the dynamic providers.

It imports the SDK and what the program will import, forks the process that serves dynamic
providers, and then waits on stdin for one line of JSON that says what to run: so all of this
happens while the engine still derives its key. Both processes end as soon as the engine closes
the life line (or dies). The program's configuration comes through stdin, where no process list
shows it. This file imports nothing of the engine.
"""

import asyncio
import atexit
import contextlib
import gc
import importlib
import io
import json
import logging
import os
import re
import runpy
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ALREADY_REPORTED = 32


def follow(lifeline: int) -> None:
    """End this process when the other end of the life line is closed."""

    def watch() -> None:
        while os.read(lifeline, 1):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def unbuffered(descriptor: int) -> io.TextIOWrapper:
    """A text stream like those of `python -u`: the server writes its port to the bytes below."""
    raw = os.fdopen(descriptor, "wb", buffering=0, closefd=False)
    return io.TextIOWrapper(raw, write_through=True)


def serve_dynamic_providers(stdout: int, stderr: int, lifeline: int) -> None:
    """Serve until the engine lets go of the life line; the first line on stdout is the port."""
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    sys.stdout = unbuffered(1)
    sys.stderr = unbuffered(2)
    follow(lifeline)
    sys.argv = ["pulumi.dynamic"]
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)


def user_traceback(program: str) -> str:
    """The traceback from the program's first frame on."""

    def main_of(path: str) -> Path:
        full = Path(path).absolute()
        return full.with_suffix("") if full.suffix else full / "__main__"

    frames = traceback.extract_tb(sys.exc_info()[2])
    for index, frame in enumerate(frames):
        if main_of(frame.filename) == main_of(program):
            return traceback.format_exc(limit=index - len(frames))
    return traceback.format_exc()


FROM = re.compile(rb"^from[ \t]+(\w[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^#;\n]*)", re.MULTILINE)
IMPORT = re.compile(rb"^import[ \t]+(\w[^#;\n]*)", re.MULTILINE)


def imports_of(file: Path) -> dict[str, set[str]]:
    """The modules that a file imports by absolute names at its outermost level, and which names
    from each. (Parsing it properly takes ten times as long, and what is missed costs only time.)"""
    found: dict[str, set[str]] = {}
    with contextlib.suppress(OSError):
        source = file.read_bytes()
        for module, names in FROM.findall(source):
            found.setdefault(module.decode(), set()).update(re.findall(r"\w+", names.decode()))
        for modules in IMPORT.findall(source):
            for module in modules.split(b","):
                found.setdefault(module.split()[0].decode(), set())
    return found


def import_ahead(directory: Path) -> None:
    """Import the installed packages that the program will, while there is nothing to run yet;
    its own modules are only read, to find what they import."""
    todo = [directory / "__main__.py"]
    seen: set[Path] = set()
    while todo:
        for module, names in sorted(imports_of(todo.pop()).items()):
            own = directory.joinpath(*module.split("."))
            files = [f for f in (own.with_suffix(".py"), own / "__init__.py") if f.is_file()]
            todo += [f for f in files if f not in seen]
            seen.update(files)
            if files or (directory / module.split(".")[0]).is_dir():
                continue
            with contextlib.suppress(Exception):  # the program will meet it, and say so
                found = importlib.import_module(module)
                for name in names:  # some packages load what they hold when it's asked for
                    getattr(found, name, None)


class PatientAsyncio:
    """asyncio for the SDK's wait at the end of the program, which would look at every output again
    whenever one is done: half of all the time at 50 hosts (Measured). An error still ends it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def wait(self, tasks: Any, **_: Any) -> Any:
        return await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)


def lighten_the_sdk() -> None:
    """Leave out what the SDK does for nothing here (Measured at 50 hosts: a third of its time)."""
    import pulumi
    import pulumi.runtime.resource
    import pulumi.runtime.stack

    vars(pulumi.runtime.stack)["asyncio"] = PatientAsyncio()
    pulumi.log.debug = lambda *_, **__: None  # the engine shows none, and each would be a call
    if hasattr(pulumi.runtime.resource, "_get_stack_trace"):
        vars(pulumi.runtime.resource)["_get_stack_trace"] = place_of_registration
    gc.freeze()  # what is imported stays: no collection need look at it again
    gc.set_threshold(50_000, 20, 20)


def place_of_registration() -> Any:
    """The stack trace that the SDK sends with a registration, cut to the one frame that the engine
    uses: who called the third `__init__` from the top."""
    from pulumi.runtime.proto import source_pb2

    frame, constructors = sys._getframe(1), 0
    while frame.f_back is not None and constructors < 3:
        constructors += frame.f_code.co_name == "__init__"
        frame = frame.f_back
    if constructors < 3:
        return source_pb2.StackTrace()
    path = frame.f_code.co_filename
    uri = Path(path).as_uri() if path.startswith("/") else ""
    position = source_pb2.SourcePosition(uri=uri, line=frame.f_lineno) if uri else None
    return source_pb2.StackTrace(frames=[source_pb2.StackFrame(pc=position)])


def run_program(order: dict[str, Any]) -> int:
    """The exit code; 32 means that the error was reported already."""
    import pulumi

    lighten_the_sdk()
    pulumi.runtime.set_all_config(order["config"], order["secret_keys"])
    pulumi.runtime.configure(pulumi.runtime.Settings(**order["settings"]))
    program = order["program"]
    sys.argv = [program]
    sys.path.insert(0, order["program_directory"])
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=max(order["settings"]["parallel"], 1) * 4)
    loop.set_default_executor(executor)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    code = 1
    absolute = str(Path(program).absolute())

    def run() -> None:
        if Path(program).is_dir() and not Path(program, "__main__.py").exists():
            pulumi.log.error(f"unable to find the program's `__main__.py` in {absolute}")
            sys.exit(ALREADY_REPORTED)
        runpy.run_path(program, run_name="__main__")

    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(run))
        code = 0
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
    except Exception:  # noqa: BLE001  (whatever a program raises is shown to its author)
        pulumi.log.error("Program failed with an unhandled exception:\n" + user_traceback(absolute))
        code = ALREADY_REPORTED
    finally:
        executor.shutdown(wait=True)
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return code


def main() -> None:
    directory, dynamic_stdout, dynamic_stderr, lifeline = sys.argv[1], *map(int, sys.argv[2:5])
    os.chdir(directory)
    sys.path[0] = str(Path.cwd())
    try:
        for name in ("dill", "grpc", "pulumi.dynamic", "pulumi.runtime"):
            importlib.import_module(name)
    except ImportError:
        traceback.print_exc()
        print("The Pulumi SDK isn't installed in this Python:", sys.executable, file=sys.stderr)
        sys.exit(1)
    import_ahead(Path.cwd())  # before the fork: once for both processes
    if os.fork() == 0:
        serve_dynamic_providers(dynamic_stdout, dynamic_stderr, lifeline)
        os._exit(0)
    os.close(dynamic_stdout)
    os.close(dynamic_stderr)
    line = sys.stdin.readline()
    if not line:
        os._exit(0)
    follow(lifeline)
    code = run_program(json.loads(line))
    atexit._run_exitfuncs()
    os._exit(code)  # tearing the interpreter down would take longer than a small program


main()
