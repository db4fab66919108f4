"""The operator's command: deploys through Pulumi's Automation API, reads hosts and services."""
