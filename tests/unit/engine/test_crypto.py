"""Proves that secrets made by the Pulumi CLI open here, and that ours are of the same form; that
the CLI opens ours is proved where it is installed (tests/conformance)."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.crypto import CryptoError, Passphrase, looks_secret, new_salt, passphrase_from

# Made by the CLI under the passphrase `x`.
SALT = "v1:AiU+H98i7B8=:v1:FwJt3p5qulykfH2f:KoCdPjRY8IE6X4X+4XyPpg9BQZ3VcA=="
SEALED = "v1:PwJWsazrbGTogqa4:JLzcn7zO4ZJUYJAoPAbvKr7fX+VwW5n//Lmi1199"


@pytest.fixture(scope="module")
def sealer() -> Passphrase:
    return Passphrase("x", SALT)


def test_a_secret_of_the_cli_opens(sealer: Passphrase) -> None:
    assert sealer.decrypt(SEALED) == '"s3cr3t-value"'


def test_a_secret_of_ours_opens_and_is_never_sealed_the_same_way_twice(sealer: Passphrase) -> None:
    first, second = sealer.encrypt("ü"), sealer.encrypt("ü")
    assert first != second
    assert sealer.decrypt(first) == sealer.decrypt(second) == "ü"


@pytest.mark.parametrize("wrong", ["", "X", "x "])
def test_a_wrong_passphrase_is_told_before_anything_is_decrypted(wrong: str) -> None:
    with pytest.raises(CryptoError, match=r"^incorrect passphrase$"):
        Passphrase(wrong, SALT).decrypt(SEALED)


@pytest.mark.parametrize("damaged", ["", "v1", "v2:a:b", SEALED[:-4] + "AAAA", "v1:AAAA:AAAA"])
def test_a_damaged_secret_is_an_error_and_not_garbage(sealer: Passphrase, damaged: str) -> None:
    with pytest.raises(CryptoError):
        sealer.decrypt(damaged)


def test_a_new_salt_opens_under_its_own_passphrase_alone() -> None:
    salt = new_salt("p")
    Passphrase("p", salt).verify()
    with pytest.raises(CryptoError):
        Passphrase("q", salt).verify()


def test_a_malformed_salt_is_told() -> None:
    with pytest.raises(CryptoError, match="encryptionsalt"):
        Passphrase("x", "v1:abc")


def test_the_passphrase_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "p"
    file.write_text("from file\n")
    assert passphrase_from({"PULUMI_CONFIG_PASSPHRASE": ""}) == ""
    assert passphrase_from({"PULUMI_CONFIG_PASSPHRASE_FILE": str(file)}) == "from file"
    with pytest.raises(CryptoError, match="PULUMI_CONFIG_PASSPHRASE"):
        passphrase_from({})
    with pytest.raises(CryptoError, match="unable to read"):
        passphrase_from({"PULUMI_CONFIG_PASSPHRASE_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("name", "value", "is_one"),
    [
        ("apiToken", "1415fc1f4eaeb5e096ee58c1480016638fff29bf", True),
        ("redisPassword", "Tr0ub4dor&3", True),
        ("okay", "1415fc1f4eaeb5e096ee58c1480016638fff29bf", False),
        ("password_file", "/pw", False),
        ("passengers", "12", False),
        ("secret", "", False),
    ],
)
def test_a_password_is_guessed_by_its_name_and_what_it_could_hold(
    name: str, value: str, is_one: bool
) -> None:
    assert looks_secret(name, value) is is_one
