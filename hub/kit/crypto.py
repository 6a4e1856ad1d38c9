"""Secrets at rest: those of connections are sealed under keys kept apart from the database; API keys are hashed."""

import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from hub.kit.errors import HubError

KEYS_VARIABLE = "ORDERHUB_SECRET_KEYS"


class SecretKeyError(HubError):
    """The keys that open secrets are missing or do not fit; the detail says what to do, never a key."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(500, code, detail)


class SecretBox:
    """Seals and opens small sets of secrets (Fernet: AES-128-CBC and HMAC-SHA256).

    The first key seals, all keys open: a new key is put first and the old ones stay until everything is rotated.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise SecretKeyError("secret_key_missing", _missing(None))
        self._fernet = MultiFernet([_fernet(key, place) for place, key in enumerate(keys, start=1)])

    @classmethod
    def load(cls, *, keys: str | None, key_file: Path) -> "SecretBox":
        """The box of `ORDERHUB_SECRET_KEYS` (comma separated, newest first) or, without it, of the key file.

        Raises `SecretKeyError` where there is neither, or a key that is not one.
        """
        if keys and keys.strip():
            return cls(_split(keys))
        try:
            return cls(_split(key_file.read_text(encoding="ascii")))
        except FileNotFoundError as error:
            raise SecretKeyError("secret_key_missing", _missing(key_file)) from error
        except (OSError, UnicodeDecodeError) as error:
            raise SecretKeyError(
                "secret_key_unreadable",
                f"The key file {key_file} cannot be read ({type(error).__name__}): make it readable for the user that "
                f"runs the hub, or set {KEYS_VARIABLE}.",
            ) from error

    def seal(self, secrets: Mapping[str, str]) -> bytes:
        """The secrets as one encrypted token, for a table."""
        return self._fernet.encrypt(orjson.dumps(dict(secrets)))

    def open(self, sealed: bytes) -> dict[str, str]:
        """The secrets of a token; `SecretKeyError` where none of the keys fits."""
        try:
            plain = self._fernet.decrypt(sealed)
        except InvalidToken as error:
            raise _wrong_key() from error
        found: dict[str, str] = orjson.loads(plain)
        return found

    def rotate(self, sealed: bytes) -> bytes:
        """The same secrets sealed anew under the newest key."""
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken as error:
            raise _wrong_key() from error


def generate_key() -> str:
    """A new random key, as text."""
    return Fernet.generate_key().decode()


def create_key_file(path: Path) -> str:
    """Write a new key to a file that only its owner may read, and return it.

    Never overwrites: losing the key means losing every secret that it sealed.
    """
    key = generate_key()
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise HubError(
            409,
            "secret_key_exists",
            f"There is a key file at {path} already and it is kept, because sealed secrets need it. To rotate, put a "
            "new key on a line above the old one, then seal all secrets anew.",
        ) from error
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key + "\n")
    return key


def hash_token(token: str) -> str:
    """The SHA-256 of a token, hexadecimal: enough for API keys, which are random and long, never for passwords."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(left: str, right: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(left.encode(), right.encode())


def _split(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return [key.strip() for line in lines for key in line.split(",") if key.strip()]


def _fernet(key: str, place: int) -> Fernet:
    try:
        return Fernet(key)
    except ValueError as error:
        raise SecretKeyError(
            "secret_key_invalid",
            f"Key {place} of the secret keys is not a key (32 bytes, URL-safe base64, 44 characters). `hub init` makes "
            f"one; {KEYS_VARIABLE} takes several, comma separated, newest first.",
        ) from error


def _missing(key_file: Path | None) -> str:
    place = f" and there is no key file {key_file}" if key_file else ""
    return (
        f"Secrets cannot be sealed or opened: {KEYS_VARIABLE} is not set{place}. "
        f"Run `hub init` to make a key file, or set {KEYS_VARIABLE} to the key of this database."
    )


def _wrong_key() -> SecretKeyError:
    return SecretKeyError(
        "secret_key_wrong",
        "None of the secret keys opens this secret: it was sealed under another key. Put that key behind the newest "
        f"one in {KEYS_VARIABLE} (or in the key file), or enter the connection's secrets again.",
    )
