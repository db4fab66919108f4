"""All of it changed, and one more."""

from pulumi import ResourceOptions
from things import Group, Thing

a = Thing("a", "2", replace=True)
b = Thing("b", "2", upstream=a.value)
c = Thing("c", "2", opts=ResourceOptions(depends_on=[b]))
g = Group("g", {"x": "2", "y": "2"}, ResourceOptions(depends_on=[a]))
d = Thing("d", "2")
e = Thing("e", upstream=d.value)
