"""Products as values, and what must hold for them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

MAX_SKU = 100
MAX_CHANNEL_SKU = 200
MAX_ACCOUNT = 120
MAX_NAME = 300
MAX_GRAMS = 100_000_000
MAX_MILLIMETRES = 1_000_000
MAX_COMPONENTS = 100
MAX_COMPONENT_QUANTITY = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class NewProduct:
    """One SKU as it shall be: weight in grams, sides in millimetres (None: not known).

    `requires` are capabilities that a location must have (e.g. `cold_chain`); `components` makes it a bundle: how many
    of each other SKU one of it consists of. Only what is `stocked` is reserved.
    """

    sku: str
    name: str
    grams: int = 0
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    stocked: bool = True
    requires: tuple[str, ...] = ()
    components: Mapping[str, Decimal] = field(default_factory=dict)
    active: bool = True


@dataclass(frozen=True, slots=True)
class Product(NewProduct):
    """One SKU as it is stored; `version` counts its changes."""

    version: int = 1
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MatchedProduct:
    """What an order line needs to know of the product that its SKU means; fields as of `NewProduct`."""

    sku: str
    name: str
    grams: int
    length_mm: int | None
    width_mm: int | None
    height_mm: int | None
    stocked: bool
    requires: tuple[str, ...]
    components: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class ProductFault:
    """What is wrong with one product of a batch; `index` is its place in the batch."""

    index: int
    field: str
    message: str

    def as_problem(self) -> dict[str, str | int]:
        """The fault as a member of `errors` of a problem document."""
        pointer = f"#/products/{self.index}/{self.field}"
        return {"detail": self.message, "pointer": pointer, "index": self.index, "field": self.field}


def same_content(product: NewProduct, stored: Product) -> bool:
    """Whether storing the product would change nothing."""
    return all(getattr(product, name) == getattr(stored, name) for name in CONTENT)


CONTENT = (
    "name", "grams", "length_mm", "width_mm", "height_mm", "stocked", "requires", "components", "active",
)  # fmt: skip
"""The fields that a change of a product may change."""


def batch_faults(products: Sequence[NewProduct]) -> Iterator[ProductFault]:
    """Faults that can be seen in the batch alone: bounds, and one SKU twice."""
    seen: set[str] = set()
    for index, product in enumerate(products):
        for name, message in _own_faults(product):
            yield ProductFault(index, name, message)
        if product.sku in seen:
            yield ProductFault(index, "sku", f"SKU {product.sku!r} is in the batch twice.")
        seen.add(product.sku)


def bundle_faults(
    products: Sequence[NewProduct], known: Mapping[str, Product], used_as_component: Collection[str]
) -> Iterator[ProductFault]:
    """Faults of bundles: a component must exist and must not be a bundle itself, in the batch or as stored."""
    batch = {product.sku: product for product in products}
    inner = set(used_as_component).union(*(product.components for product in products))
    for index, product in enumerate(products):
        if product.components and product.sku in inner:
            yield ProductFault(
                index, "components", f"{product.sku!r} is a component of a bundle and cannot be a bundle itself."
            )
        for sku in product.components:
            component = batch.get(sku) or known.get(sku)
            if component is None:
                yield ProductFault(index, "components", f"There is no product {sku!r}: add it first.")
            elif component.components and sku not in batch:
                yield ProductFault(index, "components", f"{sku!r} is a bundle: name its components instead.")


def _own_faults(product: NewProduct) -> Iterator[tuple[str, str]]:
    if not 1 <= len(product.sku) <= MAX_SKU or product.sku != product.sku.strip():
        yield "sku", f"Must have 1 to {MAX_SKU} characters and no blanks around them."
    if not 1 <= len(product.name) <= MAX_NAME:
        yield "name", f"Must have 1 to {MAX_NAME} characters."
    if not 0 <= product.grams <= MAX_GRAMS:
        yield "grams", f"Must be between 0 and {MAX_GRAMS}."
    for name in ("length_mm", "width_mm", "height_mm"):
        side = getattr(product, name)
        if side is not None and not 0 < side <= MAX_MILLIMETRES:
            yield name, f"Must be between 1 and {MAX_MILLIMETRES}, or empty where it is not known."
    if len(product.components) > MAX_COMPONENTS:
        yield "components", f"A bundle has at most {MAX_COMPONENTS} components."
    if any(not 0 < quantity <= MAX_COMPONENT_QUANTITY for quantity in product.components.values()):
        yield "components", f"A component's quantity must be more than 0 and at most {MAX_COMPONENT_QUANTITY}."
