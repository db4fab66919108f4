"""An output that must be there isn't; a stack that must be there isn't."""

import pulumi

pulumi.StackReference("organization/history/nowhere")
