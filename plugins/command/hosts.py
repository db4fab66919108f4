"""The way to other hosts, by asyncssh.

A connection of this plugin says everything itself: inline keys, their passphrase, passwords, an
agent's socket, a pinned host key, a bastion; neither the operator's ssh_config nor known_hosts
counts. OpenSSH's `ssh` would need key files on disk and a helper program for each password.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

import asyncssh

from plugins.command.output import CommandError, Output, Stream, quoted

LOGINS_AT_ONCE = 5
"""For one host: sshd turns others away at ten (MaxStartups)."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, PAUSE_GROWS_BY = 0.1, 5.0, 1.5
"""Between two tries to connect. Source: as pulumi-command."""
T = TypeVar("T")
Show = Callable[[str], None]


class Hosts:
    """Connections, one for each operation; all on one thread of their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._logins: dict[str, asyncio.Semaphore] = {}
        self._running: set[Future[Any]] = set()

    def run(
        self,
        connection: Mapping[str, Any],
        command: str,
        stdin: str,
        variables: Mapping[str, str],
        previous: Mapping[str, str],
        output: Output,
        show: Show,
        timeout_seconds: float | None,
    ) -> None:
        """Run a command there. CommandError if it fails, or the host doesn't let us in. What
        `variables` says must reach the command; what `previous` says may."""

        async def there() -> None:
            async with self._connected(connection, show) as host:
                if variables:
                    await _require_accepted(host, variables)
                await _run(host, command, stdin, {**variables, **previous}, output)

        self.do(there(), f"running {quoted(command)}", timeout_seconds)

    def with_sftp(
        self,
        connection: Mapping[str, Any],
        work: Callable[[asyncssh.SFTPClient], Coroutine[Any, Any, None]],
        doing: str,
        show: Show,
        timeout_seconds: float | None,
    ) -> None:
        """Do `work` with files there. CommandError if it can't be done."""

        async def there() -> None:
            async with self._connected(connection, show) as host, host.start_sftp_client() as sftp:
                await work(sftp)

        self.do(there(), doing, timeout_seconds)

    def do(self, work: Coroutine[Any, Any, T], doing: str, timeout_seconds: float | None) -> T:
        """The result of `work`, done on the thread of the connections."""
        future = asyncio.run_coroutine_threadsafe(work, self._started())
        with self._lock:
            self._running.add(future)
        try:
            return future.result(timeout_seconds)
        except TimeoutError:
            future.cancel()
            raise CommandError(f"no end within {timeout_seconds:.0f} s: {doing}") from None
        except asyncio.CancelledError:
            raise CommandError(f"interrupted: {doing}") from None
        except (OSError, asyncssh.Error) as problem:
            raise CommandError(f"{problem}: {doing}") from None
        finally:
            with self._lock:
                self._running.discard(future)

    def end_all(self) -> None:
        """End what runs, as an operator's interruption does."""
        with self._lock:
            running = list(self._running)
        for future in running:
            future.cancel()

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, daemon=True).start()
            return self._loop

    @asynccontextmanager
    async def _connected(
        self, connection: Mapping[str, Any], show: Show
    ) -> AsyncIterator[asyncssh.SSHClientConnection]:
        async with AsyncExitStack() as stack:
            tunnel = None
            if proxy := connection.get("proxy"):
                tunnel = await self._login(proxy, show, "Dial proxy", None, stack)
            yield await self._login(connection, show, "Dial", tunnel, stack)

    async def _login(
        self,
        connection: Mapping[str, Any],
        show: Show,
        doing: str,
        tunnel: asyncssh.SSHClientConnection | None,
        stack: AsyncExitStack,
    ) -> asyncssh.SSHClientConnection:
        limit, tries, pause = int(connection["dialErrorLimit"]), 0, FIRST_PAUSE_SECONDS
        name = f"{connection['host']}:{connection['port']}"
        slots = self._logins.setdefault(name, asyncio.Semaphore(LOGINS_AT_ONCE))
        options = await _options(connection, stack)
        while True:
            try:
                async with slots:
                    opened = asyncssh.connect(tunnel=tunnel or (), **options)
                    return await stack.enter_async_context(opened)
            except (OSError, asyncssh.Error, TimeoutError) as problem:
                tries += 1
                said = str(problem) or f"no answer within {connection['perDialTimeout']} s"
                if -1 < limit < tries:
                    raise CommandError(f"{name}: after {limit} failed attempts: {said}") from None
            show(f"{doing} {tries}/{'inf' if limit < 0 else limit} failed: retrying")
            await asyncio.sleep(pause)
            pause = min(pause * PAUSE_GROWS_BY, LONGEST_PAUSE_SECONDS)


