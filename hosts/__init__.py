"""Hosts read and commanded over SSH."""
