"""Engage as a stack needs it: the survey of its Config DB, asked for, judged and shown."""
