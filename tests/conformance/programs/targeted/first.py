"""A chain, a component, and one apart."""

from pulumi import ResourceOptions
from things import Group, Thing

a = Thing("a", replace=True)
b = Thing("b", upstream=a.value)
c = Thing("c", opts=ResourceOptions(depends_on=[b]))
g = Group("g", {"x": "1", "y": "1"}, ResourceOptions(depends_on=[a]))
d = Thing("d")
