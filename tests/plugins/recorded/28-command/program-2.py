import pulumi_command as command

c = command.local.Command("c", create="echo made 2; echo to-stderr >&2", update="echo updated 2", delete="true",
    environment={"A": pulumi.Output.secret("s3cr3t-value")}, triggers=["t"])
pulumi.export("out", c.stdout)
