"""The version that a change is based on: nobody overwrites what was changed meanwhile."""

from hub.kit.errors import HubError


def check_version(expected: int | None, actual: int) -> None:
    """412 where the change is based on another version than the present one; None was not asked to be checked."""
    if expected is not None and expected != actual:
        raise HubError(
            412,
            "version_mismatch",
            f"It was changed meanwhile and is at version {actual}: read it again and repeat your change.",
            extra={"current_version": actual},
        )
