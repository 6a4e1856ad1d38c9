"""`/v1/products`: the catalogue and what channels call its products."""

from collections import Counter
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response

from hub.auth.api import Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.catalog.rules.products import MAX_SKU
from hub.catalog.schemas import (
    Account,
    AliasesIn,
    AliasesOut,
    AliasOut,
    ChannelSku,
    ProductContentIn,
    ProductImportOut,
    ProductOut,
    ProductsIn,
    ProductsOut,
)
from hub.catalog.service import aliases as alias_service
from hub.catalog.service import query
from hub.catalog.service.importing import import_products
from hub.catalog.service.upsert import put_product, upsert_products
from hub.kit.errors import InvalidInput
from hub.kit.ids import is_id
from hub.kit.web import (
    Cursor,
    IfMatch,
    Limit,
    Page,
    decode_cursor,
    encode_cursor,
    page_of,
    problem_responses,
    set_etag,
)
from hub.kit.web_session import ReadSession, WriteSession


def present(request: Request) -> datetime:
    """The instant of the request, by the process's clock."""
    now: datetime = request.app.state.runtime.clock.now()
    return now


Now = Annotated[datetime, Depends(present)]
Reader = Depends(require("products:read"))
Writer = Annotated[Principal, Depends(require("products:write"))]
SkuPath = Annotated[str, Path(min_length=1, max_length=MAX_SKU)]
SkipFaulty = Annotated[bool, Query(description="Store the good rows where there are faulty ones.")]
CsvBody = Annotated[bytes, Body(media_type="text/csv", description="CSV in UTF-8 with a header row.")]

router = APIRouter(prefix="/v1/products", tags=["products"], route_class=IdempotentRoute)


@router.get("", dependencies=[Reader], responses=problem_responses(400, 401, 403))
def list_products(
    session: ReadSession,
    q: Annotated[str | None, Query(max_length=MAX_SKU, description="How the SKU begins, in its own case.")] = None,
    active: bool | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ProductOut]:
    """Products in the order of their SKUs."""
    after = decode_cursor("products", cursor, str)[0] if cursor else None
    found = query.list_products(session, q=q, active=active, after=after, limit=limit + 1)
    return page_of(found, limit=limit, item=ProductOut.of, cursor=lambda item: encode_cursor("products", item.sku))


@router.post("", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 409, 422))
def upsert(body: ProductsIn, session: WriteSession, now: Now, _: Writer) -> ProductsOut:
    """Add products or overwrite them, all or none."""
    products = [item.to_product(item.sku) for item in body.products]
    return ProductsOut.of(upsert_products(session, products=products, at=now))


@router.post("/import", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 409, 413, 422))
def import_csv(
    body: CsvBody, session: WriteSession, now: Now, _: Writer, skip_faulty: SkipFaulty = False
) -> ProductImportOut:
    """Add products or overwrite them from CSV; all faults are told at once, by row and column."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("not_utf8", f"Byte {error.start} is not UTF-8: save the file as CSV UTF-8.") from error
    return ProductImportOut.of_import(import_products(session, rows=text, at=now, skip_faulty=skip_faulty))


@router.get("/aliases", dependencies=[Reader], responses=problem_responses(400, 401, 403, 422))
def list_aliases(
    session: ReadSession, account: Annotated[Account, Query()], limit: Limit = 50, cursor: Cursor = None
) -> Page[AliasOut]:
    """What one account calls products, in the order of its SKUs."""
    after = decode_cursor("aliases", cursor, str)[0] if cursor else None
    found = alias_service.list_aliases(session, account=account, after=after, limit=limit + 1)
    return page_of(
        found,
        limit=limit,
        item=lambda pair: AliasOut(channel_sku=pair[0], sku=pair[1]),
        cursor=lambda pair: encode_cursor("aliases", pair[0]),
    )


@router.post("/aliases", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 409, 422))
def add_aliases(body: AliasesIn, session: WriteSession, now: Now, principal: Writer) -> AliasesOut:
    """Map SKUs of an account to products; orders that wait for them go on."""
    twice = [sku for sku, times in Counter(item.channel_sku for item in body.aliases).items() if times > 1]
    if twice:
        raise InvalidInput("alias_twice", f"Named twice: {', '.join(twice[:10])}. Name each channel SKU once.")
    changed = alias_service.add_aliases(
        session, account=body.account, aliases={item.channel_sku: item.sku for item in body.aliases}, at=now,
        created_by=_as_id(principal.id),
    )  # fmt: skip
    return AliasesOut(changed=list(changed))


@router.delete("/aliases", status_code=204, responses=problem_responses(401, 403, 404, 422))
def remove_alias(
    session: WriteSession, _: Writer, account: Annotated[Account, Query()], channel_sku: Annotated[ChannelSku, Query()]
) -> None:
    """Take a mapping away; orders that were matched by it stay as they are."""
    alias_service.remove_alias(session, account=account, channel_sku=channel_sku)


@router.get("/{sku:path}", dependencies=[Reader], responses=problem_responses(401, 403, 404))
def get_product(sku: SkuPath, session: ReadSession, response: Response) -> ProductOut:
    """One product by its SKU."""
    product = query.get(session, sku=sku)
    set_etag(response, product.version)
    return ProductOut.of(product)


@router.put("/{sku:path}", responses=problem_responses(400, 401, 403, 412, 422))
def put(
    sku: SkuPath, body: ProductContentIn, session: WriteSession, response: Response, now: Now, _: Writer,
    version: IfMatch,
) -> ProductOut:  # fmt: skip
    """Add a product or overwrite it; with If-Match only where it is still at that version."""
    product = put_product(session, product=body.to_product(sku), version=version, at=now)
    set_etag(response, product.version)
    return ProductOut.of(product)


def _as_id(principal: str) -> str | None:
    """The principal's id where it is one: the embedded console has a name only."""
    return principal if is_id(principal) else None
