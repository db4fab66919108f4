import pulumi_docker as docker
host = docker.Provider("host", host="tcp://127.0.0.1:2375")
on_host = pulumi.ResourceOptions(provider=host)

image = docker.RemoteImage("image", name="golden:1", keep_locally=True, opts=on_host)
c = docker.Container("c", name="golden-c", image=image.image_id, command=["sleep", "1000"], network_mode="host",
    envs=["PLAIN=one", pulumi.Output.secret("PASSWORD=s3cr3t-value")], memory=64, restart="unless-stopped",
    labels=[docker.ContainerLabelArgs(label="golden.case", value="container")], log_driver="json-file",
    log_opts={"max-size": "10m", "max-file": "3"}, destroy_grace_seconds=1,
    volumes=[docker.ContainerVolumeArgs(host_path="/tmp", container_path="/logs")],  opts=on_host)
after_it = Thing("after", upstream=c.id, opts=after(c))
pulumi.export("digest", image.image_id)
