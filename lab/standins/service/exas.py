"""EXAS: takes agent states from Stat Server and sets them in Genesys Cloud."""

from __future__ import annotations

from typing import Any

from .lines import LineClient
from .settings import Settings
from .shared import Shared


class AgentStates:
    def __init__(self, settings: Settings) -> None:
        self._shared = Shared(settings)
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

    def _on_state(self, message: dict[str, Any]) -> None:
        user = self._agents.get(str(message["agent"]))
        if user is not None:
            body = {"userId": user, "presence": message["state"]}
            self._shared.cloud().post("/api/v2/presences", body)
            self._sent += 1

    def metrics(self) -> dict[str, float]:
        return {"exas_states_sent_total": self._sent, "exas_agents": len(self._agents)}

    def start(self) -> None:
        self._client.start()

    def checks(self) -> dict[str, Any]:
        return {**self._shared.checks(), "statserver": self._client.check}
