"""From the vendor's `.env` to a stack file with its secrets encrypted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML

from config_loader import NAMESPACE, message, orgs_of_other_stacks, parse
from exctl import env_file, secrets
from exctl.errors import NothingTouched
from exctl.site import Place, find_project, open_site

OTHERS_HAVE_DEFAULTS = "what isn't in it has the defaults of Pulumi.example.yaml"


def import_env(env: Path, stack: str) -> Iterator[str]:
    """Writes `Pulumi.<stack>.yaml`; what was taken over and what wasn't, line by line.

    Raises NothingTouched if the stack file is there already, or if what the `.env` says can't be a
    stack: then with every problem at once, as for any stack file.
    """
    source = env / ".env" if env.is_dir() else env
    project = find_project()
    path = project / f"Pulumi.{stack}.yaml"
    if path.exists():
        raise NothingTouched(f"{path} is there already; nothing was touched.")
    try:
        found = env_file.imported(source.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise NothingTouched(f"{source} can't be read: {error}. Nothing was touched.") from None
    values = {name: json.dumps(section) for name, section in found.settings.items()}
    config, problems = parse(
        values | dict.fromkeys(found.secrets, "x"),
        set(found.secrets),
        orgs_of_other_stacks(project, stack),
    )
    if config is None or problems:
        notes = "".join(f"\n  {note}" for note in found.notes)
        raise NothingTouched(
            message(stack, problems) + (f"\n{source} says besides:{notes}" if notes else "")
        )
    content = {f"{NAMESPACE}:{name}": section for name, section in found.settings.items()}
    with path.open("w") as file:
        file.write(f"# Taken over from {source.name}; {OTHERS_HAVE_DEFAULTS}.\n")
        YAML().dump({"config": content}, file)
    try:
        secrets.encrypt(Place(project, stack), found.secrets)
        open_site(stack)
    except BaseException:
        path.unlink()
        raise
    yield f"{path.name}: {len(config.excp.pairs)} pairs, {len(found.secrets)} secrets, encrypted"
    yield from found.notes
    yield f"look at it, then: exctl doctor --stack {stack}, exctl preview --stack {stack}"
