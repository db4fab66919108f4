"""SSH signatures, as `ssh-keygen -Y` makes and checks them: of kits, and of approved plans."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from kit.errors import KitError

NAMESPACE = "exec-kit"
"""What a kit's signature is for: none that was made for something else counts."""
SIGNATURE = re.compile(
    r"-----BEGIN SSH SIGNATURE-----\n[A-Za-z0-9+/=\n]+-----END SSH SIGNATURE-----\n"
)


def sign(content: bytes, key: Path, namespace: str) -> str:
    """The signature of these bytes. Raises KitError if the key can't sign."""
    run = _keygen("sign", "-f", str(key.expanduser()), "-n", namespace, content=content)
    if run.returncode or not SIGNATURE.fullmatch(made := run.stdout.decode()):
        why = run.stderr.decode(errors="replace").strip().splitlines()
        raise KitError(f"{key} can't sign: {why[-1] if why else 'ssh-keygen says nothing'}.")
    return made


def signer(signature: str, content: bytes, signers: Path, namespace: str) -> str | None:
    """The name in the file of allowed signers under which a signature is valid now, if any."""
    with tempfile.NamedTemporaryFile("w", suffix=".sig") as file:
        file.write(signature)
        file.flush()
        given = ("-s", file.name, "-f", str(signers))
        named = _keygen("find-principals", *given, content=content).stdout.decode().splitlines()
        for who in named:
            words = ("-n", namespace, "-I", who, *given)
            if _keygen("verify", *words, content=content).returncode == 0:
                return who
    return None


def key_of(signature: str, content: bytes, namespace: str) -> str | None:
    """The fingerprint of the key that made a signature; None if it is of other bytes.

    Whose the key is, is not known by that.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".sig") as file:
        file.write(signature)
        file.flush()
        words = ("-n", namespace, "-s", file.name)
        run = _keygen("check-novalidate", *words, content=content)
    found = re.search(r"SHA256:\S+", run.stdout.decode())
    return found[0] if run.returncode == 0 and found else None


def _keygen(verb: str, *words: str, content: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["ssh-keygen", "-Y", verb, *words], input=content, capture_output=True, check=False
        )
    except OSError as error:
        raise KitError(
            f"ssh-keygen can't be run: {error.strerror}; install the OpenSSH client (8.2 or newer)."
        ) from None
