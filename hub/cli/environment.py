"""The settings of the environment, without anything that a runtime needs: `hub parse` and `hub plugin` use no more."""

import getpass

from pydantic import ValidationError

from hub.kit.errors import InvalidInput
from hub.kit.settings import Settings


def load_settings() -> Settings:
    """The settings of the environment; `InvalidInput` names each variable that does not fit, never its value."""
    try:
        return Settings()
    except ValidationError as error:
        faults = [
            {"variable": f"ORDERHUB_{str(fault['loc'][0]).upper()}", "detail": fault["msg"]}
            for fault in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        listed = "; ".join(f"{fault['variable']}: {fault['detail']}" for fault in faults)
        raise InvalidInput("invalid_environment", f"The environment does not fit: {listed}") from error


def actor() -> str:
    """Who did it, for timelines and the audit trail."""
    try:
        return f"cli:{getpass.getuser()}"[:80]
    except (OSError, KeyError):
        return "cli"
