"""Sealing, rotation and what is said when a key is missing or wrong."""

import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.kit.crypto import SecretBox, SecretKeyError, create_key_file, generate_key, hash_token, same
from hub.kit.errors import HubError

OLD, NEW = generate_key(), generate_key()
SECRETS = {"token": "shpat_123", "密码": "päss"}


@settings(max_examples=30)
@given(st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=4))
def test_what_is_sealed_comes_out_again(secrets: dict[str, str]) -> None:
    box = SecretBox([OLD])
    assert box.open(box.seal(secrets)) == secrets


def test_the_sealed_form_does_not_show_the_secret_and_differs_each_time() -> None:
    box = SecretBox([OLD])
    first, second = box.seal(SECRETS), box.seal(SECRETS)
    assert b"shpat_123" not in first
    assert first != second


def test_rotation_moves_a_secret_to_the_newest_key() -> None:
    sealed = SecretBox([OLD]).seal(SECRETS)
    both = SecretBox([NEW, OLD])
    assert both.open(sealed) == SECRETS
    rotated = both.rotate(sealed)
    assert SecretBox([NEW]).open(rotated) == SECRETS
    with pytest.raises(SecretKeyError):
        SecretBox([OLD]).open(rotated)


@pytest.mark.parametrize("use", [SecretBox.open, SecretBox.rotate])
def test_a_wrong_key_is_named_and_the_message_says_what_to_do(use: object) -> None:
    sealed = SecretBox([OLD]).seal(SECRETS)
    with pytest.raises(SecretKeyError, match="ORDERHUB_SECRET_KEYS") as raised:
        use(SecretBox([NEW]), sealed)  # type: ignore[operator]
    assert raised.value.code == "secret_key_wrong"
    assert NEW not in raised.value.detail


def test_a_changed_token_is_refused() -> None:
    box = SecretBox([OLD])
    sealed = bytearray(box.seal(SECRETS))
    sealed[40] ^= 1
    with pytest.raises(SecretKeyError):
        box.open(bytes(sealed))


def test_a_missing_key_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(SecretKeyError, match="hub init") as raised:
        SecretBox.load(keys=None, key_file=tmp_path / "secret.key")
    assert raised.value.code == "secret_key_missing"
    assert str(tmp_path / "secret.key") in raised.value.detail
    with pytest.raises(SecretKeyError):
        SecretBox.load(keys=" , ", key_file=tmp_path / "secret.key")


def test_a_key_that_is_none_is_named_by_its_place_not_by_its_text() -> None:
    with pytest.raises(SecretKeyError, match="Key 2") as raised:
        SecretBox([NEW, "hunter2"])
    assert "hunter2" not in raised.value.detail


def test_keys_come_from_the_environment_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret.key"
    key = create_key_file(path)
    sealed = SecretBox([key]).seal(SECRETS)
    assert SecretBox.load(keys=None, key_file=path).open(sealed) == SECRETS
    assert SecretBox.load(keys=f" {NEW}, {key} ", key_file=path).open(sealed) == SECRETS
    with pytest.raises(SecretKeyError):
        SecretBox.load(keys=NEW, key_file=path).open(sealed)


def test_a_key_file_may_hold_several_lines_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.write_text(f"# newest first\n{NEW}\n{OLD}\n")
    box = SecretBox.load(keys=None, key_file=path)
    assert box.open(SecretBox([OLD]).seal(SECRETS)) == SECRETS
    assert SecretBox([NEW]).open(box.seal(SECRETS)) == SECRETS


def test_a_key_file_is_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    key = create_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(HubError) as raised:
        create_key_file(path)
    assert raised.value.code == "secret_key_exists"
    assert path.read_text().strip() == key


def test_a_binary_key_file_is_reported_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SecretKeyError, match=r"secret\.key") as raised:
        SecretBox.load(keys=None, key_file=path)
    assert raised.value.code == "secret_key_unreadable"


def test_tokens_are_hashed_and_compared_whole() -> None:
    assert hash_token("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert same("ä", "ä")
    assert not same("abc", "abd")
