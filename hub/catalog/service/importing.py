"""Take in a whole table of products."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from hub.catalog import repository
from hub.catalog.rules.products import NewProduct, Product, ProductFault, batch_faults, bundle_faults
from hub.catalog.rules.rows import read_product
from hub.catalog.service.upsert import UpsertResult, upsert_products
from hub.kit.errors import InvalidInput
from hub.sdk.readers.stated import MAX_FAULTS, CellFault, StatedRow, read_stated_csv


@dataclass(frozen=True, slots=True)
class ProductImport:
    """What an import did; `faults` are of the rows that were left out."""

    result: UpsertResult
    faults: tuple[CellFault, ...]


def import_products(
    session: Session, *, rows: str | Sequence[Mapping[str, object]], at: datetime, skip_faulty: bool = False
) -> ProductImport:
    """Add and change products from CSV text or from JSON rows; columns as of `rules.rows.COLUMNS`.

    All faults are told at once, each by row and column (CSV: the header is row 1; JSON: the first object is row 1).
    Where there are faults nothing is stored and `InvalidInput` (`import_faults`) is raised; with `skip_faulty` the
    good rows are stored and the faults returned.
    """
    faults: list[CellFault] = []
    numbered = [(cells.row, read_product(cells)) for cells in _rows(rows, faults)]
    numbered = _without_faulty(numbered, faults)
    _note(faults, numbered, batch_faults([product for _, product in numbered]))
    numbered = _without_faulty(numbered, faults)
    numbered = _check_bundles(session, numbered, faults)
    faults.sort(key=lambda fault: fault.row)
    if faults and not skip_faulty:
        raise InvalidInput(
            "import_faults",
            f"{len(faults)} faults in the table, nothing was stored: correct them and send it again.",
            extra={"errors": [fault.as_problem() for fault in faults[:MAX_FAULTS]]},
        )
    result = upsert_products(session, products=[product for _, product in numbered], at=at)
    return ProductImport(result=result, faults=tuple(faults))


def _rows(rows: str | Sequence[Mapping[str, object]], faults: list[CellFault]) -> Iterable[StatedRow]:
    if isinstance(rows, str):
        return read_stated_csv(rows, faults)
    return [StatedRow(number, row, faults) for number, row in enumerate(rows, start=1)]


def _check_bundles(
    session: Session, numbered: list[tuple[int, NewProduct]], faults: list[CellFault]
) -> list[tuple[int, NewProduct]]:
    """Leave out bundles that cannot be; repeated, because one that is left out may be a component of another."""
    wanted = {sku for _, product in numbered for sku in (product.sku, *product.components)}
    known = repository.products_by_sku(session, skus=wanted)
    used = _used_outside(session, numbered, known)
    while True:
        found = list(bundle_faults([product for _, product in numbered], known, used))
        if not found:
            return numbered
        _note(faults, numbered, found)
        numbered = _without_faulty(numbered, faults)


def _used_outside(session: Session, numbered: list[tuple[int, NewProduct]], known: Mapping[str, Product]) -> set[str]:
    if not any(product.components and product.sku in known for _, product in numbered):
        return set()
    batch = {product.sku for _, product in numbered}
    return {sku for bundle in repository.bundles(session) if bundle.sku not in batch for sku in bundle.components}


def _note(faults: list[CellFault], numbered: Sequence[tuple[int, NewProduct]], found: Iterable[ProductFault]) -> None:
    faults.extend(CellFault(numbered[fault.index][0], fault.field, fault.message) for fault in found)


def _without_faulty(
    numbered: list[tuple[int, NewProduct]], faults: Sequence[CellFault]
) -> list[tuple[int, NewProduct]]:
    faulty = {fault.row for fault in faults}
    return [(row, product) for row, product in numbered if row not in faulty]
