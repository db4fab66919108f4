"""The protection is taken off by the program."""

from pulumi import ResourceOptions
from things import Group, Thing

guarded = Group("guarded", {"a": "1"})
Thing("replaced", "2", replace=True)
