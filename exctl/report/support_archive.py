"""A support bundle: what somebody who helps needs to see, without a single secret."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Collection
from pathlib import Path

import yaml

from exctl import files
from exctl.history import store as history
from exctl.history import views as run_views
from exctl.hosts import on_each, on_host
from exctl.observe import doctor, endpoints, logs
from exctl.releases import store
from exctl.site import Site
from exctl.stackfile import secrets
from health.preflight import report
from hosts.container import without_secrets
from stack import yaml_text
from stack.layout import Instance
from stack.secrecy import redacted, redacted_text

_INSPECT = """image {{.Image}}
memory limit {{.HostConfig.Memory}}
state {{json .State}}
{{range $name, $value := .Config.Labels}}label {{$name}}={{$value}}
{{end}}"""
TAIL, RUNS = 500, 5


def write(site: Site, path: Path) -> list[str]:
    """Makes the archive; the names of what is in it. Of a dead host, ssh's words are."""
    parts = {
        "status.json": json.dumps(endpoints.as_json(endpoints.ask_all(site)), indent=2),
        "doctor.txt": "\n".join(report.table(doctor.findings(site))),
        "stack-file.yaml": _stack_file(site),
        "releases.txt": "\n".join(
            f"{r.number} {r.at} {r.by} {r.tags} {r.message}" for r in store.readable(site)
        ),
    }
    runs = history.read(site).runs
    parts["runs.txt"] = "\n".join(run_views.listed(runs))
    for run in runs[-RUNS:]:
        parts[f"runs/{run.number}.log"] = history.transcript(site, run)
    for instance, texts in zip(
        site.layout.instances,
        on_each(site.layout.instances, lambda i: _of(site, i)),
        strict=True,
    ):
        parts[f"{instance.key}/inspect.txt"], parts[f"{instance.key}/log.txt"] = texts
    known = secrets.known_of(site)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, text in parts.items():
            data = without_secrets_in(text, known).encode()
            entry = tarfile.TarInfo(f"exec-{site.stack}/{name}")
            entry.size, entry.mtime, entry.mode = len(data), int(time.time()), 0o600
            tar.addfile(entry, io.BytesIO(data))
    files.write(path, made.getvalue(), 0o600)
    return list(parts)


def without_secrets_in(text: str, known: Collection[str] = ()) -> str:
    """The text line by line, without known secrets and what looks like one."""
    lines = redacted_text(text, known).splitlines()
    return "\n".join(without_secrets(line) for line in lines) + "\n"


def _stack_file(site: Site) -> str:
    """As it was read, comments and ciphertexts left out."""
    shown = redacted(yaml_text.read(files.read(site.file)))
    text: str = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)
    return text


def _of(site: Site, instance: Instance) -> tuple[str, str]:
    run = on_host(site, instance.host)
    inspected = run(["docker", "inspect", "--format", _INSPECT, instance.container_name])
    logged = run(logs.command(instance, None, TAIL, follow=False))
    return (
        inspected.stdout or inspected.stderr,
        logged.stdout if logged.code == 0 else logged.stdout + logged.stderr,
    )
