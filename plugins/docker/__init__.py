"""The `docker` provider of Pulumi: Container, RemoteImage, Network and Volume of pulumi-docker."""
