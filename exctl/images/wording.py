"""What a registry's refusal means, and what to do. Pure."""

from __future__ import annotations

from oci.errors import RegistryError
from oci.registry import ANSWER_SECONDS, CONNECT_SECONDS

_ADVICE = {
    400: "it doesn't understand the request.",
    401: "user or password is wrong: registry.username in the stack file, and its password (the"
    " secret registryPassword, or what registry.password_command or Docker's config gives).",
    403: "the user may not do this there: give it the right to push and pull.",
    404: "it doesn't know this repository: registry.repository in the stack file; some registries"
    " require a project to be created first.",
    405: "it doesn't allow this: is it read only, or a mirror?",
    429: "it received too many requests; wait a minute.",
    507: "its disk is full: remove old images there, and run its garbage collection.",
}
_AWAY = {
    "refused": "connection refused",
    "unresolved": "its name can't be resolved",
    "no answer": f"no answer within {CONNECT_SECONDS} seconds, or {ANSWER_SECONDS} once connected",
    "cut": "the connection was cut",
}


def sentence(error: RegistryError, by_host: bool = False) -> str:
    """The error for an operator; `by_host`: a host asked it, with --via."""
    place = error.place
    match error.problem:
        case "answered":
            return _refusal(error)
        case "not trusted":
            return (
                f"{place}: its certificate isn't trusted. Add its authority to this machine's"
                " store, or name its file in REQUESTS_CA_BUNDLE."
            )
        case "no TLS":
            return (
                f"{place} doesn't speak TLS. If that is intended, set registry.insecure: true in"
                f" the"
                " stack file."
            )
        case "insecure login":
            return f"the registry wants its password sent to {place}, without TLS; it was not sent."
        case "changed":
            return (
                f"{place} was pushed, but the registry has {error.said or 'none'} there now:"
                " somebody else pushes under that tag, or the registry is damaged."
            )
    if by_host:
        return f"{place} can't be reached from that host: {_AWAY[error.problem]}."
    return (
        f"{place} can't be reached: {_AWAY[error.problem]}. If only the EXEC hosts can reach it, go"
        " through one of them: --via HOST."
    )


def _refusal(error: RegistryError) -> str:
    status = error.status
    server = "it has an internal problem, most often a full disk. See its log."
    words = _ADVICE.get(status, server if status >= 500 else "")
    if status == 413:
        words = (
            f"it, or a proxy in front of it, accepts no request of {error.sent_bytes / 1e6:.1f}"
            f" MB: raise"
            " that limit (nginx: client_max_body_size), or send less at a time with --chunk-mib 1."
        )
    own = f" ({error.said})" if error.said else ""
    return f"the registry {error.place} answers {status}{own}: {words}".rstrip(": ")
