from hub.sdk.testing.carrier import CarrierConformance
from hub.sdk.values import Raw
from plugins.carriers.rate_card.adapter import RateCard
from tests.plugins.carriers.rate_card.cards import card, service, table

SCAN = b'{"events": [{"tracking_number": "RC1", "status": "%s", "occurred_at": "2026-03-04T15:20:00+01:00"}]}'


class TestRateCard(CarrierConformance):
    plugin = RateCard
    settings = card(
        webhook_secret="whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=",
        services=[service("STD", tables=[table(additional={"grams": 500, "price": "1.00"})])],
    )
    tracking = (Raw(body=SCAN % b"delivered"), Raw(body=SCAN % b"out_for_delivery"))
    unknown_tracking = Raw(body=SCAN % b"eaten_by_a_bear")
