"""A fake shop for a test; skips, or fails, where Shopify's schema is missing."""

import pytest

from tests.plugins.channels.shopify.fake import FakeShop
from tests.plugins.channels.shopify.schema import schema


@pytest.fixture
def shop() -> FakeShop:
    schema()
    return FakeShop()
