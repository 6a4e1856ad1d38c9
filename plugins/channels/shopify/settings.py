"""What a person states to connect a shop."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class ShopifySettings(BaseModel):
    """One shop, reached through a custom app with an Admin API access token."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shop_domain: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*\.myshopify\.com$",
        description="The shop's permanent address, e.g. `acme.myshopify.com` (not the address that buyers see).",
    )
    access_token: SecretStr = Field(description="Admin API access token of the custom app (begins with `shpat_`).")
    webhook_secret: SecretStr = Field(description="Client secret of the app; Shopify signs every webhook with it.")
    previous_webhook_secret: SecretStr | None = Field(
        default=None, description="The client secret before a rotation; accepted too until it is taken out."
    )
    api_version: str = Field(
        default="2026-10",
        pattern=r"^20\d\d-(01|04|07|10)$",
        description="Version of the Admin API; Shopify serves each for twelve months.",
    )
    currency: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{3}$",
        description="The shop's currency, used only for documents that state amounts without a currency.",
    )
    locations: dict[str, str] = Field(
        default_factory=dict,
        description="Location codes of the hub and the ids of Shopify's locations, e.g. `{'WH-EAST': '655441491'}`.",
    )
    stock_location: str | None = Field(
        default=None,
        description="Shopify location id for stock that names no location; needed only where it is pushed like that.",
    )
    carrier_names: dict[str, str] = Field(
        default_factory=dict,
        description="Carrier ids of the hub and the names that Shopify shows and links, e.g. `{'ups': 'UPS'}`.",
    )
    notify_customer: bool = Field(
        default=False, description="Whether Shopify sends the buyer an e-mail when a shipment is pushed."
    )
    page_size: int = Field(
        default=5,
        ge=1,
        le=50,
        description="Orders a request; 5 stay below 1000 cost points even if every order uses the query's limits.",
    )
    base_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/]+$",
        description="Another address of the Admin API, for a proxy or a test shop; normally left out.",
    )
