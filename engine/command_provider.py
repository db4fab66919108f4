"""The package `command`: local and remote Command, and CopyToRemote (by OpenSSH)."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Callable
from typing import Any

from engine.command_hosts import Hosts
from engine.provider import CheckFailure, Diff, Known, PropertyDiff, ProviderError
from engine.values import UNKNOWN, Archive, Asset, Props, contains_unknown, deep_equals

LOCAL = "command:local:Command"
REMOTE = "command:remote:Command"
COPY = "command:remote:CopyToRemote"
_SHARED = frozenset(
    {"create", "update", "delete", "environment", "stdin", "triggers", "logging"}
    | {"addPreviousOutputInEnv"}
)
_INPUTS = {
    LOCAL: _SHARED | {"dir", "interpreter"},
    REMOTE: _SHARED | {"connection"},
    COPY: frozenset({"connection", "source", "remotePath", "triggers"}),
}
_CONNECTION = frozenset(
    {"host", "user", "port", "privateKey", "hostKey", "agentSocketPath"}
    | {"dialErrorLimit", "perDialTimeout"}
)
SHELL = ["/bin/sh", "-c"]


def kind_of(urn: str) -> str:
    """The type token of a URN."""
    return urn.split("::", 3)[2].rpartition("$")[2]


class CommandProvider:
    """Runs commands; golden case 28 shows each rule."""

    supports_preview = True

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        self._hosts = Hosts()
        self._tell = tell

    def configure(self, inputs: Props, lazily: bool) -> None:
        """Nothing to configure."""

    def check(self, urn: str, olds: Props | None, news: Props) -> tuple[Props, list[CheckFailure]]:
        """The inputs as they are; what isn't supported is refused by name."""
        kind = kind_of(urn)
        given = {key for key, value in news.items() if value not in (None, [], {}, "")}
        words = "this engine's command provider doesn't support it; use the Pulumi CLI"
        failures = [CheckFailure(key, words) for key in sorted(given - _INPUTS[kind])]
        if kind == COPY and not contains_unknown(news.get("source")):
            failures += _source_failures(news.get("source"))
        if kind != LOCAL and isinstance(news.get("connection"), dict):
            connection = news["connection"]
            used = {key for key, value in connection.items() if value not in (None, "")}
            failures += [
                CheckFailure(f"connection.{key}", words) for key in sorted(used - _CONNECTION)
            ]
            if not connection.get("host"):
                failures.append(CheckFailure("connection.host", "is required"))
        return {key: value for key, value in news.items() if value is not None}, failures

    def diff(self, old: Known, news: Props, ignore_changes: list[str]) -> Diff:
        """Triggers replace, everything else changes in place."""
        skipped = {path.partition(".")[0].partition("[")[0] for path in ignore_changes}
        detailed: dict[str, PropertyDiff] = {}
        for key in sorted(_INPUTS[kind_of(old.urn)] - skipped):
            before, new = old.inputs.get(key), news.get(key)
            if deep_equals(before, new) and not contains_unknown(new):
                continue
            if key == "triggers":
                detailed[_first_difference(before, new)] = PropertyDiff("update-replace")
            elif before is None or new is None:
                detailed[key] = PropertyDiff("add" if before is None else "delete")
            else:
                detailed[key] = PropertyDiff("update")
        if not detailed:
            return Diff("none", detailed={})
        changed = sorted({path.partition("[")[0] for path in detailed})
        return Diff("some", diffs=changed, detailed=detailed)

    def create(
        self, urn: str, news: Props, timeout_seconds: float, preview: bool
    ) -> tuple[str, Props]:
        """Run `create`, or copy."""
        if kind_of(urn) == COPY:
            if not preview:
                self._copy(news, timeout_seconds)
            return "" if preview else secrets.token_hex(4), dict(news)
        identifier = f"{urn.split('::', 3)[-1]}{secrets.token_hex(4)}"
        if preview:
            return identifier, {**news, "stdout": UNKNOWN, "stderr": UNKNOWN}
        outputs = {**news, "stdout": "", "stderr": ""}
        if command := news.get("create"):
            outputs |= self._run(urn, str(command), news, {}, timeout_seconds)
        return identifier, outputs

    def update(self, old: Known, news: Props, timeout_seconds: float, preview: bool) -> Props:
        """Run `update`, or `create` where there is none; copy again what has changed."""
        if kind_of(old.urn) == COPY:
            changed = [k for k in ("source", "remotePath") if not _same(old.inputs, news, k)]
            if changed and not preview:
                self._copy(news, timeout_seconds)
            return dict(news)
        if preview:
            return {**news, "stdout": UNKNOWN, "stderr": UNKNOWN}
        kept = {key: old.outputs.get(key, "") for key in ("stdout", "stderr")}
        command = news.get("update") or news.get("create")
        if not command:
            return {**news, **kept}
        return {**news, **self._run(old.urn, str(command), news, old.outputs, timeout_seconds)}

    def read(self, old: Known) -> tuple[str, Props, Props] | None:
        """As it was: what a command did can't be looked at."""
        return old.id, old.inputs, old.outputs

    def delete(self, old: Known, timeout_seconds: float) -> None:
        """Run `delete`, if there is one."""
        if command := old.inputs.get("delete"):
            self._run(old.urn, str(command), old.inputs, old.outputs, timeout_seconds)

    def invoke(self, token: str, args: Props) -> tuple[Props, list[CheckFailure]]:
        """No function is supported."""
        raise ProviderError(f"the function {token} isn't supported by this engine")

    def close(self) -> None:
        """Forget keys; the connections end with the run."""
        self._hosts.close()

    def _copy(self, inputs: Props, timeout_seconds: float) -> None:
        source, target = str(inputs["source"].path), str(inputs["remotePath"])
        try:
            self._hosts.copy(inputs["connection"], source, target, timeout_seconds or None)
        except subprocess.TimeoutExpired:
            raise ProviderError(
                f"no end within {timeout_seconds:.0f} s: copying {source} to {target}"
            ) from None
        except OSError as problem:
            raise ProviderError(f"{problem}: copying {source} to {target}") from None

    def _run(
        self, urn: str, command: str, inputs: Props, before: Props, timeout_seconds: float
    ) -> Props:
        """stdout and stderr of the command. ProviderError, with all it said, if it fails."""
        variables = {k: str(v) for k, v in (inputs.get("environment") or {}).items()}
        if inputs.get("addPreviousOutputInEnv", True):
            for key, name in (("stdout", "STDOUT"), ("stderr", "STDERR")):
                if before.get(key):
                    variables[f"PULUMI_COMMAND_{name}"] = str(before[key])
        environment = dict(os.environ)
        environment.pop("PULUMI_CONFIG_PASSPHRASE", None)
        stdin, limit = str(inputs.get("stdin") or ""), timeout_seconds or None
        try:
            if kind_of(urn) == REMOTE:
                connection = inputs["connection"]
                done = self._hosts.run(connection, command, variables, stdin, environment, limit)
            else:
                done = subprocess.run(
                    [*(inputs.get("interpreter") or SHELL), command],
                    cwd=inputs.get("dir"),
                    env={**environment, **variables},
                    input=stdin,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    timeout=limit,
                )
        except subprocess.TimeoutExpired:
            raise ProviderError(
                f'no end within {timeout_seconds:.0f} s: running "{command}"'
            ) from None
        except OSError as problem:
            raise ProviderError(f'{problem}: running "{command}"') from None
        self._show(urn, inputs, done)
        if done.returncode:
            said = done.stdout + done.stderr
            raise ProviderError(f'exit status {done.returncode}: running "{command}":\n{said}')
        return {"stdout": _cut(done.stdout), "stderr": _cut(done.stderr)}

    def _show(self, urn: str, inputs: Props, done: subprocess.CompletedProcess[str]) -> None:
        """Show the output under the resource, as far as `logging` allows."""
        wanted = inputs.get("logging") or "stdoutAndStderr"
        for name, text in (("stdout", done.stdout), ("stderr", done.stderr)):
            for line in text.splitlines() if name in wanted.lower() else ():
                self._tell(urn, line)


def _cut(text: str) -> str:
    """Without the one newline at the end."""
    return text.removesuffix("\n")


def _first_difference(old: Any, new: Any) -> str:
    if isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            if index >= len(old) or index >= len(new) or not deep_equals(old[index], new[index]):
                return f"triggers[{index}]"
    return "triggers"


def _same(before: Props, after: Props, key: str) -> bool:
    return deep_equals(before.get(key), after.get(key))


def _source_failures(source: Any) -> list[CheckFailure]:
    """As the CLI's provider: a file or a directory of this machine, nothing else."""
    if isinstance(source, Asset | Archive) and source.path is not None:
        return []
    return [CheckFailure("source", "must be a FileAsset, or a FileArchive of a path")]
