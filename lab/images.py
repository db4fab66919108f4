"""The stand-ins' images: built once, kept, and brought into a registry as the vendor's page says.

A root file system of Debian's packages with the stand-ins' code is packed as the vendor ships
its own (`excs-100.0.100.11.tgz`), goes through `docker import`, and is pushed to a registry whose
storage every lab then starts from.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import requests

from lab import certificates, settings, watchers
from lab.errors import LabError
from lab.processes import free_port, running, wait_for
from lab.standins.service.cloud import AUTHORITY_PATH

PACKAGES = (
    "base-files",
    "busybox-static",
    "python3-minimal",
    "libpython3-stdlib",
    "python3-psycopg2",
    "python3-redis",
    "python3-yaml",
)
SERVICE_CODE = Path(__file__).parent / "standins/service"
INFRA_CODE = Path(__file__).parent / "standins/infra"
CODE_PATH = "opt/exec"
LEFT_OUT = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info")


def archive_name(service: str, version: str) -> str:
    """As the vendor names what it ships."""
    return f"{service}-{version}.tgz"


def built() -> Path:
    """The directory of the build that fits this clone, building it first if it isn't there.

    It holds `archives/`, `registry/` (a registry's storage), `ca.pem` and `ca.key`.
    """
    cache = settings.cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    directory = cache / _recipe()
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            print("lab: building the stand-ins' images, once (about a minute)", flush=True)
            partial = cache / "partial"
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            _build(partial)
            partial.rename(directory)
    return directory


def _recipe() -> str:
    """Hash of all that goes into a build."""
    digest = hashlib.sha256()
    modules = [Path(certificates.__file__), Path(watchers.__file__)]
    code = sorted([*SERVICE_CODE.glob("*.py"), *INFRA_CODE.glob("*.py")])
    sources = [Path(__file__), *modules, *code]
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    digest.update(repr((settings.VERSIONS, settings.CRASHING_VERSION, settings.SERVICES)).encode())
    return digest.hexdigest()[:16]


def _build(directory: Path) -> None:
    certificates.make_authority(directory)
    root = directory / "root"
    _make_root(root)
    authority = root / AUTHORITY_PATH.strip("/")
    authority.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(directory / "ca.pem", authority)
    archives = directory / "archives"
    archives.mkdir()
    _pack(root, directory / "root.tar")
    programs = directory / "programs"
    programs.mkdir()
    _pack_standins(directory, programs)
    shutil.rmtree(root)
    first, *others = settings.SERVICES
    for version in (*settings.VERSIONS, settings.CRASHING_VERSION):
        archive = archives / archive_name(first, version)
        _make_archive(directory / "root.tar", archive)
        for service in others:
            # Their entry points differ, not their files.
            (archives / archive_name(service, version)).hardlink_to(archive)
    for program in watchers.PROGRAMS:
        watchers.make_root(program, directory / "root")
        _pack(directory / "root", programs / f"{program.image}.tar")
        shutil.rmtree(directory / "root")
    _seed_registry(directory, archives, programs)
    shutil.rmtree(programs)
    (directory / "root.tar").unlink()


def _pack_standins(directory: Path, programs: Path) -> None:
    """The stand-ins of what goes with EXEC: the same root file system, with code of their own."""
    root = directory / "root"
    code = root / CODE_PATH / "infra"
    shutil.copytree(INFRA_CODE, code, ignore=shutil.ignore_patterns("__pycache__"))
    certificates.issue(directory, code, "portainer", "127.0.0.1")
    for program in watchers.STANDINS:
        _pack(root, programs / f"{program.image}.tar")


def _make_root(root: Path) -> None:
    tar = root.with_suffix(".debian.tar")
    codename = _os_release()["VERSION_CODENAME"]
    sources = [
        path
        for path in ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list")
        if Path(path).exists()
    ][:1]
    _run(
        "mmdebstrap", "--quiet", "--variant=extract", f"--include={','.join(PACKAGES)}",
        codename, str(tar), *sources,
    )  # fmt: skip
    root.mkdir()
    _run("tar", "-xf", str(tar), "-C", str(root), "--exclude=./dev/*")
    tar.unlink()
    for path in LEFT_OUT:
        shutil.rmtree(root / path, ignore_errors=True)
    code = root / CODE_PATH / "service"
    shutil.copytree(SERVICE_CODE, code, ignore=shutil.ignore_patterns("__pycache__"))
    # Else each container compiles the library again at its start.
    _run("/usr/bin/python3", "-m", "compileall", "-q", "-s", str(root), "-p", "/", str(root))
    shell = root / "usr/bin/sh"
    if not shell.exists():
        shell.symlink_to("busybox")


def _os_release() -> dict[str, str]:
    lines = Path("/etc/os-release").read_text().splitlines()
    return {k: v.strip('"') for k, _, v in (line.partition("=") for line in lines)}


def _pack(root: Path, tar: Path) -> None:
    _run("tar", "-cf", str(tar), "--numeric-owner", "-C", str(root), ".")


def _make_archive(root_tar: Path, archive: Path) -> None:
    """The root file system with the version's own files, compressed."""
    version = archive.name.removesuffix(".tgz").split("-", 1)[1]
    own = archive.with_suffix(".tar")
    shutil.copy(root_tar, own)
    with tarfile.open(own, "a") as tar:
        _add(tar, f"./{CODE_PATH}/VERSION", version)
        if version == settings.CRASHING_VERSION:
            _add(tar, f"./{CODE_PATH}/CRASH_AT_START", "")
    with archive.open("wb") as target:
        subprocess.run(["gzip", "-1", "-c", str(own)], stdout=target, check=True)
    own.unlink()


def _add(tar: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(text.encode())
    tar.addfile(entry, BytesIO(text.encode()))


def _seed_registry(directory: Path, archives: Path, programs: Path) -> None:
    """Imports each archive, and what watches, and pushes it to a registry whose storage is kept."""
    storage, work = directory / "registry", directory / "work"
    work.mkdir()
    with _registry(work, storage) as registry, _docker(work) as docker:
        for archive in sorted(archives.iterdir()):
            service, version = archive.name.removesuffix(".tgz").split("-", 1)
            image = f"{registry}/exec/{service}:{version}"
            entry = f'ENTRYPOINT ["/usr/bin/python3", "-m", "service", "{service}"]'
            changes = ("--change", entry, "--change", f"WORKDIR /{CODE_PATH}")
            _run(*docker, "import", *changes, str(archive), image)
            _run(*docker, "push", "--quiet", image)
        for program in (*watchers.PROGRAMS, *watchers.STANDINS):
            image = f"{registry}/{settings.INFRA}/{program.image}:{settings.WATCHERS_TAG}"
            own = (word for change in program.changes for word in ("--change", change))
            _run(*docker, "import", *own, str(programs / f"{program.image}.tar"), image)
            _run(*docker, "push", "--quiet", image)
    shutil.rmtree(work)


def registry_config(storage: Path, address: str, password_file: Path | None) -> str:
    """docker-registry's configuration file."""
    lines = [
        "version: 0.1",
        "log: {level: warn, accesslog: {disabled: true}}",
        "storage:",
        f"  filesystem: {{rootdirectory: {storage}}}",
        "  delete: {enabled: true}",
        f"http: {{addr: '{address}'}}",
    ]
    if password_file is not None:
        lines.append(f"auth: {{htpasswd: {{realm: lab, path: {password_file}}}}}")
    return "\n".join(lines)


@contextmanager
def _registry(work: Path, storage: Path) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    config = work / "registry.yml"
    config.write_text(registry_config(storage, address, None))
    with running(["docker-registry", "serve", str(config)], work / "registry.log"):
        wait_for("the registry", lambda: requests.get(f"http://{address}/v2/", timeout=1).ok)
        yield address


@contextmanager
def _docker(work: Path) -> Iterator[list[str]]:
    """A Docker daemon for the build alone; yields the client's command."""
    socket = f"unix://{work}/docker.sock"
    run = Path(f"/run/exec-lab-build-{os.getpid()}")
    argv = ["dockerd", "--host", socket, "--data-root", str(work / "docker")]
    argv += ["--exec-root", str(run), "--pidfile", str(work / "docker.pid")]
    argv += ["--bridge=none", "--iptables=false", "--log-level=warn"]
    with running(argv, work / "dockerd.log"):
        client = ["docker", "--host", socket]
        wait_for("the build's Docker daemon", lambda: _answers(*client, "version"))
        yield client
    shutil.rmtree(run, ignore_errors=True)


def _answers(*argv: str) -> bool:
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def _run(*argv: str) -> None:
    run = subprocess.run(argv, capture_output=True, text=True, check=False)
    if run.returncode:
        raise LabError(f"building the images: {argv[0]} failed: {run.stderr.strip()[-800:]}")


if __name__ == "__main__":
    print(built(), file=sys.stdout)
