"""Why a build of the CLI failed: read from what Go and pip say, told in our words."""

from __future__ import annotations

from enum import Enum


class FailureCause(Enum):
    """Why there is no CLI: what happened, and what to do before set-up is run again."""

    DISK = "the disk is full", "make room"
    CACHE = "its folder can't be written", "make it writable, or set XDG_CACHE_HOME to one that is"
    NETWORK = (
        "a package registry can't be reached",
        "mend the network, the proxy variables or GOPROXY",
    )
    CERTIFICATE = (
        "no authority that this machine trusts vouches for a package registry",
        "install ca-certificates, and your proxy's authority if it has its own",
    )
    UNVERIFIED = (
        "what arrived isn't what toolchain/go.sum and toolchain/requirements.txt lock",
        "find out what changes it on its way here, GOPROXY and pip's index first",
    )
    DAMAGED = "a module arrived damaged, or only a part of it", ""
    MEMORY = "a compiler was killed, most likely for want of memory", "free 2 GiB"
    GO = "no Go that is new enough can be had", "install one"
    OTHER = "the build failed", ""

    def __init__(self, happened: str, remedy: str) -> None:
        self.happened = happened
        self.remedy = remedy


class BuildFailure(Exception):
    """The build failed: why, and what Go, pip or the system said about it, on one line."""

    def __init__(self, cause: FailureCause, detail: str) -> None:
        super().__init__(cause, detail)
        self.cause = cause
        self.detail = detail


_SIGNS: tuple[tuple[FailureCause, tuple[str, ...]], ...] = (
    # The first that fits counts: a full disk damages modules, too.
    (FailureCause.DISK, ("no space left on device", "disk quota exceeded")),
    (
        FailureCause.UNVERIFIED,
        ("checksum mismatch", "security error", "missing go.sum entry", "do not match the hashes"),
    ),
    (FailureCause.CERTIFICATE, ("x509:", "certificate verify failed")),
    (
        FailureCause.NETWORK,
        (
            "dial tcp", "no such host", "connection refused", "connection reset", "i/o timeout",
            "module lookup disabled", "network is unreachable", "name resolution",
            "failed to establish a new connection", "tls:", "proxyconnect", "timed out",
            "403 forbidden", "404 not found", "410 gone", "429 too many", "500 internal", "502 bad",
            "503 service", "504 gateway",
        ),
    ),
    (FailureCause.DAMAGED, ("unexpected eof", "not a valid zip file", "zip: ", "incompleteread")),
    (FailureCause.MEMORY, ("signal: killed", "cannot allocate memory", "out of memory")),
)  # fmt: skip
"""What Go and pip print."""


def failure(said: str) -> BuildFailure:
    """Why a command failed that said this; its detail is the line that tells."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for cause, signs in _SIGNS:
        for line in lines:
            if any(sign in line.lower() for sign in signs):
                return BuildFailure(cause, _short(line))
    return BuildFailure(FailureCause.OTHER, _short(lines[-1]) if lines else "it said nothing")


def _short(line: str) -> str:
    return line.rstrip(".:") if len(line) <= 300 else f"{line[:300]}…"
