"""What a survey's facts amount to for an operator: to be done, to be looked at, not known. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from engage.folders import Doubt
from engage.objects import QUEUES, DnType, dn_type_name
from engage.results import Survey, Unknown, Wanted
from engage.transactions import KeyState, TransactionFacts
from exctl.points import Level, Point, in_order
from health.gates.clock import duration_text
from stack.text import counted

KIND_WORDS = {"dn": "DN"}
LONGEST_DEADLINE_SECONDS = 86400


def of(found: Survey, wanted: Wanted) -> list[Point]:
    """Every point, problems first."""
    points = [
        *_tenant(found, wanted),
        *_folders(found),
        *_conflicts(found),
        *_transaction(found.transaction, wanted),
        *_groups(found),
        *_supervisors(found),
        *_skill_levels(found),
        *_queues(found),
        *_estimate(found),
        *map(_unknown, found.unknowns),
        *_dn_types(found),
    ]
    return in_order(points)


def _tenant(found: Survey, wanted: Wanted) -> Iterator[Point]:
    if found.tenant is None and found.tenants:
        listed = ", ".join(f"{t.dbid} {t.name}" for t in found.tenants)
        yield Point(
            "problem",
            "tenant-not-found",
            f"the Config DB has no tenant with the DBID {wanted.tenant_id}; it has: {listed}",
            "correct tenant.id, or say which one to look at: exctl survey --tenant DBID",
        )


def _folders(found: Survey) -> Iterator[Point]:
    folders = found.folders
    if found.tenant is None:
        return
    if not folders.is_on:
        yield Point(
            "warning",
            "folder-filter-off",
            "the folder filter is off: every object of the tenant is synced, and each person for"
            " whom an event comes in is billed that month",
            "choose folders in excs.sync.customer_folders and set customer_objects_only: true; try"
            " a choice with: exctl survey --folder NAME",
        )
    for missed in folders.missed:
        like = f"; there is {', '.join(missed.in_other_case)}" if missed.in_other_case else ""
        yield Point(
            "problem",
            "folder-not-found",
            f"no folder is called {missed.name} in Persons, Skills, DNs or Agent Groups{like}",
            "correct excs.sync.customer_folders",
        )
    if folders.is_on and folders.is_recognised:
        empty = {match.name for match in folders.matches} - {
            match.name for match in folders.matches if match.objects
        }
        for name in sorted(empty):
            yield Point(
                "warning", "folder-empty", f"the folder {name} has no enabled object", "look at it"
            )
    if folders.is_on and not folders.is_recognised:
        is_read = all(unknown.topic != "folders" for unknown in found.unknowns)
        why = "; ".join(map(_doubt, folders.doubts)) if is_read else "not read, see below"
        yield Point(
            "unknown",
            "folder-mapping-not-recognised",
            f"folder mapping not recognised ({why}): all counts are of the whole tenant, without"
            " the filter",
        )


def _doubt(doubt: Doubt) -> str:
    many = counted(doubt.objects, f"enabled {doubt.kind or 'object'}")
    return {
        "no folders": "there are no folders",
        "no mapping": "no mapping",
        "in no folder": f"{many} in no folder",
        "in several folders": f"{counted(doubt.objects, 'object')} in several folders",
        "folder of another type": f"{many} in a folder of another type",
        "folders in a circle": "folders that are each other's parents",
    }[doubt.why]


def _conflicts(found: Survey) -> Iterator[Point]:
    for kind, number in Counter(conflict.kind for conflict in found.conflicts).items():
        names = counted(number, f"{KIND_WORDS.get(kind, kind)} name")
        yield Point(
            "problem",
            "name-conflict",
            f"{names} in spellings that differ only by case",
            "rename all but one of each; the vendor requires that before a sync",
        )


def of_transaction(facts: TransactionFacts, wanted: Wanted) -> list[Point]:
    """The points of the transaction alone, problems first."""
    return in_order(_transaction(facts, wanted))


def _transaction(facts: TransactionFacts | None, wanted: Wanted) -> Iterator[Point]:
    if facts is None:
        return
    fix = "exctl transaction shows what it has to be"
    absent = {
        "missing": "the tenant has no transaction hybrid_integration",
        "wrong type": f"hybrid_integration is of the type {facts.type}, not List (21)",
        "name in other case": "a transaction's name differs from hybrid_integration by case",
        "disabled": "the transaction hybrid_integration is disabled",
        "several": "the tenant has several transactions hybrid_integration of the type List",
    }.get(facts.found)
    if absent is not None:
        yield Point("problem", f"transaction-{facts.found.replace(' ', '-')}", absent, fix)
    if facts.also_of_types and facts.found != "several":
        types = ", ".join(map(str, facts.also_of_types))
        yield Point(
            "warning",
            "transaction-twice",
            f"there is another hybrid_integration, of the type {types}",
            "see which service it is for",
        )
    missing = [f"{key.section}/{key.key}" for key in facts.wrong if key.standing == "missing"]
    if missing:
        text = f"hybrid_integration has no {', '.join(missing)}"
        yield Point("problem", "transaction-keys-missing", text, fix)
    for key in facts.wrong:
        if key.standing != "missing":
            yield Point("problem", "transaction-key", _key(key), fix)
    for key in facts.doubtful:
        yield Point(
            "warning",
            "transaction-key-unsure",
            f"{key.section}/{key.key} is {key.found}; exctl expects {key.wanted}, but the vendor"
            f" shows no example",
            "compare with what Genesys gave you",
        )
    for name in facts.shared_with:
        yield Point(
            "problem",
            "organization-shared",
            f"the tenant {name} has a transaction that names the organization {wanted.org_id} too",
            "an EX organization can't be shared by tenants: correct one of the two",
        )


def _key(key: KeyState) -> str:
    name = f"hybrid_integration: {key.section}/{key.key}"
    match key.standing:
        case "empty":
            return f"{name} is empty"
        case "placeholder":
            return f"{name} still has the placeholder of the vendor's table"
    if key.wanted:
        return f"{name} is {key.found}, the stack file has {key.wanted}"
    return f"{name} isn't the stack's secret oauthClientSecret"


def _groups(found: Survey) -> Iterator[Point]:
    links = Counter(group.link for group in found.groups)
    queue = "hybrid/WFM_queue_number"
    said: tuple[tuple[str, Level, str], ...] = (
        ("no such dn", "problem", f"whose {queue} names no DN"),
        ("wrong type", "problem", f"whose {queue} names a DN that is no Virtual Queue"),
        ("disabled", "problem", f"whose {queue} names a disabled Virtual Queue"),
        ("not selected", "problem", f"whose {queue} names a queue outside the folders"),
        ("other case", "warning", f"whose {queue} differs from its queue's name by case"),
        ("by number", "warning", f"whose {queue} is a queue's number, not its name"),
        ("key in other case", "warning", f"with a key that differs from {queue} by case"),
        ("no key", "warning", f"without {queue}"),
    )
    for link, level, text in said:
        if links[link]:  # type: ignore[index]  # each of them is a Link
            yield Point(
                level,
                f"group-{link.replace(' ', '-')}",
                f"{counted(links[link], 'agent group')} {text}",  # type: ignore[index]
                "correct the annex of each group that routing or reporting uses",
            )


def _supervisors(found: Survey) -> Iterator[Point]:
    near = Counter(each.why for each in found.near_supervisors)
    said = {
        "role in other case": "with the role supervisor in another spelling than Supervisor in"
        " htcc/roles; which spelling EXEC accepts isn't public",
        "another word": "with a word like Supervisor in htcc/roles",
        "not an agent": "with the role Supervisor, but not marked as agent",
        "key in other case": "with roles under a key that differs from htcc/roles by case",
    }
    for why, number in near.items():
        yield Point(
            "warning",
            f"supervisor-{why.replace(' ', '-')}",
            f"{counted(number, 'person')} {said[why]}",
            "correct those who are to be supervisors in the EX organization",
        )


def _skill_levels(found: Survey) -> Iterator[Point]:
    levels = found.skill_levels
    if levels is None:
        return
    if levels.allowed is None:
        yield Point(
            "unknown",
            "skill-levels-not-compared",
            f"skill levels are {levels.least} to {levels.greatest}; the transaction names no range"
            " to compare with",
        )
    elif levels.outside:
        least, greatest = levels.allowed
        yield Point(
            "warning",
            "skill-levels-outside",
            f"{counted(levels.outside, 'skill level')} outside {least} to {greatest}, the range of"
            f" the transaction (found: {levels.least} to {levels.greatest})",
            "widen skill_level_min_value and skill_level_max_value, or correct the levels",
        )


def _queues(found: Survey) -> Iterator[Point]:
    for kind in (DnType.ACD_QUEUE, DnType.ROUTING_QUEUE):
        if found.dns and found.dns[kind]:
            yield Point(
                "warning",
                "queue-type",
                f"{counted(found.dns[kind], dn_type_name(kind))} would become queues; the vendor"
                f" recommends only Virtual Queues and Routing Points",
                "keep them out of the folders, if you can",
            )
    if found.dns and not any(found.dns[kind] for kind in QUEUES):
        yield Point(
            "warning", "no-queues", "no DN would become a queue", "check that the folders are right"
        )


def _estimate(found: Survey) -> Iterator[Point]:
    estimate = found.estimate
    if estimate is None or estimate.is_deadline_enough:
        return
    most = estimate.seconds[1]
    deadline = duration_text(estimate.deadline_seconds)
    to_do = f"set excs.sync_gate.deadline_seconds to {round(most * 1.5)}"
    if most * 1.5 > LONGEST_DEADLINE_SECONDS:
        to_do = (
            "begin with fewer folders; a gate that gives up leaves EXCS running, and exctl"
            " up resumes"
        )
    yield Point(
        "warning",
        "deadline-short",
        f"the first sync may take {duration_text(most)}; the sync gate gives up after {deadline}",
        to_do,
    )


def _unknown(unknown: Unknown) -> Point:
    what = f"{unknown.topic} not read: "
    if unknown.why == "not recognised":
        columns = f" with {', '.join(unknown.columns)}" if unknown.columns else ""
        what += f"no table {unknown.table}{columns} that the user may read"
    else:
        what += {"denied": "the user may not", "timeout": "it took too long"}.get(
            unknown.why, "the database answers with an error"
        )
        what += f" (code {unknown.code})" if unknown.code else ""
    return Point("unknown", f"not-read-{unknown.topic.replace(' ', '-')}", what)


def _dn_types(found: Survey) -> Iterator[Point]:
    for code, name in found.strange_dn_types.items():
        yield Point(
            "unknown",
            "dn-type",
            f"cfg_locale calls DNs of the type {code} {name}, here they count as"
            f" {dn_type_name(code)}: counts of DNs and groups' queues may be wrong",
        )
