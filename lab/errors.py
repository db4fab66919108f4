"""The lab's one error, worded for the person at the terminal."""


class LabError(Exception):
    """What was found, what to do, and what state the lab is in."""
