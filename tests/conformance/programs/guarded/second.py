"""A protected thing would have to be replaced."""

from pulumi import ResourceOptions
from things import Group, Thing

guarded = Group("guarded", {"a": "1"}, ResourceOptions(protect=True))
Thing("open", opts=ResourceOptions(parent=guarded, protect=False))
home = Thing("home")
lodger = Thing("lodger", opts=ResourceOptions(deleted_with=home))
house = Group("house", {"room": "1"}, ResourceOptions(deleted_with=home))
Thing("replaced", "2", replace=True, opts=ResourceOptions(protect=True))
