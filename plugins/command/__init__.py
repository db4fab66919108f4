"""The plugin `command`: local and remote Command, CopyToRemote, as Pulumi's own 1.2.1."""
