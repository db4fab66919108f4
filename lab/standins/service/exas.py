"""EXAS: takes agent states from Stat Server and sets them in Genesys Cloud."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from .health import Check
from .lines import LineClient
from .settings import Settings
from .shared import Shared
from .web import Page

AGENT_POLL_SECONDS = 3.0
PRESENCES = {
    "LoggedOff": "Offline",
    "Ready": "Available",
    "Break": "Break",
    "Meal": "Meal",
    "Meeting": "Meeting",
    "Training": "Training",
}
OTHER_PRESENCE = "Busy"
"""Not ready for a reason that the vendor's table doesn't have."""


class AgentStates:
    def __init__(self, settings: Settings) -> None:
        self._shared = Shared(settings, "agent_state_sync")
        servers = [
            (settings[f"STAT_SERVER_{role}_HOST"], int(settings[f"STAT_SERVER_{role}_PORT"]))
            for role in ("PRIMARY", "BACKUP")
        ]
        self._client = LineClient(servers, self._hello, self._on_state)
        self._agents: dict[str, str] = {}
        self._sent = 0

    def _hello(self) -> dict[str, Any]:
        """Subscribes to every agent that EXCS synced."""
        self._agents = self._shared.store.ids("person")
        return {"subscribe": sorted(self._agents)}

    def _follow_agents(self) -> None:
        """Subscribes again when EXCS has synced other agents."""
        while True:
            time.sleep(AGENT_POLL_SECONDS)
            try:
                if self._shared.store.ids("person") != self._agents:
                    self._client.say_hello_again()
            except Exception as error:  # noqa: BLE001 its check says what is away; the next look may do
                logging.getLogger("service").debug(f"agents: {error}")

    def _on_state(self, message: dict[str, Any]) -> None:
        user = self._agents.get(str(message["agent"]))
        if user is None:
            return
        presence = PRESENCES.get(str(message["state"]), OTHER_PRESENCE)
        path = f"/api/v2/users/{user}/presences/engage"
        self._shared.cloud().send("PATCH", path, {"presence": presence})
        self._sent += 1

    def checks(self) -> dict[str, Check]:
        return {**self._shared.checks(), "statserver": self._client.check}

    def pages(self) -> dict[str, Page]:
        return {}

    def metrics(self) -> dict[str, float]:
        return {"exas_states_sent_total": self._sent, "exas_agents": len(self._agents)}

    def start(self) -> None:
        self._client.start()
        threading.Thread(target=self._follow_agents, daemon=True).start()
