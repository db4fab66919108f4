"""The properties of RemoteImage, Network, Volume and of the provider itself.

Source: as container_fields.
"""

from __future__ import annotations

from plugins.docker.container_fields import LABEL
from plugins.docker.fields import FLAG, MAP, TEXT, TEXT_SET, Fields, given, in_place, one, set_of

IMAGE: Fields = {
    "build": one({}, replaces=False, is_supported=False),
    "forceRemove": in_place(FLAG),
    "imageId": given(TEXT, is_output=True),
    "keepLocally": in_place(FLAG),
    "name": given(TEXT, required=True),
    "platform": given(TEXT, default=""),
    "pullTriggers": TEXT_SET,
    "repoDigest": given(TEXT, is_output=True),
    "triggers": MAP,
}
NETWORK: Fields = {
    "attachable": FLAG,
    "driver": given(TEXT, computed=True),
    "ingress": FLAG,
    "internal": given(FLAG, computed=True),
    "ipamConfigs": set_of(
        {"subnet": TEXT, "ipRange": TEXT, "gateway": TEXT, "auxAddress": MAP},
        computed=True,
        name="ipam_config",
    ),
    "ipamDriver": given(TEXT, default="default"),
    "ipamOptions": MAP,
    "ipv6": FLAG,
    "labels": set_of(LABEL),
    "name": given(TEXT, required=True),
    "options": given(MAP, computed=True),
    "scope": given(TEXT, is_output=True),
}
VOLUME: Fields = {
    "cluster": one({}, replaces=False, is_supported=False),
    "driver": given(TEXT, computed=True),
    "driverOpts": MAP,
    "labels": set_of(LABEL),
    "mountpoint": given(TEXT, is_output=True),
    "name": given(TEXT, computed=True),
}
