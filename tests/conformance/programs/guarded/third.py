"""The protected component has gone from the program."""

from pulumi import ResourceOptions
from things import Group, Thing

home = Thing("home")
lodger = Thing("lodger", opts=ResourceOptions(deleted_with=home))
house = Group("house", {"room": "1"}, ResourceOptions(deleted_with=home))
