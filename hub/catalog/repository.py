"""All SQL of the catalogue. Lists of SKUs travel as one JSON parameter, so that a statement's text never grows."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Boolean, Integer, String, Table, Text, and_, bindparam, delete, select, text, tuple_
from sqlalchemy import cast as sql_cast
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import TextualSelect

from hub.catalog.rules.products import CONTENT, MatchedProduct, NewProduct, Product
from hub.catalog.tables import CodeMappingRow, ProductRow, SkuAliasRow
from hub.kit.bulk import insert_new, update_rows
from hub.kit.types import JsonDocument, UtcDateTime

PRODUCTS: Table = ProductRow.__table__  # type: ignore[assignment]
ALIASES: Table = SkuAliasRow.__table__  # type: ignore[assignment]
CODES: Table = CodeMappingRow.__table__  # type: ignore[assignment]
CodeKey = tuple[str, str, str]
"""A connection's id, a field, and the connection's value of it."""

_ASKED = {
    "postgresql": "(SELECT value AS sku FROM json_array_elements_text(CAST(:skus AS json))) AS asked",
    "sqlite": "(SELECT value AS sku FROM json_each(:skus)) AS asked",
}
_MATCH = """
    SELECT asked.sku AS asked_sku, p.* FROM {asked}
    LEFT JOIN sku_aliases AS a ON a.account = :account AND a.channel_sku = asked.sku
    JOIN products AS p ON p.sku = COALESCE(a.sku, asked.sku)
    WHERE p.active"""
_BY_SKU = "SELECT p.* FROM {asked} JOIN products AS p ON p.sku = asked.sku"
_ALIASES = """
    SELECT a.channel_sku, a.sku FROM sku_aliases AS a
    WHERE a.account = :account AND a.channel_sku IN (SELECT asked.sku FROM {asked})"""


def match(session: Session, *, account: str, skus: Collection[str]) -> dict[str, MatchedProduct]:
    """Active products by what the account calls them; an alias wins over an own SKU of the same name."""
    rows = session.execute(_statement(_MATCH, _dialect(session)), {"account": account, "skus": _as_json(skus)})
    return {row.asked_sku: _matched(row) for row in rows}


def products_by_sku(session: Session, *, skus: Collection[str]) -> dict[str, Product]:
    """The stored products of the given SKUs."""
    if not skus:
        return {}
    rows = session.execute(_statement(_BY_SKU, _dialect(session)), {"skus": _as_json(skus)})
    return {row.sku: _product(row) for row in rows}


def locked_product(session: Session, *, sku: str) -> Product | None:
    """One product, locked until the transaction ends."""
    row = session.execute(select(*PRODUCTS.c).where(PRODUCTS.c.sku == sku).with_for_update()).first()
    return None if row is None else _product(row)


def bundles(session: Session) -> list[Product]:
    """All bundles; asked only when a product that was none becomes one."""
    is_bundle = sql_cast(PRODUCTS.c.components, Text) != "{}"
    return [_product(row) for row in session.execute(select(*PRODUCTS.c).where(is_bundle))]


def list_products(
    session: Session, *, prefix: str | None, active: bool | None, after: str | None, limit: int
) -> list[Product]:
    """Products in the order of their SKUs."""
    statement = select(*PRODUCTS.c).order_by(PRODUCTS.c.sku).limit(limit)
    if prefix:
        statement = statement.where(_starts_with(PRODUCTS.c.sku, prefix, _dialect(session)))
    if active is not None:
        statement = statement.where(PRODUCTS.c.active.is_(active))
    if after is not None:
        statement = statement.where(PRODUCTS.c.sku > after)
    return [_product(row) for row in session.execute(statement)]


def insert_products(session: Session, *, products: Sequence[NewProduct], at: datetime) -> set[str]:
    """Insert those that are not there yet; returns their SKUs."""
    rows = [{"sku": product.sku, **_content(product), "version": 1, "updated_at": at} for product in products]
    return {sku for (sku,) in insert_new(session, PRODUCTS, rows, key=("sku",))}


def update_products(session: Session, *, products: Sequence[NewProduct], at: datetime) -> None:
    """Overwrite products and count their versions up."""
    rows = [{"sku": product.sku, **_content(product), "version": 1, "updated_at": at} for product in products]
    update_rows(session, PRODUCTS, rows, key=("sku",), add=("version",))


def aliases_of(session: Session, *, account: str, channel_skus: Collection[str]) -> dict[str, str]:
    """Which of the channel SKUs the account has mapped, and to what."""
    statement = text(_ALIASES.format(asked=_ASKED[_dialect(session)]))
    rows = session.execute(statement, {"account": account, "skus": _as_json(channel_skus)})
    return {row.channel_sku: row.sku for row in rows}


def save_aliases(session: Session, *, account: str, aliases: Mapping[str, str], created_by: str | None) -> None:
    """Map channel SKUs, over what they were mapped to before."""
    rows = [
        {"account": account, "channel_sku": channel_sku, "sku": sku, "created_by": created_by}
        for channel_sku, sku in aliases.items()
    ]
    added = insert_new(session, ALIASES, rows, key=("account", "channel_sku"))
    there = [row for row in rows if (row["account"], row["channel_sku"]) not in added]
    update_rows(session, ALIASES, there, key=("account", "channel_sku"))


def delete_alias(session: Session, *, account: str, channel_sku: str) -> bool:
    """Take a mapping away; whether there was one."""
    mapping = and_(ALIASES.c.account == account, ALIASES.c.channel_sku == channel_sku)
    gone = session.execute(delete(ALIASES).where(mapping).returning(ALIASES.c.sku))
    return gone.first() is not None


def list_aliases(session: Session, *, account: str, after: str | None, limit: int) -> list[tuple[str, str]]:
    """(channel SKU, SKU) of one account in the order of the channel SKUs."""
    statement = select(ALIASES.c.channel_sku, ALIASES.c.sku).where(ALIASES.c.account == account)
    if after is not None:
        statement = statement.where(ALIASES.c.channel_sku > after)
    rows = session.execute(statement.order_by(ALIASES.c.channel_sku).limit(limit))
    return [(row.channel_sku, row.sku) for row in rows]


def product_names(session: Session, *, limit: int) -> list[tuple[str, str]]:
    """(SKU, name) of active products in the order of their SKUs."""
    statement = select(PRODUCTS.c.sku, PRODUCTS.c.name).where(PRODUCTS.c.active.is_(True)).order_by(PRODUCTS.c.sku)
    return [(row.sku, row.name) for row in session.execute(statement.limit(limit))]


def code_mappings(session: Session, *, keys: Collection[CodeKey]) -> dict[CodeKey, str | None]:
    """Meanings by (connection, field, value) of those that are there; None where the code is ignored."""
    asked = tuple_(CODES.c.connection_id, CODES.c.field, CODES.c.value).in_(keys)
    found = session.execute(select(CODES).where(asked))
    return {(row.connection_id, row.field, row.value): row.meaning for row in found}


def save_code(session: Session, *, key: CodeKey, meaning: str | None, by: str, at: datetime) -> None:
    """Map one code, over what it was mapped to before."""
    connection_id, field, value = key
    delete_code(session, key=key)
    row = {
        "connection_id": connection_id, "field": field, "value": value, "meaning": meaning, "created_by": by,
        "created_at": at,
    }  # fmt: skip
    insert_new(session, CODES, [row], key=("connection_id", "field", "value"))


def delete_code(session: Session, *, key: CodeKey) -> None:
    """Take a code's mapping away."""
    session.execute(delete(CODES).where(tuple_(CODES.c.connection_id, CODES.c.field, CODES.c.value).in_([key])))


