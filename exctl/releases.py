"""Releases: what was running after each successful run, kept so that it can be brought back.

A release is a file `releases/<stack>/<number>.yaml` beside the stack file: the whole stack file
with its ciphertexts, each image's digest, who deployed it, when, why and by which revision of the
program. It holds no secret in clear, so it may be committed with the stack file.
"""

from __future__ import annotations

import difflib
import getpass
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from exctl.errors import ExctlError, NothingTouched
from exctl.site import Site
from exctl.stack_file import path_of, write
from exctl.version import program_revision

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
    stack_file: str = field(default="", repr=False)

    @property
    def tags(self) -> str:
        return ", ".join(f"{name} {image['tag']}" for name, image in self.images.items())


def directory_of(site: Site) -> Path:
    return site.project / DIRECTORY / site.stack


def all_of(site: Site) -> list[Release]:
    """Every release of the stack, oldest first. ExctlError names a file that can't be read."""
    return [_read(path) for path in sorted(directory_of(site).glob("*.yaml"))]


def _read(path: Path) -> Release:
    try:
        content = yaml.safe_load(path.read_text())
        return Release(**{**content, "gates": tuple(content.get("gates") or ())})
    except (OSError, yaml.YAMLError, TypeError, AttributeError) as error:
        raise ExctlError(f"{path} isn't a release: {error}. Nothing was touched.") from None


def find(site: Site, wanted: str | None) -> Release:
    """The release of that number; without one, the last that differs from the stack file as it is.

    Raises NothingTouched with the releases there are.
    """
    known = all_of(site)
    now = path_of(site).read_text()
    if wanted is None:
        candidates = [release for release in known if release.stack_file != now]
    else:
        candidates = [release for release in known if str(release.number) == wanted.lstrip("#")]
    if not candidates:
        numbers = ", ".join(str(release.number) for release in known) or "none"
        what = (
            "no release differs from the stack file" if wanted is None else f"no release {wanted}"
        )
        raise NothingTouched(f"{what}; there are: {numbers}. Nothing was touched.")
    return candidates[-1]


def last(site: Site) -> Release | None:
    """What ran after the last successful run."""
    known = all_of(site)
    return known[-1] if known else None


def record(
    site: Site, images: Mapping[str, Mapping[str, str]], message: str, gates: list[str]
) -> Release | None:
    """Keep what runs now; None if the last release is the same."""
    text = path_of(site).read_text()
    before = last(site)
    if before is not None and before.stack_file == text and dict(before.images) == dict(images):
        return None
    release = Release(
        number=before.number + 1 if before is not None else 1,
        at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        by=f"{getpass.getuser()}@{socket.gethostname()}",
        message=message,
        program=program_revision(),
        images={name: dict(image) for name, image in images.items()},
        gates=tuple(gates),
        stack_file=text,
    )
    directory = directory_of(site)
    directory.mkdir(parents=True, exist_ok=True)
    content = asdict(release) | {"gates": list(gates)}
    write(directory / f"{release.number:04}.yaml", _dumped(content))
    return release


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, for people."""


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent)


def _dumped(content: Mapping[str, Any]) -> str:
    return str(yaml.dump(dict(content), Dumper=_Dumper, sort_keys=False, width=10_000))


_CIPHERTEXT = re.compile(r"v1:[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+")


def difference(old: Release, new: Release) -> list[str]:
    """What differs between two releases: digests, then the stack file, secrets as such."""
    lines = [
        f"{name}: {_image(old, name)} -> {_image(new, name)}"
        for name in {**old.images, **new.images}
        if old.images.get(name) != new.images.get(name)
    ]
    # A ciphertext says nothing; that it has changed does.
    marks: dict[str, str] = {}
    texts = [
        _CIPHERTEXT.sub(
            lambda found: marks.setdefault(found[0], f"[secret {len(marks) + 1}]"), text
        )
        for text in (old.stack_file, new.stack_file)
    ]
    before, after = (text.splitlines() for text in texts)
    diff = difflib.unified_diff(
        before, after, f"release {old.number}", f"release {new.number}", "", "", 1, ""
    )
    return [*lines, *diff]


def _image(release: Release, name: str) -> str:
    image = release.images.get(name)
    return f"{image['tag']} {image['digest'][:19]}" if image else "nothing"


def ways_on(site: Site) -> list[str]:
    """How to go on after a run that was cut: what the stack file holds, and the last release."""
    onward = f"exctl up --stack {site.stack} goes on where that run stopped"
    good = last(site)
    if good is None:
        return [f"{onward}; there is no release yet to go back to"]
    if good.stack_file == path_of(site).read_text():
        return [f"the stack file is that of release {good.number}; {onward}"]
    return [
        f"the stack file holds what that run wanted, and not release {good.number}, the last that"
        f" ran: {onward}, exctl rollback {good.number} --stack {site.stack} goes back"
    ]
