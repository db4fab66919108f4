"""The same objects under other names, types and parents."""

import pulumi
from pulumi import Alias, ResourceOptions
from things import Group, Thing

urn = f"urn:pulumi:{pulumi.get_stack()}::history::pulumi-python:dynamic:Resource::by-urn-old"
Thing("by-name", opts=ResourceOptions(aliases=[Alias(name="by-name-old")]))
Thing("by-urn", opts=ResourceOptions(aliases=["urn:pulumi:dev::history::x:y:Z::none", urn]))
home = Group("home", {})
Thing(
    "child-of-root",
    opts=ResourceOptions(parent=home, aliases=[Alias(parent=pulumi.ROOT_STACK_RESOURCE)]),
)
Group("crew", {"a": "1", "b": "1"}, ResourceOptions(aliases=[Alias(name="group")]))
outer = Group("shell", {}, ResourceOptions(aliases=[Alias(name="outer")]))
Group("shell-inner", {"deep": "1"}, ResourceOptions(parent=outer))
Group("typed", {"a": "1"}, ResourceOptions(aliases=[Alias(type_="history:index:OldKind")]))
needed = Thing("needed", opts=ResourceOptions(aliases=[Alias(name="needed-old")]))
Thing("needs", upstream=needed.made, opts=ResourceOptions(deleted_with=needed))
