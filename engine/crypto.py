"""Secrets under a passphrase, in the Pulumi CLI's own format."""

from __future__ import annotations

import base64
import hashlib
import math
import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path

from engine.rows import Secrets

ROUNDS = 1_000_000
CHECK_WORD = "pulumi"


class CryptoError(Exception):
    """A passphrase that is missing or wrong, or a ciphertext that nobody can open."""


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def passphrase_from(environment: Mapping[str, str]) -> str:
    """The passphrase that the environment gives. CryptoError if it gives none; an empty one
    counts, an unset one doesn't."""
    if (found := environment.get("PULUMI_CONFIG_PASSPHRASE")) is not None:
        return found
    if path := environment.get("PULUMI_CONFIG_PASSPHRASE_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as problem:
            raise CryptoError(f"unable to read PULUMI_CONFIG_PASSPHRASE_FILE: {problem}") from None
    raise CryptoError(
        "passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE "
        "environment variables"
    )


class Passphrase:
    """The secrets provider of one salt. The key takes about 0.4 s: it is derived in a thread, from
    the moment of construction, and waited for at the first use."""

    def __init__(self, passphrase: str, salt: str) -> None:
        parts = salt.split(":", 2)
        if len(parts) != 3 or parts[0] != "v1":
            raise CryptoError("malformed encryptionsalt: expected v1:<salt>:<check value>")
        self.salt = salt
        self._check = parts[2]
        self._salt_bytes = base64.b64decode(parts[1])
        self._passphrase = passphrase
        self._key = b""
        self._verified = False
        self._thread = threading.Thread(target=self._derive, daemon=True)
        self._thread.start()

    def _derive(self) -> None:
        # hashlib lets other threads run meanwhile.
        self._key = hashlib.pbkdf2_hmac(
            "sha256", self._passphrase.encode(), self._salt_bytes, ROUNDS, 32
        )

    def verify(self) -> None:
        """CryptoError unless this is the passphrase that the salt was made with."""
        if self._verified:
            return
        try:
            found = self._open(self._check)
        except CryptoError:
            found = ""
        if found != CHECK_WORD:
            raise CryptoError("incorrect passphrase")
        self._verified = True

    def encrypt(self, text: str) -> str:
        """`v1:<nonce>:<ciphertext>`; a new nonce at each call."""
        self.verify()
        return _seal(self._key, text)

    def decrypt(self, ciphertext: str) -> str:
        """The text of a ciphertext. CryptoError if it is damaged or of another key."""
        self.verify()
        return self._open(ciphertext)

    def _open(self, ciphertext: str) -> str:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if not isinstance(ciphertext, str):  # in a file that somebody edited
            raise CryptoError("malformed ciphertext: expected a text")
        version, _, rest = ciphertext.partition(":")
        nonce, colon, data = rest.partition(":")
        if version != "v1" or not colon:
            raise CryptoError("malformed ciphertext: expected v1:<nonce>:<data>")
        self._thread.join()
        try:
            plain = AESGCM(self._key).decrypt(base64.b64decode(nonce), base64.b64decode(data), None)
        except (InvalidTag, ValueError):
            raise CryptoError("failed to decrypt: message authentication failed") from None
        return plain.decode()

    def secrets(self) -> Secrets:
        """This provider as the state names it."""
        provider = {"type": "passphrase", "state": {"salt": self.salt}}
        return Secrets(provider, self.encrypt, self.decrypt)


def _seal(key: bytes, text: str) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(12)
    return f"v1:{_b64(nonce)}:{_b64(AESGCM(key).encrypt(nonce, text.encode(), None))}"


def new_salt(passphrase: str) -> str:
    """An `encryptionsalt` for a new stack: the salt, and a word that only this passphrase opens."""
    salt = os.urandom(8)
    key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, ROUNDS, 32)
    return f"v1:{_b64(salt)}:{_seal(key, CHECK_WORD)}"


_SECRET_NAME = re.compile("passwd|pass|password|pwd|secret|token", re.IGNORECASE)
_KINDS = (("[a-z]", 26), ("[A-Z]", 26), ("[0-9]", 10), ("[^a-zA-Z0-9]", 33))


def looks_secret(name: str, value: str) -> bool:
    """True if a setting that is to be kept in clear may be a password, by its name and by how many
    bits its first 16 characters could hold. The CLI's thresholds, but without its lists of words:
    `swordfish1` is taken for one here, and not there."""
    start = value[:16]
    if not start or not _SECRET_NAME.search(name):
        return False
    bits_each = math.log2(sum(size for kind, size in _KINDS if re.search(kind, start)))
    bits = bits_each * len(start)
    return bits >= 80 or (bits >= 40 and bits_each >= 3)
