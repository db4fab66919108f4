"""Prometheus, Alertmanager and the blackbox exporter of Debian's packages, on what
`exctl monitoring export` wrote, and a stand-in for whoever is called: a list of what reached them.

They run where the operator is, on the lab's own address, each on its usual port.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

import yaml

from lab.errors import LabError
from lab.processes import running, wait_for

PROMETHEUS_PORT, ALERTMANAGER_PORT, BLACKBOX_PORT, RECEIVER_PORT = 9090, 9093, 9115, 9099
PROGRAMS = ("prometheus", "prometheus-alertmanager", "prometheus-blackbox-exporter")


@dataclass(frozen=True)
class Notification:
    """One alert that reached somebody: which receiver, `firing` or `resolved`, and its labels."""

    receiver: str
    status: str
    labels: dict[str, str]
    summary: str

    def __str__(self) -> str:
        return f"{self.receiver}: {self.status} {self.labels['alertname']}: {self.summary}"


@dataclass
class Watch:
    """What is up, and what has reached anybody, in order."""

    address: str
    notifications: list[Notification] = field(default_factory=list)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What Prometheus answers now: `metric` and `value` of each series."""
        answer = self._get("/api/v1/query?" + urlencode({"query": expression}))
        found = answer["data"]["result"]
        assert isinstance(found, list)
        return found

    def alerts(self) -> dict[str, str]:
        """Alert → `pending` or `firing`, as Prometheus has them now."""
        alerts = self._get("/api/v1/alerts")["data"]["alerts"]
        return {alert["labels"]["alertname"]: alert["state"] for alert in alerts}

    def silences(self) -> list[dict[str, Any]]:
        """Every silence that Alertmanager knows."""
        found = self._get("/api/v2/silences", ALERTMANAGER_PORT)
        assert isinstance(found, list)
        return found

    def ready(self, port: int) -> bool:
        """Whether it answers queries: its port is open a while before that.

        Raises OSError while it doesn't.
        """
        with self._open("/-/ready", port) as answer:
            return bool(answer.status == HTTPStatus.OK)

    def _get(self, path: str, port: int = PROMETHEUS_PORT) -> Any:
        with self._open(path, port) as answer:
            return json.load(answer)

    def _open(self, path: str, port: int) -> Any:
        url = f"http://{self.address}:{port}{path}"
        return build_opener(ProxyHandler({})).open(url, timeout=10)


@contextmanager
def watching(
    exported: Path, work: Path, address: str, tell: Callable[[Notification], None]
) -> Iterator[Watch]:
    """All of them, until the block ends. The export stays as it is: a copy of it in `work` is what
    they read, which looks and tells every second and has receivers.

    Raises LabError if a program is missing, or doesn't start.
    """
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        raise LabError(f"{', '.join(missing)}: not installed; scripts/setup installs them")
    if not (exported / "prometheus.yml").exists():
        raise LabError(f"{exported} has no prometheus.yml; write it with: exctl monitoring export")
    watch = Watch(address)
    work.mkdir(parents=True, exist_ok=True)
    config = work / "config"
    shutil.rmtree(config, ignore_errors=True)
    shutil.copytree(exported, config)
    _edit(config / "prometheus.yml", _every_second)
    _edit(config / "alertmanager.yml", lambda content: _with_receivers(content, address))

    def note(found: Notification) -> None:
        watch.notifications.append(found)
        tell(found)

    with ExitStack() as stack:
        stack.enter_context(receiver(address, note))
        for name, argv in _commands(config, work, address).items():
            stack.enter_context(running(argv, work / f"{name}.log"))
        for port in (PROMETHEUS_PORT, ALERTMANAGER_PORT):
            wait_for(f"port {port} on {address}", partial(watch.ready, port))
        yield watch


def _commands(config: Path, work: Path, address: str) -> dict[str, list[str]]:
    found = {
        "prometheus": [
            "prometheus",
            f"--config.file={config}/prometheus.yml",
            f"--storage.tsdb.path={work}/prometheus",
            f"--web.listen-address={address}:{PROMETHEUS_PORT}",
        ],
        "alertmanager": [
            "prometheus-alertmanager",
            f"--config.file={config}/alertmanager.yml",
            f"--storage.path={work}/alertmanager",
            f"--web.listen-address={address}:{ALERTMANAGER_PORT}",
            "--cluster.listen-address=",
        ],
    }
    if (config / "blackbox.yml").exists():
        found["blackbox"] = [
            "prometheus-blackbox-exporter",
            f"--config.file={config}/blackbox.yml",
            f"--web.listen-address={address}:{BLACKBOX_PORT}",
        ]
    return found


def _edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def _every_second(content: dict[str, Any]) -> None:
    content["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}


def _with_receivers(content: dict[str, Any], address: str) -> None:
    content["route"] |= {"group_wait": "1s", "group_interval": "1s"}
    for receiver in content["receivers"]:
        if receiver["name"] != "exec-nobody":
            url = f"http://{address}:{RECEIVER_PORT}/{receiver['name']}"
            receiver["webhook_configs"] = [{"url": url, "send_resolved": True}]


@contextmanager
def receiver(address: str, note: Callable[[Notification], None]) -> Iterator[None]:
    """What Alertmanager calls; a notification repeats alerts that haven't changed, told once."""
    told: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            for alert in json.loads(self.rfile.read(length))["alerts"]:
                if told.get(alert["fingerprint"]) != alert["status"] + alert["startsAt"]:
                    told[alert["fingerprint"]] = alert["status"] + alert["startsAt"]
                    summary = alert["annotations"].get("summary", "")
                    name = self.path.strip("/")
                    note(Notification(name, alert["status"], alert["labels"], summary))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing: what was received is told."""

    server = ThreadingHTTPServer((address, RECEIVER_PORT), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def until_interrupted(exported: Path, work: Path, address: str) -> None:
    """For a person: prints what reaches anybody, until Ctrl-C."""
    with watching(exported, work, address, lambda found: print(found, flush=True)):
        print(f"lab: Prometheus http://{address}:{PROMETHEUS_PORT}")
        print(f"lab: Alertmanager http://{address}:{ALERTMANAGER_PORT}")
        print("lab: what reaches anybody is shown here; Ctrl-C ends it", flush=True)
        try:
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            return
