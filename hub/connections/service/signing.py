"""The secret under which the hub signs what it sends to a partner."""

from hub.connections.service.adapters import load_by_name
from hub.kit.crypto import SecretBox
from hub.kit.db import Database
from hub.kit.errors import InvalidInput

SIGNING = ("push_secret", "secret")
"""Settings that hold a Standard Webhooks secret, the more special one first."""


def signing_secret(database: Database, secrets: SecretBox, name: str) -> str:
    """The signing secret of a connection; `InvalidInput` where it has none."""
    with database.read() as session:
        info = load_by_name(session, name)
    sealed = secrets.open(info.sealed) if info.sealed else {}
    for field in SIGNING:
        if sealed.get(field):
            return sealed[field]
    raise InvalidInput(
        "no_signing_secret", f"Connection {name!r} has no secret to sign with: set one of {', '.join(SIGNING)}."
    )
