"""All stacks of a project as one fleet: their waves, a rollout over them, how they are."""
