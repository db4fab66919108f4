"""Local commands, by all their inputs."""

import pulumi
import pulumi_command as command

VARIANT = pulumi.Config().require("variant")
command.local.Command(
    "plain",
    create="echo made; echo $A ${#B}",
    environment={"A": "1", "B": pulumi.Output.secret("s3cr3t-value")},
    stdin="from stdin" if VARIANT == "stdin" else None,
    triggers=["t", {"k": 2 if VARIANT == "trigger" else 1}],
)
command.local.Command(
    "full",
    create="cat",
    update="echo updated after $PULUMI_COMMAND_STDOUT",
    delete="echo gone >> $PROJECT/gone",
    stdin="one" if VARIANT == "none" else "two",
    dir="/",
    interpreter=["/bin/sh", "-eu", "-c"],
    logging=command.local.Logging.NONE,
)
quiet = command.local.Command(
    "quiet", create="printf 'no newline'", add_previous_output_in_env=False
)
command.local.Command("lines", create="printf 'a\\n\\n'; printf 'b\\n' >&2")
pulumi.export("quiet", quiet.stdout)
if VARIANT == "failing":
    command.local.Command("bad", create="echo half; exit 3")
if VARIANT == "nowhere":
    command.local.Command("nowhere", create="pwd", dir="/no/such/directory")
