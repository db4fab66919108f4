"""docker:index/volume:Volume on one host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.docker.container_body import labels_of
from plugins.docker.fixed import FixedObjects, Seen
from plugins.docker.other_fields import VOLUME
from plugins.docker.values import Props

if TYPE_CHECKING:  # Docker's library is imported when a daemon is asked
    from plugins.docker.transport import Api


class Volumes(FixedObjects):
    """The volumes of one host; removing one removes what it holds."""

    noun, fields, identity, in_use = "volume", VOLUME, "Name", "volume is in use"

    def _made(self, name: str, inputs: Props) -> Seen:
        """One that is there already is taken over, as Docker does."""
        seen: Seen = self._docker.act(
            lambda api: api.create_volume(
                name,
                driver=inputs.get("driver"),
                driver_opts=inputs.get("driverOpts"),
                labels=labels_of(inputs.get("labels")),
            )
        )
        return seen

    def _inspected(self, api: Api, identifier: str) -> Seen:
        seen: Seen = api.inspect_volume(identifier)
        return seen

    def _remove(self, api: Api, identifier: str) -> None:
        api.remove_volume(identifier, force=True)

    def _outputs(self, seen: Seen, known: Props) -> Props:
        return {
            **known,
            "name": seen["Name"],
            "driver": seen["Driver"],
            "driverOpts": known.get("driverOpts") or seen.get("Options") or None,
            "mountpoint": seen["Mountpoint"],
        }
