"""What an account calls a product."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from hub.catalog import events, repository
from hub.catalog.rules.products import MAX_ACCOUNT, MAX_CHANNEL_SKU
from hub.jobs.service.publish import publish
from hub.kit.errors import InvalidInput, NotFound
from hub.kit.ids import new_id


def add_alias(
    session: Session, *, account: str, channel_sku: str, sku: str, at: datetime, created_by: str | None = None
) -> None:
    """Map one channel SKU; see `add_aliases`."""
    add_aliases(session, account=account, aliases={channel_sku: sku}, at=at, created_by=created_by)


def add_aliases(
    session: Session, *, account: str, aliases: Mapping[str, str], at: datetime, created_by: str | None = None
) -> tuple[str, ...]:
    """Map channel SKUs of an account to products, over what they were mapped to; returns those that changed.

    Publishes `catalog.sku_mapped` for each changed one, so that orders that wait for it go on; `at` is when they were
    mapped. `created_by` is a user's id. Raises `InvalidInput` (`alias_faults`) with all faults at once
    (`errors`: field, detail).
    """
    faults = _faults(session, account, aliases)
    if faults:
        raise InvalidInput(
            "alias_faults", f"{len(faults)} of the mappings cannot be right: correct them.", extra={"errors": faults}
        )
    there = repository.aliases_of(session, account=account, channel_skus=aliases)
    changed = {channel_sku: sku for channel_sku, sku in sorted(aliases.items()) if there.get(channel_sku) != sku}
    repository.save_aliases(session, account=account, aliases=changed, created_by=created_by)
    cause = f"{at:%Y%m%dT%H%M%SZ}:{new_id()}"
    publish(
        session,
        [
            events.sku_mapped(account=account, channel_sku=channel_sku, sku=sku, cause=cause)
            for channel_sku, sku in changed.items()
        ],
    )
    return tuple(changed)


def remove_alias(session: Session, *, account: str, channel_sku: str) -> None:
    """Take a mapping away; orders that were matched by it stay as they are. Raises `NotFound`."""
    if not repository.delete_alias(session, account=account, channel_sku=channel_sku):
        raise NotFound("alias", channel_sku)


def list_aliases(session: Session, *, account: str, after: str | None, limit: int) -> list[tuple[str, str]]:
    """(channel SKU, SKU) of one account, in the order of the channel SKUs, after a channel SKU."""
    return repository.list_aliases(session, account=account, after=after, limit=limit)


def _faults(session: Session, account: str, aliases: Mapping[str, str]) -> list[dict[str, str]]:
    faults = []
    if not 1 <= len(account) <= MAX_ACCOUNT:
        faults.append({"field": "account", "detail": f"Must have 1 to {MAX_ACCOUNT} characters."})
    known = repository.products_by_sku(session, skus=set(aliases.values()))
    for channel_sku, sku in aliases.items():
        if not 1 <= len(channel_sku) <= MAX_CHANNEL_SKU:
            faults.append({"field": channel_sku[:40], "detail": f"Must have 1 to {MAX_CHANNEL_SKU} characters."})
        if sku not in known:
            faults.append({"field": channel_sku[:40], "detail": f"There is no product {sku!r}: add it first."})
    return faults
