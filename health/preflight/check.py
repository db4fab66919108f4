"""What a check is: its name, what it proves, and who judges it. One shape for all of them.

What a host is asked is in one `HostAnswers`; a judge is pure and asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from config_schema import CheckName
from health.preflight.answers import HostAnswers
from health.preflight.finding import Finding
from health.preflight.host_facts import HostFacts
from health.preflight.subject import Subject


@dataclass(frozen=True)
class HostView:
    """One host as its judges see it. `excs_runs`: EXCS has a container of ours that runs."""

    subject: Subject
    host: str
    answers: HostAnswers
    excs_runs: bool

    @property
    def facts(self) -> HostFacts:
        """Only of a host that was reached, as every judge but those of SSH may assume."""
        assert self.answers.facts is not None
        return self.answers.facts


@dataclass(frozen=True)
class StackView:
    """The whole stack as its judges see it. `watchers`: what each host said on which something is
    to be placed beside EXEC."""

    subject: Subject
    answers: Mapping[str, HostAnswers]
    excs_runs: bool
    watchers: Mapping[str, HostAnswers] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One check. `stops` tells whether its worst finding stops a deployment; `of_host` judges each
    host (one that wasn't reached only if `unreached`), `of_stack` all of it at once."""

    name: CheckName
    proves: str
    of_host: Callable[[HostView], Iterable[Finding]] | None = None
    of_stack: Callable[[StackView], Iterable[Finding]] | None = None
    stops: bool = True
    unreached: bool = False

    def findings(self, views: Iterable[HostView], stack: StackView) -> Iterable[Finding]:
        if self.of_stack is not None:
            yield from self.of_stack(stack)
        for view in views if self.of_host is not None else ():
            if self.of_host is not None and (self.unreached or view.answers.facts is not None):
                yield from self.of_host(view)
