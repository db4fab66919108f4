"""What the shell may complete. It runs at every TAB: nothing here loads Pulumi or reads YAML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from exctl.site import find_project, stacks_of, wanted_stack
from vendor_facts import SERVICES

SHELLS = ("bash", "zsh", "fish")
RELEASES = "releases"
_PAIR = re.compile(r"^ +[\"']?([1-9][0-9]*)[\"']?:\s*(?:#.*)?$", re.MULTILINE)
_TAG = re.compile(r"^\s+tag: *[\"']?([A-Za-z0-9_][A-Za-z0-9._-]*)", re.MULTILINE)
_HOST = re.compile(r"^\s+host: *[\"']?([A-Za-z0-9][A-Za-z0-9.-]*)", re.MULTILINE)
_HOSTS = re.compile(r"^\s+hosts: *\[([^\]]*)\]", re.MULTILINE)

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def script(shell: str, main: click.Command) -> str:
    """The text that a shell is to run so that TAB completes `exctl`."""
    made = get_completion_class(shell)
    assert made is not None, shell
    return made(main, {}, "exctl", "_EXCTL_COMPLETE").source()


def _completer(words: Callable[[click.Context], Iterable[str]]) -> Complete:
    def complete(
        ctx: click.Context, _parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        try:
            found = dict.fromkeys(words(ctx))
        except OSError:
            return []
        return [CompletionItem(word) for word in found if word.startswith(incomplete)]

    return complete


def _stack(ctx: click.Context) -> str | None:
    return wanted_stack(ctx.params.get("stack"), stacks_of(find_project()))


def _stack_file(ctx: click.Context) -> str:
    path = find_project() / f"Pulumi.{_stack(ctx)}.yaml"
    return path.read_text("utf-8") if path.exists() else ""


def _release_files(ctx: click.Context) -> list[Path]:
    directory = find_project() / RELEASES / (_stack(ctx) or "")
    return sorted(directory.glob("*.yaml")) if _stack(ctx) else []


def _releases(ctx: click.Context) -> Iterable[str]:
    return [str(int(path.stem)) for path in _release_files(ctx)]


def _runs(ctx: click.Context) -> Iterable[str]:
    path = find_project() / RELEASES / (_stack(ctx) or "") / "audit.jsonl"
    count = path.read_text("utf-8").count('"kind": "begun"') if path.exists() else 0
    return map(str, range(1, count + 1))


def _pairs(ctx: click.Context) -> Iterable[str]:
    return _PAIR.findall(_stack_file(ctx))


def _addresses(ctx: click.Context) -> Iterable[str]:
    text = _stack_file(ctx)
    pairs = [h.strip(" \"'") for found in _HOSTS.findall(text) for h in found.split(",")]
    excs_and_exas = re.split(r"^ +exec:ex", text, flags=re.MULTILINE)[1:]
    own = [found[1] for part in excs_and_exas if (found := _HOST.search(part))]
    return [*own, *pairs]


def _instances(ctx: click.Context) -> Iterable[str]:
    return ["excs", "exas", *(f"excp-{pair}-{n}" for pair in _pairs(ctx) for n in (1, 2))]


def _tags(ctx: click.Context) -> Iterable[str]:
    texts = [_stack_file(ctx), *(path.read_text("utf-8") for path in _release_files(ctx))]
    return sorted({tag for text in texts for tag in _TAG.findall(text)})


def _secrets(_ctx: click.Context) -> Iterable[str]:
    import vendor_facts

    return [secret.name for secret in vendor_facts.SECRETS]


stacks = _completer(lambda _ctx: stacks_of(find_project()))
pairs = _completer(_pairs)
addresses = _completer(_addresses)
hosts = _completer(lambda ctx: ["1", "2", *_addresses(ctx)])
instances = _completer(_instances)
tags = _completer(_tags)
secrets = _completer(_secrets)
runs = _completer(_runs)
releases = _completer(_releases)
services_and_releases = _completer(lambda ctx: [*SERVICES, *_releases(ctx)])
