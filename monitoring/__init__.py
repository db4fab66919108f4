"""How a stack is watched: what is measured, when an alert fires, what Prometheus is told."""