async def _options(connection: Mapping[str, Any], stack: AsyncExitStack) -> dict[str, Any]:
    """What asyncssh shall do for this connection, and nothing that only this machine says."""
    keys: list[Any] = []
    try:
        if text := connection.get("privateKey"):
            password = connection.get("privateKeyPassword")
            keys.append(asyncssh.import_private_key(text.strip() + "\n", password))
        known: tuple[list[asyncssh.SSHKey], list[asyncssh.SSHKey], list[asyncssh.SSHKey]] | None
        known = None
        if host_key := connection.get("hostKey"):
            known = ([asyncssh.import_public_key(host_key)], [], [])
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as problem:
        raise CommandError(f"the connection to {connection['host']}: {problem}") from None
    if agent_path := connection.get("agentSocketPath") or os.environ.get("SSH_AUTH_SOCK"):
        agent = await asyncssh.connect_agent(agent_path)
        if agent is not None:
            stack.push_async_callback(_closed, agent)
            keys += await agent.get_keys()
    seconds = int(connection["perDialTimeout"]) or None
    return {
        "host": connection["host"],
        "port": int(connection["port"]),
        "username": connection["user"],
        "password": connection.get("password"),
        "client_keys": keys or None,
        "agent_path": None,
        "known_hosts": known,
        "config": None,
        "gss_host": None,
        "connect_timeout": seconds,
        "login_timeout": seconds or 0,
    }


async def _closed(agent: asyncssh.SSHAgentClient) -> None:
    agent.close()
    await agent.wait_closed()


async def _require_accepted(
    host: asyncssh.SSHClientConnection, variables: Mapping[str, str]
) -> None:
    """CommandError if sshd keeps a variable from the command: it would run without a word of
    that. (The protocol could say so, but asyncssh doesn't ask.)"""
    done = await host.run("env", env=dict(variables), encoding=None)
    if done.exit_status != 0:
        return  # no such command there: nobody can say
    assert isinstance(done.stdout, bytes)
    there = {line.partition(b"=")[0].decode(errors="replace") for line in done.stdout.splitlines()}
    for name in variables:
        if name not in there:
            raise CommandError(
                f"could not set environment variable {quoted(name)}: the SSH server doesn't accept"
                " it (AcceptEnv in sshd_config). Where a Bash-like shell runs the command, prefix"
                f" it instead: {name}=value command"
            )


async def _run(
    host: asyncssh.SSHClientConnection,
    command: str,
    stdin: str,
    variables: Mapping[str, str],
    output: Output,
) -> None:
    async with host.create_process(command, env=dict(variables), encoding=None) as process:

        async def read(stream: Stream, reader: asyncssh.SSHReader[bytes]) -> None:
            async for line in reader:
                output.feed(stream, line)

        reading = [
            asyncio.create_task(read("stdout", process.stdout)),
            asyncio.create_task(read("stderr", process.stderr)),
        ]
        if stdin:
            process.stdin.write(stdin.encode())
        process.stdin.write_eof()
        await asyncio.gather(*reading)
        await process.wait_closed()
    if process.exit_signal:
        raise output.failed(f"Process exited from signal {process.exit_signal[0]}", command)
    if process.exit_status is None:
        raise output.failed("the connection was lost", command)
    if process.exit_status:
        raise output.failed(f"Process exited with status {process.exit_status}", command)
