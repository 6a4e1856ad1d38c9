"""Add and change products."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from hub.catalog import events, repository
from hub.catalog.rules.products import NewProduct, Product, ProductFault, batch_faults, bundle_faults, same_content
from hub.jobs.service.publish import publish
from hub.kit.errors import HubError, InvalidInput
from hub.kit.ids import new_id


@dataclass(frozen=True, slots=True)
class UpsertResult:
    """The SKUs of a batch by what became of them."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]


class VersionMismatch(HubError):
    """Somebody changed the product after the caller read it."""

    def __init__(self, sku: str, version: int | None) -> None:
        stands = "is not there any more" if version is None else f"is at version {version}"
        super().__init__(
            412, "version_mismatch", f"Product {sku!r} {stands}: read it again, then repeat the change.",
            extra={"current_version": version},
        )  # fmt: skip


def upsert_products(session: Session, *, products: Sequence[NewProduct], at: datetime) -> UpsertResult:
    """Store products as they shall be; a bounded number of statements for any number.

    Publishes `catalog.product_added` for each SKU that is new or active again. Raises `InvalidInput`
    (`product_faults`) with all faults at once (`errors`: index, field, detail); nothing is stored then.
    """
    stored = _stored(session, products)
    faults = [*batch_faults(products), *_bundle_faults(session, products, stored)]
    if faults:
        raise InvalidInput(
            "product_faults",
            f"{len(faults)} faults in {len(products)} products: correct them and send the batch again.",
            extra={"errors": [fault.as_problem() for fault in faults]},
        )
    added = repository.insert_products(
        session, products=[product for product in products if product.sku not in stored], at=at
    )
    there = [product for product in products if product.sku not in added]
    changed = [
        product for product in there if product.sku not in stored or not same_content(product, stored[product.sku])
    ]
    repository.update_products(session, products=changed, at=at)
    _announce(session, products, stored, added)
    changed_skus = {product.sku for product in changed}
    return UpsertResult(
        added=tuple(product.sku for product in products if product.sku in added),
        changed=tuple(product.sku for product in changed),
        unchanged=tuple(product.sku for product in there if product.sku not in changed_skus),
    )


def put_product(session: Session, *, product: NewProduct, version: int | None, at: datetime) -> Product:
    """Add or overwrite one product; with `version` only where it still stands at that version.

    Raises `VersionMismatch` (412) and what `upsert_products` raises.
    """
    if version is not None:
        stored = repository.locked_product(session, sku=product.sku)
        if stored is None or stored.version != version:
            raise VersionMismatch(product.sku, stored.version if stored else None)
    upsert_products(session, products=[product], at=at)
    return repository.products_by_sku(session, skus=[product.sku])[product.sku]


def _stored(session: Session, products: Sequence[NewProduct]) -> dict[str, Product]:
    skus = {product.sku for product in products}
    return repository.products_by_sku(session, skus=skus.union(*(product.components for product in products)))


def _bundle_faults(
    session: Session, products: Sequence[NewProduct], stored: Mapping[str, Product]
) -> list[ProductFault]:
    becomes_bundle = [
        product
        for product in products
        if product.components and product.sku in stored and not stored[product.sku].components
    ]
    batch = {product.sku for product in products}
    used: set[str] = set()
    if becomes_bundle:
        used.update(*(bundle.components for bundle in repository.bundles(session) if bundle.sku not in batch))
    return list(bundle_faults(products, stored, used))


def _announce(session: Session, products: Sequence[NewProduct], stored: Mapping[str, Product], added: set[str]) -> None:
    cause = new_id()
    publish(
        session,
        [
            events.product_added(sku=product.sku, cause=cause)
            for product in products
            if product.active and (product.sku in added or (product.sku in stored and not stored[product.sku].active))
        ],
    )
