"""The operator's word for a plan: asked for with what it costs, and refused where a guard would."""

from __future__ import annotations

from collections.abc import Sequence

from exctl.errors import ExctlError
from exctl.runs.events import worded
from exctl.runs.options import RunOptions
from exctl.runs.outlook import Outlook, outages, without_excs
from exctl.runs.plan import Touch
from exctl.site import Site
from exctl.terminal.questions import confirm, is_terminal


def require(site: Site, how: RunOptions, planned: Sequence[Touch], outlook: Outlook) -> None:
    """Returns if the plan may be carried out.

    Raises ExctlError if a guard would refuse, or if a pair goes down afterwards and nobody is
    there to be asked; click.Abort if the answer is no.
    """
    if refused := [touch.refusal for touch in planned if touch.refusal is not None]:
        raise ExctlError("\n\n".join(map(worded, refused)), touched=False)
    removed = [touch.instance for touch in planned if touch.verb == "remove"]
    lost = outages(site.layout, outlook, removed)
    if lost and not how.allow_outage and (how.yes or not is_terminal()):
        raise ExctlError("; ".join(lost) + ".\nTo do it anyway, add --allow-outage.", touched=False)
    if not how.yes:
        confirm(question(site, planned, lost))


def question(site: Site, planned: Sequence[Touch], lost: Sequence[str]) -> str:
    """What is asked: the stack and its tenant, and what isn't served then. Pure."""
    costs = list(lost)
    others = without_excs(site.layout)
    if others and any(t.instance == "excs" and t.verb in ("replace", "remove") for t in planned):
        costs.append(f"{others} may answer 503 while excs is down")
    first = f"{'; '.join(costs)}.\n" if costs else ""
    return f"{first}Do it to the stack {site.stack} (tenant {site.config.tenant.id})?"
