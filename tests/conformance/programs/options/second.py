"""The same with other inputs."""

import pulumi
from pulumi import ResourceOptions
from things import Group, Thing

LIST = [{"x": 2, "y": 1}, {"x": 2, "y": 1}]
Thing(
    "ignored-key",
    nested={"a": {"b": 2, "c": 1}},
    opts=ResourceOptions(ignore_changes=["nested.a.b"]),
)
Thing("ignored-element", items=LIST, opts=ResourceOptions(ignore_changes=["items[0].x"]))
Thing("ignored-star", items=LIST, opts=ResourceOptions(ignore_changes=["items[*].x"]))
Thing("ignored-all", items=LIST, opts=ResourceOptions(ignore_changes=["*"]))
Thing("ignored-beyond", items=LIST, opts=ResourceOptions(ignore_changes=["items[5].x"]))
Thing("ignored-new", nested={"a": 1}, opts=ResourceOptions(ignore_changes=["nested"]))
Thing("ignored-shorter", items=LIST[:1], opts=ResourceOptions(ignore_changes=["items[1]"]))
Thing("replaced-star", "2", opts=ResourceOptions(replace_on_changes=["*"]))
Thing("replaced-key", nested={"a": {"b": 2}}, opts=ResourceOptions(replace_on_changes=["nested.a"]))
Thing("replaced-element", items=LIST, opts=ResourceOptions(replace_on_changes=["items[*].x"]))
Thing("replaced-not", items=LIST, opts=ResourceOptions(replace_on_changes=["items[*].y"]))
Thing(
    "secret-output", nested="n", opts=ResourceOptions(additional_secret_outputs=["made", "nested"])
)
Thing("timed", "2", opts=ResourceOptions(custom_timeouts=pulumi.CustomTimeouts("6m")))
Group("kept", {"a": "2"}, ResourceOptions(retain_on_delete=True))
