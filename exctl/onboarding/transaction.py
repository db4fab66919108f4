"""The transaction object `hybrid_integration`, from which EXEC's services take the EX organization
and the OAuth client: its annex as the vendor's table has it, filled from the stack file. Pure.

What the keys are to be: engage/annex.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from config_schema import ExecConfig
from engage.annex import WantedAnnex, wanted_annex
from engage.transactions import TransactionFacts
from exctl.errors import NothingTouched

NAME, TYPE = "hybrid_integration", "List"
SECRET = "oauthClientSecret"
PLACEHOLDERS = {
    "organization_sname": "CFG_ALIAS_EX_ORG_SHORT_NAME",
    "client_id": "CFG_ALIAS_EX_ORG_OAUTH_CLIENT_ID",
    "client_secret": f"<{SECRET}>",
    "password": f"<{SECRET}>",
    "skill_level_max_value": "ENGAGE_MAX_SKILL_LEVEL",
    "skill_level_min_value": "ENGAGE_MIN_SKILL_LEVEL",
    "sta_default_programid": "<DEFAULT_STA_PROGRAM_ID>",
    "sta_default_language": "<DEFAULT_STA_LANGUAGE>",
}
"""The vendor's, where the table has one."""
_LANGUAGE = re.compile(r"[a-z]{2}-[A-Z]{2}")
"""ISO 639-1, a dash, ISO 3166-1 alpha-2, as the table asks."""


@dataclass(frozen=True)
class Given:
    """What a stack file doesn't say; None stays the vendor's placeholder."""

    short_name: str | None = None
    skill_level_min: int | None = None
    skill_level_max: int | None = None
    sta_program_id: str | None = None
    sta_language: str | None = None


@dataclass(frozen=True)
class AnnexEntry:
    """One key of the annex; `is_open`: its value is a placeholder still."""

    folder: str
    key: str
    value: str
    is_open: bool = False


def wanted(config: ExecConfig, given: Given, secret: str | None) -> WantedAnnex:
    """What the annex is to be as far as stack file and `given` know it."""
    least, greatest = (
        None if level is None else str(level)
        for level in (given.skill_level_min, given.skill_level_max)
    )
    return wanted_annex(
        config.tenant.org_id,
        config.tenant.region,
        config.tenant.oauth_client_id,
        secret,
        given.short_name,
        (least, greatest),
        (given.sta_program_id, given.sta_language),
    )


def entries(config: ExecConfig, given: Given, secret: str | None) -> list[AnnexEntry]:
    """Every key of the vendor's table, in its order."""
    return [
        AnnexEntry(folder, key, PLACEHOLDERS[key] if value is None else value, value is None)
        for folder, keys in wanted(config, given, secret).items()
        for key, value in keys.items()
    ]


def refuse_wrong(given: Given) -> None:
    """Raises NothingTouched for values that the table doesn't allow."""
    wrong: list[str] = []
    least, most = given.skill_level_min, given.skill_level_max
    if least is not None and most is not None and least >= most:
        wrong.append(f"--skill-level-min {least} isn't below --skill-level-max {most}")
    if given.sta_language is not None and _LANGUAGE.fullmatch(given.sta_language) is None:
        wrong.append(f"--sta-language {given.sta_language} isn't of the form en-US")
    if given.sta_program_id is not None:
        try:
            UUID(given.sta_program_id)
        except ValueError:
            wrong.append(f"--sta-program-id {given.sta_program_id} isn't a UUID")
    if wrong:
        raise NothingTouched(f"{'; '.join(wrong)}.")


def table(found: Sequence[AnnexEntry]) -> list[str]:
    """For a person who types it in: each folder with its keys and values."""
    wide = max(len(entry.key) for entry in found)
    lines = [f"Transaction {NAME}, type {TYPE}", "Annex:"]
    folder = ""
    for entry in found:
        if entry.folder != folder:
            folder = entry.folder
            lines.append(f"  {folder}")
        mark = "   <- fill in" if entry.is_open else ""
        lines.append(f"    {entry.key.ljust(wide)}  {entry.value}{mark}")
    return lines


def compared_table(facts: TransactionFacts) -> list[str]:
    """How each key stands in the database, and what is to be typed in, ready to copy. A secret is
    shown by its placeholder."""
    if not facts.keys:
        return []
    wide = max(len(f"{key.section}/{key.key}") for key in facts.keys)
    stand = max(len(key.standing) for key in facts.keys)
    lines = [
        f"  {f'{k.section}/{k.key}'.ljust(wide)}  {k.standing.ljust(stand)}  {k.found}".rstrip()
        for k in facts.keys
    ]
    if facts.wrong:
        lines += ["", "To be set in the annex:"]
    for key in facts.wrong:
        value = key.wanted or PLACEHOLDERS.get(key.key, "")
        lines.append(f"  {f'{key.section}/{key.key}'.ljust(wide)}  {value}")
    return lines


def as_cfg(found: Sequence[AnnexEntry]) -> str:
    """Sections and `key=value` lines; a key that is open yet is left out: an import would set it.

    Source: Genesys Administrator Extension's user guide, "Bulk Provisioning of Configuration
    Options": GAX imports .cfg files, in UTF-8 and for one object each, on the Options tab of any
    type of object. Inferred: the form inside, that of Genesys's other configuration files. Compare
    with an export of an object of yours.
    """
    lines: list[str] = []
    folder = ""
    for entry in found:
        if entry.is_open:
            continue
        if entry.folder != folder:
            folder = entry.folder
            lines += [*([""] if lines else []), f"[{folder}]"]
        lines.append(f"{entry.key}={entry.value}")
    return "\n".join(lines) + "\n"


def as_json(found: Sequence[AnnexEntry]) -> dict[str, object]:
    """Folder → key → value, null where it is open."""
    folders: dict[str, dict[str, str | None]] = {}
    for entry in found:
        folders.setdefault(entry.folder, {})[entry.key] = None if entry.is_open else entry.value
    return {"name": NAME, "type": TYPE, "annex": folders}


def notes(config: ExecConfig, found: Sequence[AnnexEntry]) -> Iterator[str]:
    """What the vendor asks for besides, and what is open yet."""
    yield ""
    still = list(dict.fromkeys(entry.key for entry in found if entry.is_open))
    if still:
        yield f"to be filled in: {', '.join(still)}"
        if config.tenant.oauth_client_id is None:
            yield "  client_id: set tenant.oauth_client_id in the stack file"
        if any(entry.value == f"<{SECRET}>" for entry in found):
            yield f"  client_secret and password: the secret {SECRET}; --with-secrets prints it"
        if any(entry.key.startswith("sta_") for entry in found if entry.is_open):
            yield "  sta_…: only for speech and text analytics; leave them out otherwise"
    yield (
        "base_service_url, base_auth_url and region follow from tenant.region; the vendor shows no"
        " example of them: compare with a transaction that works, if you have one"
    )
    yield "where: Transactions, in Resources; in a multi-tenant Engage, under this tenant"
    yield (
        f"each tenant needs its own transaction and its own EX organization: no other tenant's"
        f" may name {config.tenant.org_id}"
    )
    yield (
        "its OAuth client: grant type Client Credentials, role EX Integration. EXCS copies the"
        " annex into Redis; protect both"
    )
    if not config.redis.secure:
        yield (
            "warning: redis.secure is false: whoever reaches Redis can read the OAuth client's"
            " secret"
        )
