"""Secrets in inputs, outputs and nested ones."""

import pulumi
from things import Group, Thing

config = pulumi.Config()
word = config.require_secret("word")
a = Thing("a", word, nested={"list": [word, 1, None], "empty": {}})
Thing("b", upstream=a.value)
Group("g", {"x": word})
pulumi.export("word", word)
pulumi.export("object", config.require_secret_object("object"))
