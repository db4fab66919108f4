"""How the clocks of hosts agree: each with the operator's, and those of a pair with each other."""

from __future__ import annotations

from collections.abc import Iterator

from config_schema import CheckName
from health.preflight.answers import ClockOffset
from health.preflight.check import Check, HostView, StackView
from health.preflight.finding import Finding, judged

WARN_SECONDS, STOP_SECONDS = 2.0, 30.0
"""Chosen: the logs of a pair whose clocks differ by more than the first can't be merged; with more
than the second, what is injected into Genesys Cloud stands at the wrong time there, which can't be
corrected later."""


HERE = ClockOffset(0.0, 0.0)


def _clock(view: HostView) -> Iterator[Finding]:
    if view.answers.sessions is None:
        return
    clock = view.answers.sessions.clock
    if clock is None:
        yield _clock_unknown(CheckName.CLOCK, view.host, "the host's clock could not be read")
    else:
        yield _apart(CheckName.CLOCK, view.host, clock, HERE, "this host's")


def _clocks_of_pairs(view: StackView) -> Iterator[Finding]:
    """Of the second host of a pair: how its clock stands to that of the first."""
    for _, pair in view.subject.layout.pairs:
        hosts = [i.host for i in pair if not i.is_stopped]
        answers = [view.answers[host] for host in hosts if host in view.answers]
        if len(answers) != 2 or any(each.facts is None for each in answers):
            continue
        first, second = (each.sessions.clock if each.sessions else None for each in answers)
        name = CheckName.CLOCK_PAIR
        if first is None or second is None:
            yield _clock_unknown(name, hosts[1], f"not both clocks of {' and '.join(hosts)}")
        else:
            yield _apart(name, hosts[1], second, first, f"that of {hosts[0]}")


def _clock_unknown(check: CheckName, host: str, why: str) -> Finding:
    return Finding(check, host, why, f"within {WARN_SECONDS:g} s", "unknown", "see ssh-sessions")


def _apart(
    check: CheckName, host: str, clock: ClockOffset, other: ClockOffset, whose: str
) -> Finding:
    difference = clock.ahead_seconds - other.ahead_seconds
    doubt = clock.doubt_seconds + other.doubt_seconds
    word = "ahead of" if difference > 0 else "behind"
    apart = clock.apart(other)
    return judged(
        apart <= WARN_SECONDS,
        check,
        host,
        f"{abs(difference):.2f} s {word} {whose} (± {doubt:.2f} s)",
        f"within {WARN_SECONDS:g} s",
        "failed" if apart > STOP_SECONDS else "warning",
        "let chrony or systemd-timesyncd keep the clock",
    )


CLOCK = Check(CheckName.CLOCK, "the host's clock agrees with the operator's", _clock)
CLOCK_PAIR = Check(CheckName.CLOCK_PAIR, "the clocks of a pair agree", of_stack=_clocks_of_pairs)
