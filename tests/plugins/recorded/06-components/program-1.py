class Inner(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("golden:index:Inner", name, None, opts)
        self.thing = Thing(name + "-thing", opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({"made": self.thing.made})

class Outer(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("golden:index:Outer", name, None, opts)
        self.first = Inner(name + "-1", pulumi.ResourceOptions(parent=self))
        self.second = Inner(name + "-2", pulumi.ResourceOptions(parent=self, depends_on=[self.first]))
        self.register_outputs({"list": [self.first.thing.made, 1, 2.5, True, None], "nested": {"a": {"b": "c"}}})

o = Outer("o")
pulumi.export("plain", "text")
pulumi.export("number", 3)
pulumi.export("list", [1, "two", {"three": o.first.thing.made}])
pulumi.export("hidden", pulumi.Output.secret({"user": "me", "pass": ["s3cr3t-value"]}))
pulumi.export("none", None)
