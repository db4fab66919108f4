"""Releases: what was running after each successful run, kept so that it can be brought back.

A release is a file `releases/<stack>/<number>.yaml` beside the stack file: the whole stack file
with its ciphertexts, each image's digest, who deployed it, when, why, by which revision of the
program, and what its gates reported. It holds no plaintext secret. Releases belong in git with the
stack file: two operators with one backend have the same releases only if they share these files.
"""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import yaml

from exctl import files
from exctl.cli.version import program_revision
from exctl.errors import NothingTouched
from exctl.site import Site, StackPlace
from health.gates.events import Event, as_data, of_data, shown
from health.runlock import user_name
from stack.text import time_text

DIRECTORY = "releases"


@dataclass(frozen=True)
class Release:
    """One release; `images` is the stack output `release`: service or pair → tag and digest."""

    number: int
    at: str
    by: str
    message: str
    program: str
    images: Mapping[str, Mapping[str, str]]
    gates: tuple[str, ...] = ()
    """What its gates said, of a release from before they reported events."""
    stack_file: str = field(default="", repr=False)
    events: tuple[Event, ...] = ()
    """What its gates and guards reported, and how long each instance was down."""
    audit: str = ""
    """Hash of the record that its run began with; '' of a release from before there were any."""

    @property
    def tags(self) -> str:
        return ", ".join(f"{name} {image['tag']}" for name, image in self.images.items())

    @property
    def reported(self) -> list[str]:
        """What gates and guards reported, as sentences."""
        return [*self.gates, *map(shown, self.events)]

    @property
    def seal(self) -> str:
        """Hash of what a rollback would restore: a later change by hand doesn't go unnoticed."""
        restored = json.dumps([self.images, self.stack_file], sort_keys=True)
        return hashlib.sha256(restored.encode()).hexdigest()


def directory_of(site: StackPlace) -> Path:
    return site.project / DIRECTORY / site.stack


def numbers(site: StackPlace) -> list[int]:
    """The numbers of the releases, oldest first, whatever is in their files."""
    paths = directory_of(site).glob("*.yaml")
    return sorted(int(path.stem) for path in paths if path.stem.isdecimal())


def read(site: StackPlace, number: int) -> Release:
    """That release. Raises NothingTouched if its file isn't as it was written."""
    path = directory_of(site) / f"{number:04}.yaml"
    try:
        return parsed(number, path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        problem = str(error)
    except (yaml.YAMLError, RecursionError):
        problem = "it isn't YAML"
    except ValueError as error:
        problem = str(error)
    raise NothingTouched(
        f"{path} can't be used as release {number}: {problem}. Put it back as it was"
        f" (git checkout -- {DIRECTORY}/{site.stack}), or delete it if that's impossible; the"
        f" other releases don't depend on it."
    )


def parsed(number: int, text: str) -> Release:
    """The release that a file's text is. ValueError says what isn't as it was written."""
    content = yaml.safe_load(text)
    if not isinstance(content, dict):
        raise ValueError("it is empty or truncated")
    seal = content.pop("seal", None)
    missing = [name for name in ("number", "images", "stack_file") if name not in content]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}; it is truncated, or was edited by hand")
    try:
        given = content | {
            "gates": tuple(content.get("gates") or ()),
            "events": of_data(content.get("events") or ()),
        }
        found = Release(**given)
        well = all(isinstance(i["tag"], str) for i in found.images.values())
    except (TypeError, AttributeError, KeyError):
        well = False
    if not well or not isinstance(content["stack_file"], str):
        raise ValueError("it isn't a valid release; it was edited by hand")
    if found.number != number:
        raise ValueError(f"it is the file of release {found.number}")
    if seal is not None and seal != found.seal:
        raise ValueError("it was changed after it was written, so it isn't what ran then")
    return found


def all_of(site: StackPlace) -> list[Release]:
    """Every release of the stack, oldest first. Raises NothingTouched for one that's damaged."""
    return [read(site, number) for number in numbers(site)]


def readable(site: StackPlace) -> list[Release]:
    """Every release that isn't damaged."""
    found = []
    for number in numbers(site):
        try:
            found.append(read(site, number))
        except NothingTouched:
            continue
    return found


def find(site: Site, wanted: str) -> Release:
    """The release of that number. Raises NothingTouched with the releases there are."""
    known = numbers(site)
    digits = wanted.lstrip("#")
    if not digits.isdecimal() or int(digits) not in known:
        raise NothingTouched(f"no release {wanted}; there are: {_listed(known)}.")
    return read(site, int(digits))


def _listed(known: list[int]) -> str:
    return ", ".join(map(str, known)) or "none"


def last(site: StackPlace) -> Release | None:
    """What ran after the last successful run."""
    known = numbers(site)
    return read(site, known[-1]) if known else None


def record(
    site: Site,
    images: Mapping[str, Mapping[str, str]],
    message: str,
    events: Sequence[Event],
    audit: str = "",
) -> Release | None:
    """Keep what runs now; None if the last release is the same."""
    text = site.file.read_text("utf-8")
    before = last(site)
    if before is not None and before.stack_file == text and dict(before.images) == dict(images):
        return None
    release = Release(
        number=before.number + 1 if before is not None else 1,
        at=time_text(),
        by=f"{user_name()}@{socket.gethostname()}",
        message=message,
        program=program_revision(),
        images={name: dict(image) for name, image in images.items()},
        events=tuple(events),
        stack_file=text,
        audit=audit,
    )
    directory = directory_of(site)
    directory.mkdir(parents=True, exist_ok=True)
    files.write(directory / f"{release.number:04}.yaml", written(release))
    return release


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, for people."""


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent)


def written(release: Release) -> str:
    """The text of a release's file. The seal comes first, so that a file that was cut has one."""
    content = {"seal": release.seal} | asdict(release)
    content |= {"gates": list(release.gates), "events": [as_data(e) for e in release.events]}
    if not release.gates:
        del content["gates"]
    return str(yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=10_000))


def ways_on(site: Site, killed: str = "") -> list[str]:
    """How to go on after an interrupted run: what the stack file holds, and the last release.
    `killed`: the command whose run it was, as far as it is known."""
    if killed == "adopt":
        return [
            f"exctl adopt --stack {site.stack} goes on adopting, exctl adopt --back --stack"
            f" {site.stack} brings the legacy containers back"
        ]
    onward = f"exctl up --stack {site.stack} goes on where that run stopped"
    good = last(site)
    if good is None:
        return [f"{onward}; there is no release yet to go back to"]
    if good.stack_file == site.file.read_text("utf-8"):
        return [f"the stack file is that of release {good.number}; {onward}"]
    return [
        f"the stack file is what that run was to deploy, not release {good.number}, the last that"
        f" ran: {onward}, exctl rollback {good.number} --stack {site.stack} goes back"
    ]
