"""What each of the options is about, as it is made."""

import pulumi
from pulumi import ResourceOptions
from things import Group, Thing

LIST = [{"x": 1, "y": 1}, {"x": 1, "y": 1}]
Thing(
    "ignored-key",
    nested={"a": {"b": 1, "c": 1}},
    opts=ResourceOptions(ignore_changes=["nested.a.b"]),
)
Thing("ignored-element", items=LIST, opts=ResourceOptions(ignore_changes=["items[0].x"]))
Thing("ignored-star", items=LIST, opts=ResourceOptions(ignore_changes=["items[*].x"]))
Thing("ignored-all", items=LIST, opts=ResourceOptions(ignore_changes=["*"]))
Thing("ignored-beyond", items=LIST, opts=ResourceOptions(ignore_changes=["items[5].x"]))
Thing("ignored-new", opts=ResourceOptions(ignore_changes=["nested"]))
Thing("ignored-shorter", items=LIST, opts=ResourceOptions(ignore_changes=["items[1]"]))
Thing("replaced-star", opts=ResourceOptions(replace_on_changes=["*"]))
Thing("replaced-key", nested={"a": {"b": 1}}, opts=ResourceOptions(replace_on_changes=["nested.a"]))
Thing("replaced-element", items=LIST, opts=ResourceOptions(replace_on_changes=["items[*].x"]))
Thing("replaced-not", items=LIST, opts=ResourceOptions(replace_on_changes=["items[*].y"]))
Thing("secret-output", opts=ResourceOptions(additional_secret_outputs=["made", "nested"]))
Thing("timed", opts=ResourceOptions(custom_timeouts=pulumi.CustomTimeouts("5m", "1h30m", "10s")))
Group("kept", {"a": "1"}, ResourceOptions(retain_on_delete=True))
