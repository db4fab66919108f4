"""Whether a state is this stack's own. Pulumi itself takes any: a copied file is another stack's
state under our name, and each run would remove what that stack runs. Pure but for `own_state`.

Measured: pulumi 3.274.1 with a file backend, `dev.json` copied to `two.json`: `stack export`,
`preview` and `destroy` of `two` go on with `dev`'s resources without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi import automation as auto

from exctl.errors import ExctlError
from exctl.pulumi import state
from exctl.pulumi.state import CONTAINER, State, host_of, name_of
from exctl.site import Site
from hosts.docker import STACK_LABEL

ORG_LABEL, TENANT_LABEL = "exec.org", "exec.tenant"


def own_state(site: Site, stack: auto.Stack) -> State:
    """The stack's state. ExctlError if it can't be read or is another stack's."""
    found = state.read(stack)
    refuse_another(site, reasons(found, site, stack.workspace.project_settings().name))
    return found


def refuse_another(site: Site, found: list[str]) -> None:
    """ExctlError with what says that the state is another's."""
    if not found:
        return
    name = site.stack
    said = "".join(f"\n  {reason}" for reason in found)
    raise ExctlError(
        f"the backend holds another stack's state under the name {name}:{said}\nA run would act on"
        f" that stack's containers. Restore this stack's own state from a backup, or from where"
        f" it is right: pulumi stack export --stack {name} --file {name}.json there, then"
        f" here:"
        f" pulumi stack import --stack {name} --file {name}.json. If the stack or the project"
        f" was renamed, give it its old name again. If the stack's own state is lost, take this"
        f" one out of"
        f" the backend, which touches no host: pulumi stack rm {name} --force --preserve-config"
        f" --yes; what runs is then taken back by: exctl adopt --stack {name}",
        touched=False,
    )


def reasons(found: State, site: Site, project: str) -> list[str]:
    """What in the state names another stack, project or tenant; empty for our own.

    A changed org_id alone is a correction. It is another tenant's state if the tenant's id differs
    as well, or if it has none of our hosts.
    """
    said: dict[str, None] = {}
    ours, tenant = site.stack, site.config.tenant
    for row in found.rows:
        named, of = _stack_and_project(row)
        if (named, of) != (ours, project):
            said[f"its resources are named after the stack {named} of the project {of}"] = None
    no_host_is_ours = bool(found.hosts) and not set(found.hosts) & set(site.layout.hosts)
    for row in found.rows:
        labels = labels_of(row)
        if not labels:
            continue
        where = f"the container {name_of(row).removeprefix(CONTAINER)} on {host_of(row)}"
        if labels.get(STACK_LABEL, ours) != ours:
            said[f"{where} is the stack {labels[STACK_LABEL]}'s"] = None
        org, other = labels.get(ORG_LABEL, tenant.org_id), labels.get(TENANT_LABEL, tenant.id)
        if org != tenant.org_id and (other != tenant.id or no_host_is_ours):
            said[f"{where} is of the tenant {other}, EX organization {org}"] = None
    return list(said)


def labels_of(row: Mapping[str, Any]) -> dict[str, str]:
    """The labels that a container was asked for with; none for what isn't a container."""
    if not name_of(row).startswith(CONTAINER):
        return {}
    asked = (row.get("inputs") or {}).get("labels") or []
    return {str(each["label"]): str(each["value"]) for each in asked if isinstance(each, Mapping)}


def _stack_and_project(row: Mapping[str, Any]) -> tuple[str, str]:
    """From `urn:pulumi:STACK::PROJECT::TYPE::NAME`."""
    stack, project, *_ = [*str(row["urn"]).removeprefix("urn:pulumi:").split("::"), "", ""]
    return stack, project
