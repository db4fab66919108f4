"""Four eyes: plans are signed by whoever made them and whoever approved them, with SSH keys.

The signatures stand in a file beside the plan, one below the other, as `ssh-keygen -Y sign` makes
them. Whose a key is, the stack's allowed-signers file says. This keeps mistakes out; who may change
the stack file may also take `protect` out of it, which its next record in the audit shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from exctl import files
from exctl.errors import NothingTouched, kit_refusals
from exctl.site import Site
from kit import signature
from stack.text import counted

NAMESPACE = "exec-plan"
SUFFIX = ".sigs"


def refuse_without_plan(site: Site, command: str) -> None:
    """NothingTouched where the stack wants an approved plan for what this command (with the words
    that choose what it is about) would do."""
    if not site.config.protect.approvals:
        return
    of = f"--stack {site.stack}"
    approve = f"exctl approve plan.json {of}, by others"
    match command.split():
        case ["destroy"]:
            steps = [f"remove `protect` from {site.file.name}, where others see it"]
        case ["update", *words]:
            what = " ".join(words)
            plan = f"exctl plan {what} --out plan.json {of}"
            steps = [plan, approve, f"exctl {command} --plan plan.json {of}"]
        case [verb, *words]:
            first = [f"exctl secret set {' '.join(words)} {of}"] if verb == "rotate" else []
            up = f"exctl up --plan plan.json {of}"
            steps = [*first, f"exctl plan --out plan.json {of}", approve, up]
    raise NothingTouched(
        f"the stack {site.stack} deploys only approved plans (protect.approvals:"
        f" {site.config.protect.approvals}). Instead of exctl {command}: {'; then '.join(steps)}"
    )


def sign(site: Site, plan: Path, key: Path) -> str:
    """Adds a signature of the plan with this key, and returns whose it is.

    Raises NothingTouched if the key can't sign, belongs to nobody, or has signed it already.
    """
    signers = _signers(site)
    with kit_refusals():
        made = signature.sign(plan.read_bytes(), key, NAMESPACE)
    who = _whose(made, plan, signers)
    if who is None:
        raise NothingTouched(
            f"{key} belongs to nobody: it isn't in {signers}, or is no longer valid there."
        )
    if who in signed_by(site, plan):
        raise NothingTouched(f"{who} has signed {plan} already; another person has to.")
    path = _signatures_of(plan)
    files.write(path, (files.read(path) if path.exists() else "") + made)
    return who


def signed_by(site: Site, plan: Path) -> tuple[str, ...]:
    """Everybody whose valid signature of this very plan is beside it, each once."""
    path = _signatures_of(plan)
    if not path.exists():
        return ()
    signers = _signers(site)
    found = [_whose(each, plan, signers) for each in signature.SIGNATURE.findall(files.read(path))]
    return tuple(dict.fromkeys(who for who in found if who is not None))


def require(site: Site, plan: Path) -> tuple[str, ...]:
    """Whose signatures the plan has. NothingTouched if they are fewer than the stack wants: whoever
    made it, and `protect.approvals` others."""
    needed = site.config.protect.approvals + 1
    if needed == 1:
        return ()
    who = signed_by(site, plan)
    if len(who) < needed:
        missing = needed - len(who)
        raise NothingTouched(
            f"{plan} is signed by {_and(who)}; the stack {site.stack} needs"
            f" {counted(missing, 'more signature')}, by other people: exctl"
            f" approve {plan} --stack {site.stack}"
        )
    return who


def _and(names: Sequence[str]) -> str:
    return ", ".join(names) or "nobody"


def _signers(site: Site) -> Path:
    path = site.config.protect.allowed_signers_path
    if path is None:
        raise NothingTouched(
            f"Pulumi.{site.stack}.yaml names nobody who may sign; set protect.allowed_signers_path."
        )
    if not Path(path).is_file():
        raise NothingTouched(f"protect.allowed_signers_path: there is no file {path}.")
    return Path(path)


def _signatures_of(plan: Path) -> Path:
    return plan.with_name(plan.name + SUFFIX)


def _whose(made: str, plan: Path, signers: Path) -> str | None:
    """The name under which a signature is valid now; None if there is none."""
    with kit_refusals():
        return signature.signer(made, plan.read_bytes(), signers, NAMESPACE)