def _dialect(session: Session) -> str:
    return session.connection().dialect.name


def _as_json(skus: Collection[str]) -> str:
    return orjson.dumps(sorted(set(skus))).decode()


@lru_cache(maxsize=8)
def _statement(template: str, dialect: str) -> TextualSelect:
    return text(template.format(asked=_ASKED[dialect])).columns(
        asked_sku=String, sku=String, name=String, grams=Integer, length_mm=Integer, width_mm=Integer,
        height_mm=Integer, stocked=Boolean, requires=JsonDocument, components=JsonDocument, active=Boolean,
        version=Integer, updated_at=UtcDateTime,
    )  # fmt: skip


def _starts_with(column: ColumnElement[str], prefix: str, dialect: str) -> ColumnElement[bool]:
    """A prefix that an index serves: LIKE on PostgreSQL (pattern index), a range on SQLite, whose LIKE folds case."""
    if dialect == "postgresql":
        return column.startswith(prefix, autoescape=True)
    return and_(column >= prefix, column < bindparam(None, prefix + "\U0010ffff", String))


def _content(product: NewProduct) -> dict[str, Any]:
    content = {name: getattr(product, name) for name in CONTENT}
    content["requires"] = list(product.requires)
    content["components"] = {sku: str(quantity) for sku, quantity in sorted(product.components.items())}
    return content


def _components(stored: Mapping[str, Any]) -> dict[str, Decimal]:
    return {sku: Decimal(str(quantity)) for sku, quantity in stored.items()}


def _matched(row: Row[Any]) -> MatchedProduct:
    return MatchedProduct(
        sku=row.sku, name=row.name, grams=row.grams, length_mm=row.length_mm, width_mm=row.width_mm,
        height_mm=row.height_mm, stocked=row.stocked, requires=tuple(row.requires),
        components=_components(row.components),
    )  # fmt: skip


def _product(row: Row[Any]) -> Product:
    return Product(
        sku=row.sku, name=row.name, grams=row.grams, length_mm=row.length_mm, width_mm=row.width_mm,
        height_mm=row.height_mm, stocked=row.stocked, requires=tuple(row.requires),
        components=_components(row.components), active=row.active, version=row.version, updated_at=row.updated_at,
    )  # fmt: skip
