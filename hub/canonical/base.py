"""The base of every canonical value."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen, strict value: no coercion, no unknown fields, equal by content."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")
