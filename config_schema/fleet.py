"""fleet.yaml: in which order the stacks of a project get a change, and which of them don't."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from config_schema.base import Section
from config_schema.values import Name, Tag, Text
from vendor_facts import Service


def _is_date(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise ValueError(f'{value!r} is not a date; write it as "2027-01-31"') from None
    return value


Date = Annotated[str, AfterValidator(_is_date)]


class Freeze(Section):
    """Nothing of the stack is changed by the fleet's commands until then."""

    reason: Text = Field(description="why nothing may change")
    until: Date = Field(description='the last day on which it holds (UTC), "2027-01-31"')

    def holds(self, today: date) -> bool:
        return today <= date.fromisoformat(self.until)


class FleetStack(Section):
    """What is different with one stack."""

    freeze: Freeze | None = Field(
        default=None, description="the fleet's commands leave the stack alone: {reason, until}"
    )
    pins: dict[Service, Tag] = Field(
        default={},
        description="service and the version that it stays at: `fleet update` with another one"
        " leaves it out",
    )
    passphrase_command: Annotated[list[Text], Field(min_length=1)] | None = Field(
        default=None,
        description="command and arguments that print the passphrase of the stack's secrets; none:"
        " the environment has it, or the stack file names a secrets provider",
    )


class Wave(Section):
    """Stacks that change together, before any of the next wave does."""

    name: Name = Field(description="what the wave is called")
    stacks: Annotated[list[Text], Field(min_length=1)] = Field(
        description="its stacks, in the order in which they begin"
    )
    max_parallel: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1,
        description="stacks that change at the same time; those that share a host never do",
    )
    max_failures: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=0, description="stacks of the wave that may fail before the rollout stops"
    )
    bake_seconds: Annotated[float, Field(ge=0, le=604800)] = Field(
        default=0.0,
        description="time for which the wave's stacks have to stay healthy before the next wave"
        " begins, seconds",
    )
    approve: bool = Field(default=False, description="ask before the wave begins, even with --yes")


class Fleet(Section):
    """All stacks that change by waves."""

    waves: Annotated[list[Wave], Field(min_length=1)] = Field(
        description="the waves in their order"
    )
    stacks: dict[str, FleetStack] = Field(
        default={}, description="stacks of which something is different, by name"
    )

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        waves = Counter(wave.name for wave in self.waves)
        stacks = Counter(stack for wave in self.waves for stack in wave.stacks)
        wrong = [f"the wave {name} is there twice" for name, n in waves.items() if n > 1]
        wrong += [f"the stack {name} is in waves twice" for name, n in stacks.items() if n > 1]
        wrong += [f"stacks.{name} is in no wave" for name in self.stacks if name not in stacks]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def of(self, stack: str) -> FleetStack:
        """What is different with the stack; nothing, if it isn't named."""
        return self.stacks.get(stack, FleetStack())
