"""Engage's side of a stack: its Config DB, read and judged before anything is synced from it."""
