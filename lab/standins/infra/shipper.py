"""Alloy and Filebeat as far as a deployment meets them: they take the words and the configuration
that exctl makes, follow the files that it names from where they had come to, and send each line
with its labels, to Loki's push API or to Elasticsearch's bulk API.

Of the real ones' languages it reads what exctl writes, and nothing besides.
"""

from __future__ import annotations

import base64
import json
import re
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

LOOK_SECONDS = 0.5
"""The real ones look for new files every ten seconds; stories have less time."""
TEXT = r'"((?:[^"\\]|\\.)*)"'


@dataclass(frozen=True)
class Order:
    """What a configuration amounts to: pattern → labels, and where to."""

    inputs: Mapping[str, Mapping[str, str]]
    url: str
    login: str
    address: tuple[str, int]
    data: Path
    is_loki: bool

    def body(self, labels: Mapping[str, str], lines: list[str]) -> tuple[str, bytes]:
        if self.is_loki:
            values = [[str(time.time_ns()), line] for line in lines]
            content = json.dumps({"streams": [{"stream": labels, "values": values}]})
            return "application/json", content.encode()
        documents = [json.dumps({"message": line, "fields": labels}) for line in lines]
        rows = [row for document in documents for row in ('{"create": {}}', document)]
        return "application/x-ndjson", "".join(f"{row}\n" for row in rows).encode()


def of_alloy(words: list[str]) -> Order:
    """`run CONFIG --storage.path=… --server.http.listen-addr=…`."""
    command, config, *flags = words
    given = dict(flag.split("=", 1) for flag in flags if "=" in flag)
    assert (command, flags[len(given) :]) == ("run", ["--disable-reporting"]), words
    text = Path(config).read_text()
    inputs = {}
    for target in re.findall(r"^    \{(__path__ = .*)\},$", text, re.MULTILINE):
        labels = {
            key: json.loads(f'"{value}"') for key, value in re.findall(rf"(\w+) = {TEXT}", target)
        }
        inputs[labels.pop("__path__")] = labels
    found = {key: json.loads(f'"{value}"') for key, value in re.findall(rf"(\w+)\s+= {TEXT}", text)}
    login = ""
    if "username" in found:
        login = f"{found['username']}:{Path(found['password_file']).read_text()}"
    host, _, port = given["--server.http.listen-addr"].rpartition(":")
    data = Path(given["--storage.path"])
    return Order(inputs, found["url"], login, (host, int(port)), data, is_loki=True)


def of_filebeat(words: list[str]) -> Order:
    """`-environment container --path.data=… -c CONFIG …`: of two files the second adds to the
    first."""
    assert words[:2] == ["-environment", "container"], words
    content: dict[str, Any] = {}
    data = Path()
    for word, value in zip(words, [*words[1:], ""], strict=True):
        if word == "-c":
            content |= flat(yaml.safe_load(Path(value).read_text()))
        if word.startswith("--path.data="):
            data = Path(word.partition("=")[2])
    inputs = {path: each["fields"] for each in content["filebeat.inputs"] for path in each["paths"]}
    output = "output.elasticsearch."
    login = ""
    if f"{output}username" in content:
        parts = (content[f"{output}{name}"].replace("$$", "$") for name in ("username", "password"))
        login = ":".join(parts)
    (url,) = content[f"{output}hosts"]
    address = (content["http.host"], content["http.port"])
    return Order(inputs, f"{url}/_bulk", login, address, data, is_loki=False)


def flat(content: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Names with dots, however deep a file has them."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        found |= (
            flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": value}
        )
    return found


class Shipper:
    def __init__(self, order: Order) -> None:
        self._order, self._positions = order, order.data / "positions.json"
        kept = self._positions
        self._at: dict[str, int] = json.loads(kept.read_text()) if kept.exists() else {}

    def follow(self) -> None:
        while True:
            for pattern, labels in self._order.inputs.items():
                directory, _, name = pattern.rpartition("/")
                for path in sorted(Path(directory).glob(name)):
                    self._ship(path, labels)
            time.sleep(LOOK_SECONDS)

    def _ship(self, path: Path, labels: Mapping[str, str]) -> None:
        with path.open("rb") as file:
            file.seek(self._at.get(path.name, 0))
            found = file.read()
        whole = found[: found.rfind(b"\n") + 1]
        if whole and self._send(labels, whole.decode("utf-8", "replace").splitlines()):
            self._at[path.name] = self._at.get(path.name, 0) + len(whole)
            self._positions.write_text(json.dumps(self._at))

    def _send(self, labels: Mapping[str, str], lines: list[str]) -> bool:
        kind, body = self._order.body(labels, lines)
        headers = {"Content-Type": kind}
        if self._order.login:
            login = base64.b64encode(self._order.login.encode()).decode()
            headers["Authorization"] = f"Basic {login}"
        request = urllib.request.Request(self._order.url, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=5):
                return True
        except OSError as error:
            print(f"{self._order.url}: {error}", flush=True)
            return False


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def main(agent: str, words: Iterable[str]) -> None:
    # A container's first process isn't ended by a signal that it doesn't handle.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    order = {"alloy": of_alloy, "filebeat": of_filebeat}[agent](list(words))
    threading.Thread(target=Shipper(order).follow, daemon=True).start()
    with ThreadingHTTPServer(order.address, Ready) as server:
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
