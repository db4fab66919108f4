"""What Pulumi is told: which resources an EXEC stack has, and which waits for which.

A component's type (`exec:components:…`) is a part of the URNs of every deployed stack and never
changes, whatever its class is called (decision 0012).
"""
