"""The preflight's checks: how each thing is asked for, and what its answer amounts to."""
