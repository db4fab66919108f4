"""What the program sees of its configuration."""

import pulumi

config = pulumi.Config()
for key in ("text", "quoted", "number", "flag"):
    pulumi.export(key, config.get(key))
pulumi.export("object", config.get_object("object"))
pulumi.export("other", pulumi.Config("other").get("key"))
