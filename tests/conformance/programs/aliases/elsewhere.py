"""What another project and another stack had is looked for, and isn't here."""

from pulumi import Alias, ResourceOptions
from things import Thing

Thing("by-name", opts=ResourceOptions(aliases=[Alias(project="older"), Alias(stack="older")]))
