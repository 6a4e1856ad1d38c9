"""What inventory tells those above. The full SKU is in the data: a subject holds at most 80 characters."""

from decimal import Decimal

from hub.jobs.events import Event

SUBJECT_LENGTH = 80


def stock_increased(*, sku: str, locations: list[str], cause: str) -> Event:
    """`inventory.stock_increased`: more of a SKU may be granted than before; parked orders may be planned again."""
    return Event(
        kind="inventory.stock_increased",
        subject_id=sku[:SUBJECT_LENGTH],
        cause=cause,
        lane=f"stock:{sku}",
        data={"sku": sku, "locations": locations},
    )


def stock_short(*, sku: str, location: str, short: Decimal, cause: str) -> Event:
    """`inventory.stock_short`: less is there than was promised; the youngest reservations must be planned again."""
    return Event(
        kind="inventory.stock_short",
        subject_id=sku[:SUBJECT_LENGTH],
        cause=f"{location}:{cause}",
        lane=f"stock:{sku}",
        data={"sku": sku, "location": location, "short": f"{short.normalize():f}"},
    )


def location_changed(*, code: str, version: int) -> Event:
    """`inventory.location_changed`: a location is new, or something that routing reads of it changed."""
    return Event(
        kind="inventory.location_changed",
        subject_id=code,
        cause=str(version),
        lane=f"location:{code}",
        data={"location": code},
    )
