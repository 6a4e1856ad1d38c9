"""Read the catalogue."""

from sqlalchemy.orm import Session

from hub.catalog import repository
from hub.catalog.rules.products import Product
from hub.kit.errors import NotFound


def get(session: Session, *, sku: str) -> Product:
    """One product by its own SKU; raises `NotFound`."""
    product = repository.products_by_sku(session, skus=[sku]).get(sku)
    if product is None:
        raise NotFound("product", sku)
    return product


def list_products(
    session: Session, *, q: str | None = None, active: bool | None = None, after: str | None = None, limit: int = 50
) -> list[Product]:
    """Products in the order of their SKUs, after a SKU. `q` is how the SKU begins, in its own case."""
    return repository.list_products(session, prefix=q, active=active, after=after, limit=limit)
