"""What can go wrong; each text is for the operator."""

from __future__ import annotations

from plugins.docker.values import Props


class DockerError(Exception):
    """Docker refuses, or can't be reached. `status` is HTTP's, 0 if there was no answer; `words`
    are Docker's own."""

    def __init__(self, host: str, words: str, status: int = 0) -> None:
        super().__init__(f"{host}: {words}")
        self.words = words
        self.status = status


class Refused(Exception):
    """An operation failed, and nothing of it is to be noted in the state."""


class InterruptedWait(Refused):
    """The run was interrupted while this one waited."""


class HalfDone(Refused):
    """The object exists but isn't well: it's noted in the state, and the step fails."""

    def __init__(self, identifier: str, outputs: Props, inputs: Props, reason: str) -> None:
        super().__init__(reason)
        self.identifier = identifier
        self.outputs = outputs
        self.inputs = inputs
        self.reason = reason
