"""`/v1/effects`: a person says what became of a call whose answer was lost, and may say it twice."""

from sqlalchemy import update

from hub.jobs.tables import EffectRow
from tests.integration.api.calling import Hub, order


def test_only_what_is_in_doubt_is_listed_and_decided(hub: Hub) -> None:
    [order_id] = hub.post_orders(order())
    hub.shipped(order_id)
    with hub.runtime.database.write() as session:
        [key] = session.scalars(update(EffectRow).values(state="in_doubt").returning(EffectRow.idem_key))
    [listed] = hub("GET", "/v1/effects").json()["items"]
    assert (listed["idem_key"], listed["state"], listed["kind"]) == (key, "in_doubt", "shipment.label")
    told = {"remote_id": "C-9", "tracking_numbers": ["T-9"], "reason": "seen in the portal"}
    answer = hub("POST", f"/v1/effects/{key}/settle", told)
    assert (answer.status_code, answer.json()["code"]) == (409, "effect_is_tried"), "its job is done already"
    assert hub("POST", f"/v1/effects/{key}/settle", {**told, "tracking_numbers": []}).status_code == 422
    with hub.runtime.database.write() as session:
        session.execute(update(EffectRow).values(state="confirmed"))
    answer = hub("POST", f"/v1/effects/{key}/again", {"reason": "not there"})
    assert (answer.status_code, answer.json()["code"]) == (409, "effect_not_in_doubt")
    assert hub("GET", f"/v1/effects/{key}").json()["state"] == "confirmed"
    assert hub("GET", "/v1/effects/none").status_code == 404
