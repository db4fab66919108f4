"""The program that Pulumi runs: load the stack's config, build the connector, export."""

from pathlib import Path

import pulumi

from components.connector import Connector
from monitoring.placement import placement
from stack.layout import build_layout
from stack.loader import alertmanager_text, load
from stack.ssh import make_control_directory

config, secrets = load(pulumi.get_stack(), Path.cwd())
make_control_directory()
stack, layout = pulumi.get_stack(), build_layout(config, pulumi.get_stack())
placed = placement(config, layout, stack, alertmanager_text(config, Path.cwd()))
connector = Connector(config, secrets, layout, placed)
for name, value in connector.outputs.items():
    pulumi.export(name, value)
