"""A stack with outputs of every kind."""

import pulumi
from things import Thing

pulumi.export("plain", "text with 'quotes' and $signs\nand a line")
pulumi.export("number", 1.5)
pulumi.export("whole", 3)
pulumi.export("flag", True)
pulumi.export("nothing", None)
pulumi.export("list", [1, {"two": "zwei"}, []])
pulumi.export("hidden", pulumi.Output.secret("s3cr3t-value"))
pulumi.export("partly", {"open": 1, "hidden": pulumi.Output.secret("s3cr3t-value")})
pulumi.export("made", Thing("a").made)
pulumi.export("ünïcode <&>", "<b>&amp; é</b>")
