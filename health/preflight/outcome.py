"""What came of asking something that listens elsewhere."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Literal

from health.preflight.tunnel import Tunnels
from oci.registry import reasons
from stack.text import plain_text

Kind = Literal["done", "refused", "not trusted", "not asked", "not forwarded", "busy", "failed"]
NOT_FORWARDED_FIX = (
    "set AllowTcpForwarding yes and no DisableForwarding in the host's sshd_config; or try the"
    " login by hand"
)


@dataclass(frozen=True)
class Outcome:
    """`done`; `refused`: who we are wasn't taken; `not trusted`: its certificate; `not asked`: we
    couldn't, or hadn't what it takes; `not forwarded`: the host's sshd forwards nothing; `busy`: it
    can't answer just now; `failed`: it answered otherwise, or not at all. `words` say why, without
    a secret."""

    kind: Kind
    words: str = ""

    @property
    def is_unknown(self) -> bool:
        """Whether it tells nothing of what was to be proved."""
        return self.kind in ("not asked", "not forwarded", "busy")


def not_forwarded() -> Outcome:
    return Outcome("not forwarded", "reached, but the host's sshd forwards no connection")


def of_error(error: Exception, tunnels: Tunnels) -> Outcome:
    """The outcome of a conversation that an error ended. The other end's words are its own, and
    may quote what it was sent: they aren't taken over."""
    causes = list(reasons(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Outcome("not trusted", plain_text(cause.verify_message))
    if tunnels.was_refused():
        return not_forwarded()
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return Outcome("failed", f"no answer within {tunnels.timeout_seconds:g} s")
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return Outcome("failed", "what answers there speaks no TLS")
    if any(isinstance(cause, OSError | EOFError) for cause in causes):
        return Outcome("failed", "the connection ended without an answer")
    return Outcome("failed", f"its answer isn't understood ({type(error).__name__})")
