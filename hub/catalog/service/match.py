"""What the SKUs of a channel mean."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from hub.catalog import repository
from hub.catalog.rules.products import MatchedProduct


def match_skus(session: Session, *, account: str, skus: Collection[str]) -> dict[str, MatchedProduct]:
    """Find the product that each channel SKU of an account means; called while orders are accepted.

    An alias of the account wins, else the hub's own SKU of the same name. What is not in the answer has no product;
    inactive products do not match, also not under another name. One statement for any number of SKUs.
    """
    return repository.match(session, account=account, skus=skus) if skus else {}


NO_ACCOUNT = ""
"""No connection has this account, so nobody calls a product otherwise there."""


def own_products(session: Session, *, skus: Collection[str]) -> dict[str, MatchedProduct]:
    """Active products by the hub's own SKUs, whatever channels call them; called for what the hub itself names."""
    return match_skus(session, account=NO_ACCOUNT, skus=skus)
