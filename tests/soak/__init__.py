"""A night's operation in little; run by hand: `.venv/bin/python -m tests.soak --operations 50`."""
