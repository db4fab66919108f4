"""From the vendor's `.env` to a stack file with its secrets encrypted, and the way back."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import vendor_facts as vendor
from config_schema import ExecConfig, Ssh
from exctl.errors import NothingTouched
from exctl.onboarding import env_file, env_syntax
from exctl.onboarding.env_file import Imported
from exctl.onboarding.new_stack import NewStack, ask_for_passphrase, place_for, write_new
from exctl.pulumi.workspace import is_in_backend
from exctl.site import StackPlace, find_project
from exctl.terminal import questions
from hosts.shell import command_over_ssh
from stack import paths, yaml_text
from stack.layout import build_layout
from stack.loader import needed_secrets, orgs_of_other_stacks, parse
from stack.problems import message, of_schema
from stack.secrecy import SECRET_NAMES
from stack.ssh import anchored, ssh_target
from stack.text import counted

ON_HOSTS = ("exec/.env", "/usr/home/genesys/exec/.env")
"""Where the vendor's `init` leaves its `.env` on a host: in `exec` under the user's home; the page
names another directory as well. Source: deployment, Deploying EX Engage Connector."""
READ_SECONDS = 20.0
ALL_SERVICES = list(vendor.SERVICES)
HEAD = """\
Taken over from the vendor's {source} by exctl import-env. What isn't in it is a
comment here, with its default."""
NOT_OURS_YET = "not ours yet: exctl adopt, or start, removes it"


@dataclass(frozen=True)
class EnvFile:
    """A `.env`: its bytes, and how it is called."""

    name: str
    content: bytes


def from_path(path: Path) -> EnvFile:
    """The file, or the `.env` in the directory. NothingTouched if it can't be read."""
    file = path / ".env" if path.is_dir() else path
    try:
        return EnvFile(str(file), file.read_bytes())
    except OSError as error:
        raise NothingTouched(f"{file} can't be read: {error.strerror}.") from None


def from_host(host: str, given: Mapping[str, Any]) -> EnvFile:
    """The `.env` that the vendor's script left on a host, passwords included.

    `given` are the settings of `--set`; how to log in is in their section `ssh`. Raises
    NothingTouched if the host can't be reached or has none.
    """
    try:
        ssh = Ssh.model_validate_json(json.dumps(given.get("ssh", {})))
    except ValidationError as error:
        problems = [of_schema(each, "ssh") for each in error.errors()]
        raise NothingTouched(message("--set", problems)) from None
    ssh = anchored(ssh, find_project())
    run = command_over_ssh(ssh_target(ssh, host).command, READ_SECONDS)
    tried = "; ".join(f'[ -f "{path}" ] && exec cat "{path}"' for path in ON_HOSTS)
    answer = run(["sh", "-c", f"{tried}; exit 3"])
    if answer.code == 0:
        return EnvFile(f"{host}:{ON_HOSTS[0]}", answer.stdout.encode())
    said = answer.why() if answer.code != 3 else f"it has none of {', '.join(ON_HOSTS)}"
    raise NothingTouched(f"no .env could be read on {host}: {said}.")


def given_settings(words: Sequence[str]) -> dict[str, Any]:
    """The sections that `--set PATH=VALUE` amounts to; a value is YAML, so 22 is a number.

    Raises NothingTouched for what isn't of that form, and for a secret, which the process list
    would show.
    """
    found: dict[str, Any] = {}
    for word in words:
        path, equals, text = word.partition("=")
        parts = paths.parse(path)
        if not equals or len(parts) < 2 or not all(parts):
            raise NothingTouched(
                f"--set {parts[0]}: write it as section.name=value, ssh.user=genesys for instance."
            )
        if parts[-1] in SECRET_NAMES or parts[0] in SECRET_NAMES:
            raise NothingTouched(f"{parts[-1]} is a secret; it is asked for.")
        try:
            paths.put(found, path, yaml_text.read_value(text))
        except yaml_text.NotReadable as error:
            said = message(f"--set {path}", error.problems)
            raise NothingTouched(said) from None
        except ValueError as error:
            raise NothingTouched(f"--set {path}: {error}.") from None
    return found


