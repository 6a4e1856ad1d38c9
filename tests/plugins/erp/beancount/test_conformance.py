"""The ledger is a conforming ERP plugin."""

from hub.sdk.testing.erp import ErpConformance
from plugins.erp.beancount.adapter import Beancount
from plugins.erp.beancount.totals import ledger_keys


class TestBeancount(ErpConformance):
    plugin = Beancount

    def make_settings(self):
        return {"folder": self.folder / "ledger"}

    def remote_count(self, key):
        return ledger_keys(self.folder / "ledger")[key]
