"""Pulumi's process, its workspace, locks and interrupts."""
