"""Copies files to other hosts.

| source | the path is a directory | there is nothing | the path is a file |
|--------|-------------------------|------------------|--------------------|
| dir    | path/dir                | path/dir         | refused            |
| dir/   | what is in it: path/x   | path/x           | refused            |
| file   | path/file               | path             | overwritten        |
| text   | refused                 | path             | overwritten        |

Source: pulumi-command 1.2.1. Modes and times of files aren't copied.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncssh

from plugins.command.output import CommandError


async def copy(sftp: asyncssh.SFTPClient, source: Mapping[str, Any], target: str) -> None:
    """Copy an asset, or an archive that is a path. CommandError if it can't be."""
    if "path" not in source:
        await _write_text(sftp, str(source["text"]), target)
        return
    path = str(source["path"])
    if Path(path).is_dir():
        await _copy_directory(sftp, path, target)
    elif Path(path).is_file():
        await _copy_file(sftp, path, target)
    else:
        raise CommandError(f"open {path}: no such file or directory")


async def _write_text(sftp: asyncssh.SFTPClient, text: str, target: str) -> None:
    if await sftp.isdir(target):
        raise CommandError(
            f"remote path {target} is a directory; when using a text asset, remotePath must be a"
            " file path"
        )
    await sftp.makedirs(posixpath.dirname(target) or ".", exist_ok=True)
    async with sftp.open(target, "wb") as file:
        await file.write(text.encode())


async def _copy_file(sftp: asyncssh.SFTPClient, path: str, target: str) -> None:
    if await sftp.isdir(target):
        target = posixpath.join(target, Path(path).name)
    else:
        await sftp.makedirs(posixpath.dirname(target) or ".", exist_ok=True)
    await sftp.put(path, target)


async def _copy_directory(sftp: asyncssh.SFTPClient, path: str, target: str) -> None:
    if not path.endswith("/"):
        target = posixpath.join(target, Path(path).name)
    for folder, _, files in os.walk(path):
        there = posixpath.normpath(posixpath.join(target, os.path.relpath(folder, path)))
        if await sftp.exists(there) and not await sftp.isdir(there):
            raise CommandError(f"remote path {there} exists but is not a directory")
        await sftp.makedirs(there, exist_ok=True)
        for name in files:
            await sftp.put(Path(folder, name), posixpath.join(there, name))
