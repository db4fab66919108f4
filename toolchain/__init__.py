"""The Pulumi CLI where PATH has none: built from its Go module, locked by go.mod and go.sum."""
