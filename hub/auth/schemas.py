"""API keys on the wire."""

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class ApiKeyIn(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=80, description="Who or what uses the key.")
    scopes: list[str] = Field(min_length=1, max_length=60, description="`resource:read`, `resource:write` or `admin`.")
    location: str | None = Field(
        None, min_length=1, max_length=40,
        description="Code of the one location whose work, shipments and stock the key is for, and nothing else.",
    )  # fmt: skip
    expires_at: AwareDatetime | None = Field(None, description="When the key ends; null: never.")


class ApiKeyOut(BaseModel):
    """A key as it is listed: never the key itself."""

    model_config = ConfigDict(from_attributes=True)

    api_key_id: str
    name: str
    prefix: str
    scopes: list[str]
    location: str | None
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    expires_at: datetime | None


class ApiKeyCreated(ApiKeyOut):
    """A new key with its token, which is shown this once."""

    token: str
