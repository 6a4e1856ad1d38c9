"""The beancount plugin: the hub's documents as double entries in plain-text books."""

from collections.abc import Iterable
from typing import Any

from hub.sdk.adapters import Erp
from hub.sdk.hooks import hookimpl
from plugins.erp.beancount.adapter import Beancount


@hookimpl
def hub_erps() -> Iterable[type[Erp[Any]]]:
    """The ledger adapter."""
    return [Beancount]
