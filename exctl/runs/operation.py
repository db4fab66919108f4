"""One operation of Pulumi's: interrupted as the operator wants, and its failure in our words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from pulumi import automation as auto

from exctl.errors import ExctlError, Interrupted
from exctl.pulumi import lock
from exctl.pulumi.interrupts import passed_on
from exctl.pulumi.process import Pulumi
from exctl.pulumi.workspace import explained, last_error, tell_program
from exctl.runs import aftermath
from exctl.runs.causes import NAME_IS_TAKEN, caused
from exctl.runs.events import StepLog, without_wrapping
from exctl.site import Site
from exctl.terminal.messages import say
from health.gates.events import EVENTS_VARIABLE

Result = TypeVar("Result")


def carry_out(
    operation: Callable[[], Result],
    log: StepLog,
    site: Site,
    stack: auto.Stack,
    left_out: Mapping[str, str] | None = None,
) -> Result:
    """What Pulumi's operation gives. `left_out`: what nothing is done to, for the last words of an
    operation that changes something; None for one that only looks.

    Raises FailedRun or InterruptedRun for the one, ExctlError or Interrupted for the other.
    """
    pulumi = stack.workspace.pulumi_command
    assert isinstance(pulumi, Pulumi)
    tell_program(stack, EVENTS_VARIABLE, "json")
    with passed_on(pulumi.interrupt, lambda: lock.stop_gates(site), say) as interrupts:
        try:
            result = operation()
            if interrupts.count and left_out is None:
                raise Interrupted("interrupted", touched=False)
            return result
        except auto.ConcurrentUpdateError as error:
            raise ExctlError(
                f"another run holds the lock of the stack {site.stack}."
                f" {last_error(error)}\nTo see whose it is, and to remove it after a killed run:"
                f" exctl unlock --stack {site.stack}",
                touched=False,
            ) from None
        except auto.CommandError as error:
            if interrupts.count and left_out is None:
                raise Interrupted("interrupted", touched=False) from None
            if interrupts.count:
                raise aftermath.interrupted(site, log.progress, left_out or {}) from None
            reasons = log.errors or log.program_words or [without_wrapping(explained(error, site))]
            if NAME_IS_TAKEN in caused(log.failures):
                reasons.append(f"If that is the vendor's: exctl adopt --stack {site.stack}")
            if left_out is None:
                raise ExctlError("\n\n".join(reasons), touched=False) from None
            raise aftermath.failed(site, log.progress, left_out, "\n\n".join(reasons)) from None


def hosts_of(site: Site) -> dict[str, str]:
    """Instance → host, to name it."""
    return {instance.key: instance.host for instance in site.layout.instances}
