import pulumi_docker as docker
host = docker.Provider("host", host="tcp://127.0.0.1:2375")
on_host = pulumi.ResourceOptions(provider=host)

net = docker.Network("net", name="golden-net", driver="bridge", labels=[docker.NetworkLabelArgs(label="v", value="2")], opts=on_host)
auto = docker.Volume("auto", opts=on_host)
vol = docker.Volume("vol", name="golden-vol", opts=on_host)
c = docker.Container("c", image="golden:1", command=["sleep", "1000"], destroy_grace_seconds=1,
    networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=net.name)], ports=[docker.ContainerPortArgs(internal=80, external=18080)],
    volumes=[docker.ContainerVolumeArgs(volume_name=vol.name, container_path="/data")], opts=on_host)
