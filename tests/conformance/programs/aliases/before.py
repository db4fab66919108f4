"""Each of these is called otherwise afterwards."""

import pulumi
from things import Group, Thing

Thing("by-name-old")
Thing("by-urn-old")
Thing("child-of-root")
group = Group("group", {"a": "1", "b": "1"})
outer = Group("outer", {})
Group("outer-inner", {"deep": "1"}, pulumi.ResourceOptions(parent=outer))
Group("typed", {"a": "1"}, kind="OldKind")
needed = Thing("needed-old")
Thing("needs", upstream=needed.made, opts=pulumi.ResourceOptions(deleted_with=needed))
