"""The kit's bill of materials, as CycloneDX JSON: what is in it, from where, under which licence.

Written by hand, as it is two kinds of entries; a test holds it against the schema. Pure but for the
reading of wheels and of the CLI.
"""

from __future__ import annotations

import json
import re
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kit.contents import Description

SPECIFICATION = "1.6"
NAME = "exec-deploy"
_SPACE = uuid.UUID("8d6e1a30-39b5-5c5b-8a25-5fd2a5b8f1c4")
"""Chosen: of our serial numbers, so that the same kit has the same."""
_MODULE = re.compile(rb"\n(?:mod|dep)\t([^\t\n]+)\t(v[^\t\n]+)\th1:")
"""How a Go program names what it was linked from. Source: Go's debug/buildinfo."""


def document(
    description: Description, components: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    """The whole bill of a kit."""
    at = datetime.fromtimestamp(description.committed, UTC).isoformat().replace("+00:00", "Z")
    root = f"{NAME}@{description.name}"
    serial = uuid.uuid5(_SPACE, json.dumps([root, *components], sort_keys=True))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": at,
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": NAME,
                "version": description.name,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
        },
        "components": list(components),
        "dependencies": [
            {"ref": root, "dependsOn": [str(each["bom-ref"]) for each in components]},
        ],
    }


def of_wheel(path: Path, sha256: str) -> Mapping[str, Any]:
    """A wheel, by its own metadata."""
    with zipfile.ZipFile(path) as wheel:
        (name,) = (n for n in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", n))
        said = HeaderParser().parsestr(wheel.read(name).decode("utf-8", "replace"))
    plain = re.sub(r"[-_.]+", "-", str(said["Name"])).lower()
    return {
        **_component("library", f"pkg:pypi/{plain}@{quote(str(said['Version']))}", path.name),
        "name": plain,
        "version": str(said["Version"]),
        "hashes": [{"alg": "SHA-256", "content": sha256}],
        **_licence(said.get("License-Expression"), said.get("License")),
    }


def of_image(file: str, service: str, tag: str, sha256: str) -> Mapping[str, Any]:
    """An image's archive."""
    return {
        **_component("container", f"pkg:generic/{service}@{quote(tag)}", file),
        "name": service,
        "version": tag,
        "hashes": [{"alg": "SHA-256", "content": sha256}],
    }


def of_go_program(program: bytes, file: str, sha256: str) -> list[Mapping[str, Any]]:
    """The CLI's file, and each Go module that it was linked from, as it says itself."""
    found = [
        {
            "type": "file",
            "bom-ref": file,
            "name": file,
            "hashes": [{"alg": "SHA-256", "content": sha256}],
        }
    ]
    modules = {(n.decode(), v.decode()) for n, v in _MODULE.findall(program)}
    return found + [
        {
            **_component("library", f"pkg:golang/{quote(name)}@{quote(version, safe='')}", ""),
            "name": name,
            "version": version,
        }
        for name, version in sorted(modules)
    ]


def _component(kind: str, purl: str, file: str) -> dict[str, Any]:
    return {"type": kind, "bom-ref": f"{purl}#{file}" if file else purl, "purl": purl}


def _licence(expression: object, free_text: object) -> Mapping[str, Any]:
    if expression:
        return {"licenses": [{"expression": str(expression)}]}
    text = str(free_text or "").strip()
    is_name = text and len(text) < 60 and "\n" not in text
    return {"licenses": [{"license": {"name": text}}]} if is_name else {}
