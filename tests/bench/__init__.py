"""Measurements in a lab of their own; run by hand: `.venv/bin/python -m tests.bench`."""
