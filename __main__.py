"""The program that Pulumi runs: load the stack's config, build the connector, export."""

from pathlib import Path

import pulumi

from components.connector import Connector
from stack.layout import build_layout
from stack.loader import load
from stack.ssh import make_control_directory

config, secrets = load(pulumi.get_stack(), Path.cwd())
make_control_directory()
connector = Connector(config, secrets, build_layout(config, pulumi.get_stack()))
for name, value in connector.outputs.items():
    pulumi.export(name, value)
