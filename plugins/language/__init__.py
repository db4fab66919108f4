"""The language host: Pulumi's LanguageRuntime service for Python."""
