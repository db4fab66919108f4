"""The names of the plugins, as the CLI looks them up on PATH."""

LANGUAGE = "pulumi-language-python"
DYNAMIC = "pulumi-resource-pulumi-python"
PROVIDERS = {
    "pulumi-resource-command": "plugins.command.service",
    "pulumi-resource-docker": "plugins.docker.service",
}
"""The modules that serve them."""
