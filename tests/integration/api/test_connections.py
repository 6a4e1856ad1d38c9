"""`/v1/connections` and `/v1/plugins`."""

from sqlalchemy import select

from hub.audit.tables import AuditEntryRow
from hub.jobs.service.connection_health import pause
from hub.jobs.tables import JobRow
from tests.integration.api.calling import SECRET, Hub

OTHER_SECRET = "whsec_" + "QUJD" * 12


def body(name: str = "shop-2", **more: object) -> dict[str, object]:
    given = {"name": name, "kind": "channel", "plugin": "webhook", "account": "acme", "settings": {"secret": SECRET}}
    return given | more


def test_add_show_and_list(hub: Hub) -> None:
    made = hub("POST", "/v1/connections", body())
    assert (made.status_code, made.headers["location"]) == (201, "/v1/connections/shop-2")
    shown = hub("GET", "/v1/connections/shop-2")
    assert shown.json() == made.json()
    assert shown.headers["etag"] == 'W/"1"'
    assert (shown.json()["mode"], shown.json()["settings"], shown.json()["secrets"]) == ("observe", {}, ["secret"])
    assert SECRET not in made.text + shown.text
    assert [item["name"] for item in hub("GET", "/v1/connections").json()["items"]] == [
        "flat",
        "hand",
        "portal",
        "shop-2",
    ]
    assert [item["name"] for item in hub("GET", "/v1/connections?kind=carrier").json()["items"]] == ["flat", "hand"]
    page = hub("GET", "/v1/connections?limit=3").json()
    rest = hub("GET", f"/v1/connections?limit=3&cursor={page['next_cursor']}").json()
    assert [item["name"] for item in rest["items"]] == ["shop-2"]
    with hub.runtime.database.read() as session:
        [entry] = session.execute(
            select(AuditEntryRow.actor, AuditEntryRow.diff).where(AuditEntryRow.action == "connection.created")
        ).all()
    assert entry.actor == "key:tester"
    assert SECRET not in repr(entry.diff)


def test_bad_connections(hub: Hub) -> None:
    cases = [
        (body(plugin="webhok"), 404, "plugin_not_found"),
        (body("portal"), 409, "connection_exists"),
        (body(settings={"secret": "plain"}), 422, "invalid_settings"),
        (body(settings={"secrets": SECRET}), 422, "invalid_settings"),
        (body(policy={"reviev": {}}), 422, "invalid_policy"),
        (body("No Blanks"), 422, "invalid_request"),
        (body(mode="dead"), 422, "invalid_request"),
        (body(sekret=1), 422, "invalid_request"),
    ]
    for given, status, code in cases:
        answer = hub("POST", "/v1/connections", given)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert "plain" not in answer.text
    assert hub("POST", "/v1/connections", body(sekret=1)).json()["errors"][0]["pointer"] == "#/sekret"
    unfit = hub("PATCH", "/v1/connections/portal", {"policy": {"review": {"max_lines": 0}}}, if_match='W/"1"')
    assert (unfit.status_code, unfit.json()["errors"][0]["path"]) == (422, "review/max_lines")
    assert hub("GET", "/v1/connections/nobody").json()["code"] == "connection_not_found"


def test_change_needs_the_version_it_is_based_on(hub: Hub) -> None:
    path = "/v1/connections/portal"
    assert hub("PATCH", path, {"mode": "observe"}).json()["code"] == "if_match_required"
    assert hub("PATCH", path, {"mode": "observe"}, if_match='W/"7"').status_code == 412
    assert hub("PATCH", path, {"mode": "observe"}, if_match="seven").json()["code"] == "bad_if_match"
    changed = hub("PATCH", path, {"mode": "observe", "policy": {"review": {"currencies": ["USD"]}}}, if_match='W/"1"')
    assert (changed.status_code, changed.headers["etag"], changed.json()["mode"]) == (200, 'W/"2"', "observe")
    assert hub("PATCH", path, {"mode": "live"}, if_match='W/"1"').json()["current_version"] == 2
    assert hub("PATCH", path, {"name": "other"}, if_match='W/"2"').json()["errors"][0]["pointer"] == "#/name"
    same = hub("PATCH", path, {}, if_match='W/"2"')
    assert (same.status_code, same.headers["etag"]) == (200, 'W/"2"')


def test_secrets_stay_unless_they_are_given(hub: Hub) -> None:
    path = "/v1/connections/portal"
    kept = hub("PATCH", path, {"settings": {"tolerance_seconds": 60}}, if_match='W/"1"')
    assert (kept.json()["settings"], kept.json()["secrets"]) == ({"tolerance_seconds": 60}, ["secret"])
    assert hub.webhook(b'{"type": "stock.counted", "data": {}}', message_id="m1").status_code == 202
    other = hub("PATCH", path, {"settings": {"secret": OTHER_SECRET}}, if_match='W/"2"')
    assert other.json()["secrets"] == ["secret"]
    assert OTHER_SECRET not in other.text


