"""What a plugin says about itself."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["channel", "carrier", "erp", "hooks"]
IdempotencyClass = Literal["key", "unique_ref", "two_step", "find", "none"]


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `rate` calls of `operation` in `per` seconds, with bursts up to `burst`."""

    operation: str
    rate: int
    per: float
    burst: int | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Declared once a plugin; capabilities are not here: they are the methods that the adapter overrides.

    `idempotency` says how outward writes are made safe: `key` (the other side honours our key), `unique_ref` (it
    refuses our
    reference a second time), `two_step` (free draft, then buy), `find` (we can look it up), `none` (a person decides).
    `retention_days` is how long the hub keeps a raw document after it came, unless the connection's policy says
    otherwise; then the document goes whole, and with it what is personal in it, which `personal_data_fields` names.
    """

    id: str
    kind: Kind
    version: str
    label: str
    hub_api: str = ">=1,<2"
    idempotency: IdempotencyClass = "none"
    extras: tuple[str, ...] = ()
    quotas: tuple[Quota, ...] = ()
    egress_hosts: tuple[str, ...] = ()
    personal_data_fields: tuple[str, ...] = ()
    retention_days: int = 90
    delta_support: bool = False
    max_concurrency: int = 4
    batch_max: int = 100
