"""`/v1/connections/{name}/proof`: what proves that nothing of a channel is missing, and the age of it as a metric."""

from datetime import UTC, date, datetime, timedelta

from hub.canonical.money import Money
from hub.connections.service.manage import add_connection
from hub.intake.rules.census import Held, compare
from hub.intake.service.census import store_run
from tests.integration.api.calling import Hub

SETTINGS = {"shop_domain": "acme.myshopify.com", "access_token": "shpat_not_real", "webhook_secret": "s"}
PROOF = "/v1/connections/berlin/proof"


def add_shop(hub: Hub) -> str:
    runtime = hub.runtime
    with runtime.database.write() as session:
        return add_connection(
            session, adapters=runtime.adapters, secrets=runtime.secrets, name="berlin", kind="channel",
            plugin="shopify", account="berlin", settings=SETTINGS, mode="live", at=runtime.clock.now(),
        ).connection_id  # fmt: skip


def add_run(hub: Hub, connection_id: str, day: date, *here: str) -> None:
    at = datetime.now(UTC)
    listed = {name: Money(minor=500, currency="USD") for name in ("1", "2")}
    held = {name: Held(listed[name], at, at) for name in here}
    found = compare(listed, held, count=2, waiting=(), extra=(), known_since=at)
    with hub.runtime.database.write() as session:
        store_run(session, connection_id=connection_id, day=day, turn=1, count=2, found=found, fetched=0, at=at)


def test_the_runs_of_a_channel_and_what_they_prove(hub: Hub) -> None:
    connection_id = add_shop(hub)
    none = hub("GET", PROOF).json()
    assert (none["items"], none["proven_until"], none["provable"], none["limit_hours"]) == ([], None, True, 36)
    today = datetime.now(UTC).date()
    yesterday = today - timedelta(days=1)
    add_run(hub, connection_id, yesterday - timedelta(days=1), "1", "2")
    add_run(hub, connection_id, yesterday, "1")
    first = hub("GET", f"{PROOF}?limit=1").json()
    assert first["proven_until"] == f"{yesterday}T00:00:00Z", "the later day is not proven"
    (run,) = first["items"]
    assert (run["day"], run["complete"], run["missing"], run["examples"]) == (
        str(yesterday),
        False,
        1,
        {"missing": ["2"]},
    )
    assert (run["theirs"], run["ours"]) == ({"USD": 1000}, {"USD": 500})
    rest = hub("GET", f"{PROOF}?cursor={first['next_cursor']}").json()
    assert ([entry["complete"] for entry in rest["items"]], rest["next_cursor"]) == ([True], None)
    assert [entry["day"] for entry in hub("GET", f"{PROOF}?day={yesterday}").json()["items"]] == [str(yesterday)]
    ages = [line for line in hub("GET", "/metrics").text.splitlines() if line.startswith("orderhub_proof_age_seconds")]
    assert [line.split()[0] for line in ages] == ['orderhub_proof_age_seconds{connection="berlin"}']


def test_what_cannot_be_proven_says_so_and_what_is_wrong_is_refused(hub: Hub) -> None:
    pushed = hub("GET", "/v1/connections/portal/proof").json()
    assert (pushed["provable"], pushed["reason"]) == (False, "this channel cannot be proven complete: it only pushes")
    add_shop(hub)
    assert hub("GET", f"{PROOF}?cursor=x").json()["code"] == "bad_cursor"
    assert hub("GET", "/v1/connections/nobody/proof").json()["code"] == "connection_not_found"
    assert hub("GET", PROOF, token=hub.key("orders:read")).status_code == 403
    carrier = next(item for item in hub("GET", "/v1/connections?kind=carrier").json()["items"])
    assert hub("GET", f"/v1/connections/{carrier['name']}/proof").json()["code"] == "not_a_channel"
