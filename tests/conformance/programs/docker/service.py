"""A container with the fields that a service of ours sets, and some beside them."""

import os

import pulumi
import pulumi_docker as docker
from pulumi import ResourceOptions

VARIANT = pulumi.Config().require("variant")
host = docker.Provider("host", host="tcp://127.0.0.1:2375")
on_host = ResourceOptions(provider=host)
image = docker.RemoteImage("image", name="golden:1", keep_locally=True, opts=on_host)
network = docker.Network("net", name="history-net", opts=on_host)
volume = docker.Volume("data", name="history-data", opts=on_host)

memory = 128 if VARIANT == "memory" else 96
service = docker.Container(
    "service",
    name="history-service",
    image=image.image_id,
    command=["sleep", "1000"],
    envs=["A=1", pulumi.Output.secret("PASSWORD=s3cr3t-value")],
    network_mode="host",
    restart="unless-stopped",
    destroy_grace_seconds=2 if VARIANT == "grace" else 1,
    log_driver="json-file",
    log_opts={"max-size": "7m" if VARIANT == "logs" else "5m", "max-file": "3"},
    volumes=[docker.ContainerVolumeArgs(host_path="/tmp", container_path="/logs")],
    labels=[
        docker.ContainerLabelArgs(label="b", value="2"),
        docker.ContainerLabelArgs(label="a", value="3" if VARIANT == "label" else "1"),
    ],
    memory=memory,
    memory_swap=memory,
    cpus="1.5" if VARIANT == "cpus" else "0.5",
    healthcheck=docker.ContainerHealthcheckArgs(
        tests=["CMD", "true"], interval="5s" if VARIANT == "health" else "2s", retries=3
    ),
    opts=ResourceOptions(provider=host, delete_before_replace=True),
)
inner = docker.Container(
    "inner",
    image=image.image_id,
    command=["sleep", "1000"],
    destroy_grace_seconds=1,
    networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=network.name, aliases=["inner"])],
    volumes=[
        docker.ContainerVolumeArgs(volume_name=volume.name, container_path="/data", read_only=True)
    ],
    ulimits=[docker.ContainerUlimitArgs(name="nofile", soft=1024, hard=2048)],
    hosts=[docker.ContainerHostArgs(host="other", ip="10.9.8.7")],
    capabilities=docker.ContainerCapabilitiesArgs(adds=["CAP_NET_ADMIN"], drops=["CAP_CHOWN"]),
    tmpfs={"/scratch": "size=1m"},
    user="0" if os.environ.get("USER_GIVEN") else None,
    opts=on_host,
)
pulumi.export("id", service.id)
