"""What stops a kit from being made, believed, or installed."""

from __future__ import annotations


class KitError(Exception):
    """What was found against what is allowed, what to do, and the state that things are in."""
