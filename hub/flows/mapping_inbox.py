"""The mapping inbox: what sources say that nobody knows the meaning of, what it may mean, and one answer for all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.catalog import repository as catalog
from hub.catalog.rules.suggest import Candidates, Suggestion, likelier
from hub.catalog.service.aliases import add_aliases
from hub.catalog.service.codes import heed_code, ignore_code, map_code
from hub.connections.service.adapters import ConnectionInfo, load_kind
from hub.intake.rules.codes import CARRIER, COUNTRY, LONGEST_VALUE, MEANINGS, NAMES
from hub.kit.errors import InvalidInput
from hub.reports.repository import SKU, Key, Place, missing_meanings, waiting_amounts
from hub.sdk.readers.countries import country_names

LOOKED_AT = 20_000
"""Products and aliases that a SKU is compared with; a list must answer within a moment."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A value of a connection's field whose meaning is missing, and what waits for it.

    `name` is what the source calls a SKU's goods; `messages` counts documents without an order. `amounts` are the
    orders' totals in minor units by currency.
    """

    connection: str
    field: str
    value: str
    name: str | None
    orders: int
    messages: int
    amounts: Mapping[str, int]
    since: datetime
    ignored: bool
    suggestion: Suggestion | None

    @property
    def place(self) -> Place:
        """Its place in the list."""
        return self.since, self.connection, self.field, self.value


def list_missing(
    session: Session, *, connection: ConnectionInfo | None, field: str | None, ignored: bool, after: Place | None,
    limit: int,
) -> list[Missing]:  # fmt: skip
    """What waits for a meaning, that which waits longest first, each with the likeliest meaning."""
    rows = missing_meanings(
        session, connection_id=connection.connection_id if connection else None, field=field, ignored=ignored,
        after=after, limit=limit,
    )  # fmt: skip
    amounts = waiting_amounts(session, [_key(row) for row in rows]) if rows else {}
    suggest = _Suggestions(session, rows)
    return [
        Missing(
            row.connection, row.field, row.value, row.name, row.orders, row.messages, amounts.get(_key(row), {}),
            row.since, ignored, suggest.of(row),
        )
        for row in rows
    ]  # fmt: skip


def decide(
    session: Session, *, connection: ConnectionInfo, field: str, value: str, meaning: str | None, by: str, at: datetime
) -> tuple[int, int]:
    """Say what a value means; a SKU gets an alias of the connection's account. All that waits for it goes on.

    Without a meaning the value is ignored: it is listed with what is ignored only, and orders that wait stay held.
    Returns how many open orders and how many documents without an order waited. Raises `InvalidInput` for a meaning
    that the field cannot have, and says which it can.
    """
    key = (connection.connection_id, field, value)
    waited = _waiting(session, key)
    if meaning is None:
        ignore_code(session, key=key, by=by, at=at)
    elif field == SKU:
        add_aliases(session, account=connection.account, aliases={value: meaning}, at=at)
        heed_code(session, key=key)
    else:
        _check(field, meaning)
        map_code(session, key=key, meaning=meaning, by=by, at=at)
    return waited


def _waiting(session: Session, key: Key) -> tuple[int, int]:
    connection_id, field, value = key
    for ignored in (False, True):
        found = missing_meanings(
            session, connection_id=connection_id, field=field, value=value, ignored=ignored, after=None, limit=1
        )
        if found:
            return found[0].orders, found[0].messages
    return 0, 0


def _check(field: str, meaning: str) -> None:
    if field in NAMES:
        if not 0 < len(meaning) <= LONGEST_VALUE:
            raise InvalidInput("bad_meaning", f"The meaning must have 1 to {LONGEST_VALUE} characters.")
        return
    known = MEANINGS.get(field)
    if known is None:
        raise InvalidInput(
            "no_meaning", f"Codes of {field!r} have no meaning that the hub could use: mend the plugin and replay, or "
            "ignore the value.",
        )  # fmt: skip
    if meaning not in known:
        near = Candidates(country_names() if field == COUNTRY else {text: text for text in known}).nearest(meaning)
        hint = f"Did you mean {near.meaning}?" if near else f"There are: {', '.join(sorted(known)[:20])}."
        raise InvalidInput("bad_meaning", f"{meaning!r} is no {field.replace('_', ' ')} of the hub. {hint}")


class _Suggestions:
    """Compares with what is known; each list of it is read at most once."""

    def __init__(self, session: Session, rows: Sequence[Row[Any]]) -> None:
        fields = {row.field for row in rows}
        products = catalog.product_names(session, limit=LOOKED_AT) if SKU in fields else []
        self._skus = {sku: sku for sku, _ in products}
        self._names = Candidates({name: sku for sku, name in reversed(products)})
        self._by_account = {
            account: self._of_account(session, account) for account in {row.account for row in rows if row.field == SKU}
        }
        self._codes = {field: Candidates(_texts(session, field)) for field in fields if field in {*MEANINGS, CARRIER}}

    def of(self, row: Row[Any]) -> Suggestion | None:
        """The likeliest meaning of what a row misses: a SKU is compared with SKUs and aliases, its name with names."""
        if row.field == SKU:
            by_name = self._names.nearest(row.name) if row.name else None
            return likelier(self._by_account[row.account].nearest(row.value), by_name)
        known = self._codes.get(row.field)
        return known.nearest(row.value) if known else None

    def _of_account(self, session: Session, account: str) -> Candidates:
        aliases = catalog.list_aliases(session, account=account, after=None, limit=LOOKED_AT)
        return Candidates({**{text: sku for text, sku in aliases if sku in self._skus}, **self._skus})


def _texts(session: Session, field: str) -> Mapping[str, str]:
    """Known texts of a field and what each means."""
    if field == COUNTRY:
        return country_names()
    if field == CARRIER:
        return {carrier.name: carrier.name for carrier in load_kind(session, "carrier")}
    return {text: text for text in sorted(MEANINGS[field])}


def _key(row: Row[Any]) -> Key:
    return row.connection_id, row.field, row.value
