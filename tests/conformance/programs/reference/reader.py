"""What is made of another stack's outputs stays as secret as it was there."""

import pulumi
from things import Thing

other = pulumi.StackReference("organization/history/source")
Thing("plain", other.get_output("plain"))
Thing("hidden", other.require_output("hidden"))
Thing("partly", nested=other.get_output("partly"))
Thing("none", other.get_output("none"))
pulumi.export("all", other.outputs)
pulumi.export("hidden", other.require_output("hidden"))
pulumi.export("number", other.get_output("number"))
