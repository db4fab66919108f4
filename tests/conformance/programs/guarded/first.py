"""A protected component, a protected thing, and what goes with another."""

from pulumi import ResourceOptions
from things import Group, Thing

guarded = Group("guarded", {"a": "1"}, ResourceOptions(protect=True))
Thing("open", opts=ResourceOptions(parent=guarded, protect=False))
home = Thing("home")
lodger = Thing("lodger", opts=ResourceOptions(deleted_with=home))
house = Group("house", {"room": "1"}, ResourceOptions(deleted_with=home))
Thing("replaced", replace=True, opts=ResourceOptions(protect=True))
