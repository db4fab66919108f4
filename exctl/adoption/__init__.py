"""Containers that already run, taken under our management."""
