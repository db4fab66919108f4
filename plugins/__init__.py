"""Plugins of Pulumi, which know nothing of what is deployed with them."""
