"""The tags by which a dashboard finds the marks of a stack's runs. Pure, and cheap to import."""

from __future__ import annotations


def run_tags(stack: str) -> list[str]:
    return ["exec-run", f"stack:{stack}"]