def import_env(source: EnvFile, stack: str, given: Mapping[str, Any]) -> Iterator[str]:
    """Writes `Pulumi.<stack>.yaml`; what was taken over and what wasn't, line by line.

    Everything is put into `stopped`: what runs so far isn't ours, so no run may touch it before
    `exctl adopt` does.

    Raises NothingTouched if the stack is there already, or if what the `.env` says can't be a
    stack: then with every problem at once. Whatever fails, nothing is left behind.
    """
    place = place_for(find_project(), stack)
    path = place.file
    found = _read(source)
    _merge(found.settings, given)
    config = _validated(found, place, source)
    if is_in_backend(place):
        raise NothingTouched(
            f"the backend has a stack {stack} already, though there is no {path.name}; choose"
            f" another name, or remove it: pulumi stack rm {stack}."
        )
    missing = needed(config, found.secrets)
    found.secrets |= asked_for(missing, questions.is_terminal(), getpass.getpass)
    ask_for_passphrase(stack)
    _write(place, found, source)
    encrypted = ", ".join(sorted(found.secrets)) or "none"
    keys = ", ".join(instance.key for instance in build_layout(config, stack).instances)
    yield f"{path.name}: {keys}; secrets, encrypted: {encrypted}"
    yield from (f"inferred: {path}: {why}" for path, why in found.inferred.items())
    yield from (f"look at: {note}" for note in found.notes)
    yield "look at: some container variables are inferred; exctl topology lists them"
    for name in needed(config, found.secrets):
        word = "not set; if the vendor asks you for it" if name in OPTIONAL else "not set yet"
        yield f"{word}: exctl secret set {name} --stack {stack}"
    yield "everything is in `stopped`, so no run touches it before it is ours"
    yield f"check the file, then: exctl doctor --stack {stack}"
    yield f"if containers of the vendor's script run: exctl adopt --stack {stack}; if none does:"
    yield f"exctl start --stack {stack}"


def _read(source: EnvFile) -> Imported:
    try:
        return env_file.imported(env_syntax.decoded(source.content))
    except ValueError as error:
        raise NothingTouched(f"{source.name}: {error}.") from None


def _merge(settings: dict[str, Any], given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if isinstance(value, Mapping):
            _merge(settings.setdefault(name, {}), value)
        else:
            settings[name] = value


def _validated(found: Imported, place: StackPlace, source: EnvFile) -> ExecConfig:
    """The config; NothingTouched with all that is wrong, by the lines of the `.env`."""
    config, problems = parse(
        {name: json.dumps(section) for name, section in found.settings.items()},
        set(),
        orgs_of_other_stacks(place.project, place.stack),
    )
    wrong = env_file.worded(found, problems)
    if config is None and not wrong:
        wrong = [str(problem) for problem in problems]
    if config is not None and not wrong:
        return config
    count = counted(len(wrong), "problem")
    lines = [f"{source.name} has {count}:", *(f"  {line}" for line in wrong)]
    if found.notes:
        lines += ["Besides:", *(f"  {note}" for note in found.notes)]
    raise NothingTouched("\n".join(lines))


OPTIONAL = ("configServerPassword",)


def needed(config: ExecConfig, known: Collection[str]) -> list[str]:
    """The names of the secrets that this stack needs, or that the vendor's `init` asks for, and
    that aren't known yet."""
    names = [*needed_secrets(config.model_dump()), *OPTIONAL]
    return [name for name in names if name not in known]


def asked_for(names: Sequence[str], is_terminal: bool, ask: Callable[[str], str]) -> dict[str, str]:
    """The secrets that the operator gives, asked for without echo; nothing without a terminal."""
    if not is_terminal:
        return {}
    purposes = {secret.name: secret.purpose for secret in vendor.SECRETS}
    answers = {name: ask(f"{name}, {purposes[name]} (empty: later): ") for name in names}
    return {name: value for name, value in answers.items() if value}


def _write(place: StackPlace, found: Imported, source: EnvFile) -> None:
    """The file and the stack in its backend; neither if anything fails."""
    why = {path: f"inferred: {reason}" for path, reason in found.inferred.items()}
    settings = found.settings | {"stopped": ALL_SERVICES}
    new = NewStack(settings, found.secrets, why | {"stopped": NOT_OURS_YET})
    write_new(place, new, HEAD.format(source=source.name))
