"""Two resources claim the same old one."""

from pulumi import Alias, ResourceOptions
from things import Thing

first = Thing("by-name", opts=ResourceOptions(aliases=[Alias(name="by-name-old")]))
Thing("other", opts=ResourceOptions(depends_on=[first], aliases=[Alias(name="by-name")]))
