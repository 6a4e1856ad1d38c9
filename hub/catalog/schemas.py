"""Products on the wire. Weight in grams, sides in millimetres, quantities as decimal strings or numbers."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from hub.catalog.rules.products import (
    MAX_ACCOUNT,
    MAX_CHANNEL_SKU,
    MAX_COMPONENT_QUANTITY,
    MAX_COMPONENTS,
    MAX_GRAMS,
    MAX_MILLIMETRES,
    MAX_NAME,
    MAX_SKU,
    NewProduct,
    Product,
)
from hub.catalog.service.importing import ProductImport
from hub.catalog.service.upsert import UpsertResult

_PLAIN = r"^[^\x00]+$"
Sku = Annotated[str, StringConstraints(min_length=1, max_length=MAX_SKU, pattern=_PLAIN, strip_whitespace=True)]
ChannelSku = Annotated[str, StringConstraints(min_length=1, max_length=MAX_CHANNEL_SKU, pattern=_PLAIN)]
Account = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ACCOUNT, pattern=_PLAIN)]
Millimetres = Annotated[int, Field(ge=1, le=MAX_MILLIMETRES)]
ComponentQuantity = Annotated[Decimal, Field(gt=0, le=MAX_COMPONENT_QUANTITY, decimal_places=3, allow_inf_nan=False)]
Capability = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=_PLAIN)]


class ProductContentIn(BaseModel):
    """A product as it shall be; what is left out gets its default."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=MAX_NAME, pattern=_PLAIN)
    grams: int = Field(0, ge=0, le=MAX_GRAMS)
    length_mm: Millimetres | None = None
    width_mm: Millimetres | None = None
    height_mm: Millimetres | None = None
    stocked: bool = Field(True, description="Whether it is reserved and picked; false for a service or a download.")
    requires: list[Capability] = Field([], max_length=50, description="Capabilities that a location must have.")
    components: dict[Sku, ComponentQuantity] = Field(
        {}, max_length=MAX_COMPONENTS, description="Of a bundle: how many of each SKU one of it consists of."
    )
    active: bool = Field(True, description="Whether orders may mean it.")

    def to_product(self, sku: str) -> NewProduct:
        """The product with this content."""
        return NewProduct(
            sku=sku, name=self.name, grams=self.grams, length_mm=self.length_mm, width_mm=self.width_mm,
            height_mm=self.height_mm, stocked=self.stocked, requires=tuple(self.requires),
            components=self.components, active=self.active,
        )  # fmt: skip


class ProductIn(ProductContentIn):
    """A product of a batch."""

    sku: Sku


class ProductsIn(BaseModel):
    """Products to add or overwrite: all of them or none."""

    model_config = ConfigDict(extra="forbid")

    products: list[ProductIn] = Field(min_length=1, max_length=1000)


class ProductOut(BaseModel):
    """A product as it is stored."""

    sku: str
    name: str
    grams: int
    length_mm: int | None
    width_mm: int | None
    height_mm: int | None
    stocked: bool
    requires: list[str]
    components: dict[str, str]
    active: bool
    version: int
    updated_at: datetime | None

    @classmethod
    def of(cls, product: Product) -> Self:
        """The wire form of a product."""
        return cls(
            sku=product.sku, name=product.name, grams=product.grams, length_mm=product.length_mm,
            width_mm=product.width_mm, height_mm=product.height_mm, stocked=product.stocked,
            requires=list(product.requires),
            components={sku: f"{quantity.normalize():f}" for sku, quantity in product.components.items()},
            active=product.active, version=product.version, updated_at=product.updated_at,
        )  # fmt: skip


class ProductsOut(BaseModel):
    """The SKUs of a batch by what became of them."""

    added: list[str]
    changed: list[str]
    unchanged: list[str]

    @classmethod
    def of(cls, result: UpsertResult) -> Self:
        """The wire form of a result."""
        return cls(added=list(result.added), changed=list(result.changed), unchanged=list(result.unchanged))


class RowFaultOut(BaseModel):
    """A row that was left out; the header is row 1."""

    row: int
    column: str | None
    detail: str


class ProductImportOut(ProductsOut):
    """What an import did."""

    faults: list[RowFaultOut]

    @classmethod
    def of_import(cls, done: ProductImport) -> Self:
        """The wire form of an import."""
        faults = [RowFaultOut(row=fault.row, column=fault.column, detail=fault.message) for fault in done.faults]
        return cls(**ProductsOut.of(done.result).model_dump(), faults=faults)


class AliasIn(BaseModel):
    """One channel SKU and the product it means."""

    model_config = ConfigDict(extra="forbid")

    channel_sku: ChannelSku
    sku: Sku


class AliasesIn(BaseModel):
    """What an account calls products; an alias that is there already is overwritten."""

    model_config = ConfigDict(extra="forbid")

    account: Account
    aliases: list[AliasIn] = Field(min_length=1, max_length=1000)


class AliasOut(BaseModel):
    """One channel SKU and the product it means."""

    channel_sku: str
    sku: str


class AliasesOut(BaseModel):
    """The channel SKUs whose meaning changed."""

    changed: list[str]
