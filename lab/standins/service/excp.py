"""EXCP: takes call events from SIP Server and injects them into Genesys Cloud, once a pair."""

from __future__ import annotations

from functools import partial
from typing import Any

from .health import Check
from .lines import LineClient, addresses
from .settings import Settings
from .shared import Shared
from .web import Page

KINDS = ("VQ", "AGENT", "CALL")
"""SIP Server's events: of virtual queues, of agents' extensions, of calls; a client for each."""


class Conversations:
    def __init__(self, settings: Settings) -> None:
        self._shared = Shared(settings, "conversation_provider")
        self._clients = [
            LineClient(addresses(server), partial(dict, register=kind), self._on_event)
            for kind in KINDS
            for server in settings[f"VOICE_SERVER_{kind}"].split(",")
        ]
        self._injected = self._dropped = 0

    def _on_event(self, message: dict[str, Any]) -> None:
        """Both of a pair see each event; the first to write it down in Redis injects it."""
        if not self._shared.store.is_first(str(message["id"])):
            self._dropped += 1
            return
        queue = self._shared.translate("dn", str(message["dn"]))
        body = {"id": message["id"], "event": message["event"], "queueId": queue}
        self._shared.cloud().send("POST", "/api/v2/conversations/events", body)
        self._injected += 1

    def _check_servers(self) -> str:
        return ", ".join(sorted({client.check() for client in self._clients}))

    def checks(self) -> dict[str, Check]:
        return {**self._shared.checks(), "sipserver": self._check_servers}

    def pages(self) -> dict[str, Page]:
        return {}

    def metrics(self) -> dict[str, float]:
        return {
            "excp_events_injected_total": self._injected,
            "excp_events_dropped_total": self._dropped,
        }

    def start(self) -> None:
        for client in self._clients:
            client.start()
