"""What the annex of `hybrid_integration` is to be, section by section, as far as it is known. Pure.

Source: deployment, "Configuring hybrid_integration transaction in CME". Inferred: the form of the
two URLs and of `region`, of which the vendor's table shows no example.
"""

from __future__ import annotations

from collections.abc import Mapping

WantedAnnex = Mapping[str, Mapping[str, str | None]]
"""Section → key → value, None where it isn't known here; in the vendor's order."""


def wanted_annex(
    org_id: str,
    region: str,
    client_id: str | None,
    secret: str | None,
    short_name: str | None = None,
    skill_levels: tuple[str | None, str | None] = (None, None),
    sta: tuple[str | None, str | None] = (None, None),
) -> WantedAnnex:
    """Every key of the vendor's table. `skill_levels`: least and greatest; `sta`: program's id and
    language."""
    client = {"client_id": client_id, "client_secret": secret}
    return {
        "general": {
            "organization_sname": short_name,
            "organization_id": org_id,
            "base_service_url": f"https://api.{region}",
            "base_auth_url": f"https://login.{region}",
            "region": region,
        },
        "config_sync": {
            **client,
            "skill_level_max_value": skill_levels[1],
            "skill_level_min_value": skill_levels[0],
        },
        "agent_state_sync": client,
        "conversation_provider": {
            **client,
            "sta_default_programid": sta[0],
            "sta_default_language": sta[1],
            "password": secret,
        },
    }
