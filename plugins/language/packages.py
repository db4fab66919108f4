"""Installed packages: what the project depends on, and which plugins those packages need."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plugins.interpreter import Interpreter

WITHOUT_PLUGINS = frozenset({"pulumi-policy", "pulumi-esc-sdk"})
LISTING_SECONDS = 60
SCRIPT = r"""
import importlib.metadata, importlib.util, json, os
found = []
for d in importlib.metadata.distributions():
    # Three lines of each are wanted: to have all of it parsed takes ten times as long.
    head = (d.read_text("METADATA") or "").partition("\n\n")[0].splitlines()
    said = {"Name": [], "Version": [], "Requires-Dist": []}
    for key, _, value in (line.partition(": ") for line in head):
        said.get(key, []).append(value)
    if head:
        (name, *_), (version, *_), requires = said.values()
    else:
        name, version, requires = d.metadata["Name"], d.version, d.requires or []
    plugin = None
    try:
        spec = importlib.util.find_spec(name.replace("-", "_"))
    except Exception:
        spec = None
    for place in (spec and spec.submodule_search_locations) or []:
        file = os.path.join(place, "pulumi-plugin.json")
        if os.path.isfile(file):
            with open(file) as text:
                plugin = json.load(text)
    row = {"name": name, "version": version, "requires": requires, "plugin": plugin}
    found.append(row)
"""
"""Lists the packages of the Python that runs it."""


@dataclass(frozen=True)
class Package:
    """An installed package. `plugin` is its pulumi-plugin.json, if it has one."""

    name: str
    version: str
    requires: tuple[str, ...]
    plugin: Mapping[str, Any] | None


@dataclass(frozen=True)
class Plugin:
    """A resource plugin that a package needs, as the CLI asks for it."""

    name: str
    version: str
    server: str
    parameterization: Mapping[str, str] | None


def normal(name: str) -> str:
    """The one spelling of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(python: Interpreter, environment: Mapping[str, str]) -> list[Package]:
    """All packages of a Python, each once. subprocess.SubprocessError if it can't list them."""
    if python.is_ours:
        names: dict[str, Any] = {}
        exec(SCRIPT, names)
        listed = names["found"]
    else:
        done = subprocess.run(
            [python.path, "-c", SCRIPT + "print(json.dumps(found))"],
            env=python.environment(environment),
            capture_output=True,
            text=True,
            check=True,
            timeout=LISTING_SECONDS,
        )
        listed = json.loads(done.stdout)
    found: dict[str, Package] = {}
    for row in listed:
        package = Package(
            normal(row["name"]), row["version"], tuple(row["requires"]), row["plugin"]
        )
        found.setdefault(package.name, package)  # the first on the path is the one that is imported
    return [found[name] for name in sorted(found)]


def not_required(packages: list[Package]) -> list[Package]:
    """Those that no other one requires."""
    required = {
        normal(re.split(r"[^\w.-]", line.strip(), maxsplit=1)[0])
        for package in packages
        for line in package.requires
        if "extra ==" not in line
    }
    return [package for package in packages if package.name not in required]


def plugins_of(packages: list[Package]) -> list[Plugin]:
    """The resource plugins that these packages need."""
    found = []
    for package in packages:
        says = package.plugin
        if package.name in WITHOUT_PLUGINS or (says is not None and not says.get("resource")):
            continue
        if says is None and not package.name.startswith("pulumi-"):
            continue
        says = says or {}
        version = says.get("version") or plugin_version(package.version)
        if version is None:
            continue
        found.append(
            Plugin(
                name=says.get("name") or package.name.removeprefix("pulumi-"),
                version=version if version.startswith("v") else f"v{version}",
                server=says.get("server") or "",
                parameterization=says.get("parameterization"),
            )
        )
    return found


VERSION = re.compile(
    r"(?P<release>\d+(?:\.\d+)*)(?:(?P<stage>a|b|rc)(?P<number>\d+))?"
    r"(?:\.post(?P<post>\d+))?(?:\.dev(?P<dev>\d+))?"
)
STAGES = {"a": "alpha", "b": "beta", "rc": "rc"}


def plugin_version(package_version: str) -> str | None:
    """The plugin's version (semantic) of a package's (PEP 440): 1.2rc3.post4 is 1.2.0-rc.3+post4;
    None where none is known."""
    match = VERSION.fullmatch(package_version)
    if match is None:
        return None
    release = match["release"].split(".")
    version = ".".join([*release, *["0"] * (3 - len(release))])
    if match["stage"]:
        version += f"-{STAGES[match['stage']]}.{match['number']}"
    builds = [f"{word}{match[word]}" for word in ("post", "dev") if match[word]]
    return f"{version}+{''.join(builds)}" if builds else version