def test_a_shop_that_goes_live_ships_no_history(hub: Hub) -> None:
    folder = str(hub.runtime.settings.data_dir / "orders")
    settings = {"folder": folder, "columns": {"order_number": "No"}}
    given = body("sheets", plugin="spreadsheet", settings=settings)
    assert hub("POST", "/v1/connections", given).json()["import_from"] is None
    live = hub("PATCH", "/v1/connections/sheets", {"mode": "live"}, if_match='W/"1"').json()
    assert live["import_from"] is not None
    at = "2026-01-01T00:00:00Z"
    chosen = hub(
        "POST",
        "/v1/connections",
        body("sheets-2", plugin="spreadsheet", settings=settings, mode="live", import_from=at),
    )
    assert chosen.json()["import_from"] == at
    assert hub("POST", "/v1/connections", body("shop-3", mode="live")).json()["import_from"] is None


def test_a_person_pauses_and_resumes_and_no_check_does_it_for_them(hub: Hub) -> None:
    paused = hub("POST", "/v1/connections/portal/pause", {"reason": "stocktaking"})
    assert (paused.json()["paused_reason"], paused.json()["paused_by"][:4]) == ("stocktaking", "key:")
    assert hub("POST", "/v1/connections/portal/check").json()["resumed"] is False
    assert hub("GET", "/v1/connections/portal").json()["health"]["paused_reason"] == "stocktaking"
    assert hub("POST", "/v1/connections/portal/resume").json()["paused_reason"] is None
    again = hub("POST", "/v1/connections/portal/resume")
    assert (again.status_code, again.json()["code"]) == (409, "connection_not_stopped")
    reader = hub.key("connections:read")
    assert hub("POST", "/v1/connections/portal/pause", {"reason": "x"}, token=reader).status_code == 403


def test_a_good_check_lets_a_paused_connection_go_on(hub: Hub) -> None:
    connection_id = hub("GET", "/v1/connections/portal").json()["connection_id"]
    with hub.runtime.database.write() as session:
        pause(session, connection_id=connection_id, reason="credentials were refused")
    assert hub("GET", "/v1/connections/portal").json()["health"]["paused_reason"] == "credentials were refused"
    checked = hub("POST", "/v1/connections/portal/check")
    assert checked.json() == {"ok": True, "problems": [], "details": {"push": "off"}, "resumed": True}
    assert hub("GET", "/v1/connections/portal").json()["health"]["paused_reason"] is None
    assert hub("POST", "/v1/connections/portal/check").json()["resumed"] is False
    hub("POST", "/v1/connections", body("mute", settings={}))
    failed = hub("POST", "/v1/connections/mute/check").json()
    assert (failed["ok"], failed["resumed"]) == (False, False)
    assert failed["problems"][0].startswith("no secret is set")
    assert hub("POST", "/v1/connections/nobody/check").status_code == 404
    assert hub("POST", "/v1/connections/portal/check", token=hub.key("connections:read")).status_code == 403


def test_pull(hub: Hub) -> None:
    settings = {"folder": str(hub.runtime.settings.data_dir / "orders"), "columns": {"order_number": "No"}}
    hub("POST", "/v1/connections", body("sheets", plugin="spreadsheet", settings=settings))
    answer = hub("POST", "/v1/connections/sheets/pull", idempotency_key="pull-1")
    assert (answer.status_code, answer.json()) == (202, {"queued": "channel.pull"})
    hub("POST", "/v1/connections/sheets/pull", idempotency_key="pull-1")
    with hub.runtime.database.read() as session:
        assert len(session.scalars(select(JobRow.job_id).where(JobRow.kind == "channel.pull")).all()) == 1
    assert hub("POST", "/v1/connections/portal/pull").json()["code"] == "cannot_pull"
    assert hub("POST", "/v1/connections/flat/pull").json()["code"] == "cannot_pull"


def test_plugins(hub: Hub) -> None:
    plugins = {item["id"]: item for item in hub("GET", "/v1/plugins").json()["items"]}
    assert {"webhook", "shopify", "spreadsheet", "rate_card", "manual", "beancount"} <= set(plugins)
    assert (plugins["webhook"]["kind"], plugins["webhook"]["state"]) == ("channel", "active")
    assert "receive" in plugins["webhook"]["capabilities"]
    assert hub("GET", "/v1/plugins/webhook").json() == plugins["webhook"]
    schema = hub("GET", "/v1/plugins/webhook/settings-schema").json()
    assert {"secret", "push_url"} <= set(schema["properties"])
    assert hub("GET", "/v1/plugins/nobody").json()["code"] == "plugin_not_found"
    near = hub("GET", "/v1/plugins/webhok/settings-schema").json()
    assert (near["status"], "webhook" in near["detail"]) == (404, True)
    assert hub("GET", "/v1/plugins", token=hub.key("orders:read")).status_code == 403
