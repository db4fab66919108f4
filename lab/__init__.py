"""A small data centre on one Linux host: `python -m lab up|status|fault|down`."""
