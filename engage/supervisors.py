"""Who would get the role Supervisor in the EX organization, and who nearly would. Pure.

Source: deployment, "Preparing Engage Configuration": the person is an agent, and Annex / htcc /
roles is a list with 'Supervisor' in it. GWS itself writes its roles in lower case ("supervisor");
which spelling EXEC takes isn't public.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SECTION, OPTION, ROLE = "htcc", "roles", "Supervisor"
Near = Literal["role in other case", "not an agent", "another word", "key in other case"]


@dataclass(frozen=True)
class NearSupervisor:
    """A person who fits all of the rule but one thing; `found` is what stands there instead."""

    dbid: int
    user_name: str
    why: Near
    found: str


def judged(
    dbid: int, user_name: str, is_agent: bool, section: str, option: str, roles: str
) -> NearSupervisor | bool:
    """True for a supervisor, False for who isn't meant to be one."""
    words = [word.strip() for word in roles.split(",")]
    like = [word for word in words if ROLE.lower() in word.lower()]
    if not like:
        return False
    near: Near | None = None
    if (section, option) != (SECTION, OPTION):
        near, found = "key in other case", f"{section}/{option}"
    elif ROLE in words:
        near, found = ("not an agent", ROLE) if not is_agent else (None, "")
    else:
        is_case = any(word.lower() == ROLE.lower() for word in like)
        near, found = ("role in other case" if is_case else "another word"), like[0]
    return True if near is None else NearSupervisor(dbid, user_name, near, found)
