"""The channel suite passes a sound census and catches each deliberate breakage."""

from dataclasses import replace

import pytest

from hub.sdk.errors import PluginError
from hub.sdk.testing.suite import failures
from hub.sdk.values import Census, CensusEntry
from tests.unit.sdk.testing.test_channel_suite import ORDERS, SHAPE, Mini, caught, suite_of


class Lister(Mini):
    """A channel that lists two orders a page."""

    def census(self, window):
        page = self.list_changes(window, 2)
        entries = tuple(CensusEntry(raw.external_id) for raw in page.documents)
        return Census(entries, next_page=page.next_page, count=len(ORDERS))


def test_a_sound_census_passes(tmp_path) -> None:
    assert suite_of(Mini).test_census_lists_every_order_once is None
    assert suite_of(Lister).test_census_lists_every_order_once is not None
    assert set(failures(suite_of(Lister), tmp_path)) == {SHAPE}


@pytest.mark.parametrize(
    "changes",
    [{"next_page": "0"}, {"next_page": None}, {"entries": ()}, {"entries": (CensusEntry("A-1"),)}, {"count": 99}],
)
def test_a_broken_census_is_caught(changes, tmp_path) -> None:
    class Broken(Lister):
        def census(self, window):
            return replace(super().census(window), **changes)

    assert caught(Broken, tmp_path) == {"test_census_lists_every_order_once"}


def test_a_census_that_hides_an_outage_is_caught(tmp_path) -> None:
    class Forgiving(Lister):
        def census(self, window):
            try:
                return super().census(window)
            except PluginError:
                return Census(())

    assert caught(Forgiving, tmp_path) == {"test_census_tolerates_a_bad_platform"}
