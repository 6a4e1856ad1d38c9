"""Settings of one ledger: where it is and which account plays which role."""

import re
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

_PART = r"[A-Z0-9\u0080-\U0010ffff][A-Za-z0-9\-\u0080-\U0010ffff]*"
ACCOUNT = re.compile(rf"(Assets|Liabilities|Equity|Income|Expenses)(:{_PART})+")
"""An account name as beancount 3 reads it (its lexer's rule, with the default five roots)."""


def _account(name: str) -> str:
    if not ACCOUNT.fullmatch(name):
        raise ValueError(
            f"{name!r} is not an account name: Assets, Liabilities, Equity, Income or Expenses, then parts that begin "
            "with a capital or a digit, such as Assets:Bank:Main"
        )
    return name


AccountName = Annotated[str, AfterValidator(_account)]


class Accounts(BaseModel):
    """Which account plays which role."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    receivable: AccountName = Field("Assets:Receivable", description="What buyers owe: invoices against payments")
    sales: AccountName = Field("Income:Sales", description="Net value of the lines of invoices")
    tax: AccountName = Field("Liabilities:SalesTax", description="Tax of lines and charges")
    shipping: AccountName = Field("Income:Shipping", description="Freight charged to buyers")
    discounts: AccountName = Field("Income:Discounts", description="Discounts on whole documents")
    charges: AccountName = Field(
        "Income:Charges", description="Every other charge: handling, gift wrap, fees, rounding"
    )
    charges_by_kind: dict[str, AccountName] = Field(
        default_factory=dict, description="Accounts of single kinds of charge, by the charge's kind, e.g. duty or tip"
    )
    clearing: AccountName = Field(
        "Assets:Clearing", description="Where payments arrive whose method has no account below"
    )
    payments: dict[str, AccountName] = Field(
        default_factory=dict, description="Cash and clearing accounts by payment method, e.g. paypal: Assets:PayPal"
    )
    inventory: AccountName = Field(
        "Assets:Inventory", description="Goods in stock; used where the cost of a line is known"
    )
    cost_of_goods: AccountName = Field("Expenses:CostOfGoods", description="Cost of the goods that were delivered")
    ordered: AccountName = Field("Equity:Memo:Ordered", description="Memorandum: value of all sales orders")
    delivered: AccountName = Field("Equity:Memo:Delivered", description="Memorandum: sales value of all deliveries")
    returned: AccountName = Field("Equity:Memo:Returned", description="Memorandum: sales value of all returns")
    memo_contra: AccountName = Field(
        "Equity:Memo:Contra", description="The other side of the three memorandum accounts"
    )


class BeancountSettings(BaseModel):
    """One set of books in one folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path = Field(description="Folder of the ledger; main.beancount in it includes one file a month")
    title: str = Field(default="OrderHub", description="Title of the ledger")
    operating_currencies: tuple[Annotated[str, Field(pattern=r"^[A-Z]{3}$")], ...] = Field(
        default=("USD",), description="Currencies that reports show in columns of their own"
    )
    accounts: Accounts = Field(default_factory=Accounts, description="Account names by role")
    open_accounts: bool = Field(
        default=True, description="Write an open directive for each account used; off where your own chart opens them"
    )
    payee: Literal["name", "order", "none"] = Field(
        default="name", description="Payee of an entry: the buyer's name, the order number (no personal data), or empty"
    )
    timezone: str = Field(default="UTC", description="Time zone whose calendar day dates an entry, e.g. Europe/Berlin")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is not a time zone of the IANA database, e.g. Europe/Berlin") from error
        return name
