import pulumi_command as command

command.local.Command("bad", create="echo half; echo why >&2; exit 3")
