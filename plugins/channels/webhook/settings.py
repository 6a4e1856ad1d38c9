"""Settings of a webhook connection."""

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from plugins.channels.webhook.signature import key_of


class WebhookSettings(BaseModel):
    """Everything has a default, so that documents can be parsed without a configured connection.

    Deliveries are refused until `secret` is set, and nothing is pushed until `push_url` is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    secret: SecretStr | None = Field(
        None,
        description="Secret that the sender signs with: whsec_ followed by the base64 text of 24 to 64 random bytes.",
    )
    previous_secret: SecretStr | None = Field(
        None, description="The secret before the present one; accepted as well while the sender changes over."
    )
    tolerance_seconds: int = Field(
        300, ge=1, le=3600, description="How old, or how far ahead, the time of a delivery may be, in seconds."
    )
    push_url: str | None = Field(
        None, description="Address that shipments and stock are posted to as signed webhooks; empty: nothing is pushed."
    )
    push_secret: SecretStr | None = Field(
        None, description="Secret that pushed webhooks are signed with; default: the secret of the deliveries."
    )
    push_timeout_seconds: float = Field(
        10.0, gt=0, le=60, description="How long an answer to a pushed webhook is waited for, in seconds."
    )

    @field_validator("secret", "previous_secret", "push_secret")
    @classmethod
    def _is_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            key_of(value.get_secret_value())
        return value

    @field_validator("push_url")
    @classmethod
    def _is_a_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an address such as https://shop.example/hooks/orderhub")
        if parts.username or parts.password:
            raise ValueError("must not hold a user name or a password: pushed webhooks are signed instead")
        return value

    def verification_keys(self) -> tuple[bytes, ...]:
        """Keys of which any one may have signed a delivery, newest first."""
        secrets = (self.secret, self.previous_secret)
        return tuple(key_of(secret.get_secret_value()) for secret in secrets if secret is not None)

    def push_key(self) -> bytes | None:
        """The key that pushed webhooks are signed with."""
        secret = self.push_secret or self.secret
        return None if secret is None else key_of(secret.get_secret_value())
