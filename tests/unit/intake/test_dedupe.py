from hub.intake.rules.dedupe import dedupe_key, lane
from hub.sdk.values import Raw


def test_the_sources_own_id_goes_first_then_its_revision_then_each_is_its_own() -> None:
    raw = Raw(body=b"{}", kind="order", external_id="1", revision="2", event_id="e")
    assert dedupe_key(raw, "m") == "event:e"
    assert dedupe_key(Raw(body=b"{}", kind="order", external_id="1", revision="2"), "m") == "revision:order:1:2"
    assert dedupe_key(Raw(body=b"{}", kind="stock", external_id="1"), "m") == "message:m"
    assert dedupe_key(Raw(body=b"{}", revision="2"), "m") == "message:m"


def test_kinds_have_revisions_of_their_own() -> None:
    order, refund = (Raw(body=b"", kind=kind, external_id="1", revision="2") for kind in ("order", "refund"))
    assert dedupe_key(order, "m") != dedupe_key(refund, "m")


def test_a_lane_fits_its_column_whatever_the_source_calls_things() -> None:
    assert lane("shop", Raw(body=b"", external_id="1"), "m") == "in:shop:1"
    assert lane("shop", Raw(body=b""), "m") == "in:shop:m"
    absurd = lane("shop", Raw(body=b"", external_id="x\x00" * 500), "m")
    assert (len(absurd), "\x00" in absurd) == (250, False)


def test_a_carrier_and_a_shop_of_one_account_do_not_hide_each_others_deliveries() -> None:
    raw = Raw(body=b"{}", event_id="e", external_id="1", revision="2")
    assert dedupe_key(raw, "m", family="carrier") == "carrier:event:e" != dedupe_key(raw, "m")
