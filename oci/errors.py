"""What went wrong with a registry or an archive, as data; sentences are made where it's shown."""

from __future__ import annotations

from typing import Literal

Problem = Literal[
    "answered",
    "refused",
    "unresolved",
    "no answer",
    "cut",
    "not trusted",
    "no TLS",
    "insecure login",
    "changed",
]
"""`answered`: with an HTTP status that is none of success. `refused`: nobody listens there.
`insecure login`: the password was wanted without TLS. `changed`: what is there after a push is
another image."""


class RegistryError(Exception):
    """`place` is what was asked, `status` HTTP's (0 without an answer), `said` the registry's own
    words (never what it was sent), `sent_bytes` the size of the request's body."""

    def __init__(
        self, problem: Problem, place: str, *, status: int = 0, said: str = "", sent_bytes: int = 0
    ) -> None:
        super().__init__(f"{place}: {problem} {status or ''} {said}".strip())
        self.problem: Problem = problem
        self.place = place
        self.status = status
        self.said = said
        self.sent_bytes = sent_bytes


class LoginError(Exception):
    """The registry's login can't be had; the text is for the operator, and never a secret."""


class ArchiveError(Exception):
    """The archive isn't one that can be used; the text says why and what to do."""
