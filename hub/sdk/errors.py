"""Errors of the outside, named by what the hub must do about them, never by what went wrong inside."""

from typing import ClassVar


class PluginError(Exception):
    """Base of all errors that a plugin raises on purpose.

    `code` is the other side's or a short stable one, `path` names the field or the row. `answer` is the other side's
    answer where it gave one, for the adapter to read its reason from; it may hold personal data and is never logged.
    """

    retryable: ClassVar[bool] = False
    answer: bytes | None = None

    def __init__(self, message: str, *, code: str | None = None, path: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).__name__.lower()
        self.path = path


class Transient(PluginError):
    """Try again later: the hub backs off with jitter up to its horizon, then opens a case."""

    retryable = True


class RateLimited(PluginError):
    """The other side asked for a pause of `after` seconds: the hub slows the whole connection."""

    retryable = True

    def __init__(self, message: str, *, after: float, code: str | None = None, path: str | None = None) -> None:
        super().__init__(message, code=code, path=path)
        self.after = after


class AuthFailed(PluginError):
    """Credentials are refused: the hub renews them once where the adapter can, else pauses the connection, opens one
    case and keeps everything queued.
    """


class Rejected(PluginError):
    """A business no (credit limit, unknown SKU): no retry, a case, the order held with the reason."""


class Malformed(PluginError):
    """The document cannot be read: blocked with its raw bytes, replayable after a fix."""


class Conflict(PluginError):
    """The other side has a newer version: re-read and compare again."""


class Duplicate(PluginError):
    """The other side has it already: find, compare, adopt. `ref` is its id where it told us."""

    def __init__(self, message: str, *, ref: str | None = None, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.ref = ref


class NeedsAck(PluginError):
    """A warning that a person must acknowledge before the other side goes on."""


class Uncertain(PluginError):
    """The request went out and no answer came: ask by our reference before any further write."""


class SignatureInvalid(PluginError):
    """A webhook whose signature, time or secret does not fit: answered 401, counted, never stored."""
