"""`hub` as people and scripts run it: one data folder a test, real processes where the process itself matters."""

import json
import re
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command_line import ORDERS, SECRET, Hub, connect_folder
from tests.peers import REPOSITORY
from tests.servers import free_port

STOPPED = "2026-01-01 00:00:00.000000"


def test_init_makes_everything_once(fresh: Hub) -> None:
    assert "database" in fresh.ok("init")
    key_file = fresh.data / "secret.key"
    key = key_file.read_text()
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    made = fresh.json("init", "--api-key", "first", "--scopes", "orders:read,stock:write")["api_key"]
    assert re.fullmatch(r"ohk_\w{10}_\S+", made["token"])
    assert made["scopes"] == ["orders:read", "stock:write"]
    again = fresh.json("init", "--api-key", "first")["api_key"]
    assert (again["prefix"], again["token"]) == (made["prefix"], None)
    assert key_file.read_text() == key
    (listed,) = fresh.json("keys", "list")
    assert listed["name"] == "first"
    assert made["token"] not in json.dumps(listed)


def test_init_prints_the_key_and_nothing_else(fresh: Hub) -> None:
    outcome = fresh.process("init", "--api-key", "script")
    assert re.fullmatch(r"ohk_\S+\n", outcome.stdout)
    assert "shown this once" in outcome.stderr


def test_real_processes_print_one_document_and_no_traceback(fresh: Hub) -> None:
    missing = fresh.process("orders", "list", "--json")
    assert (missing.returncode, json.loads(missing.stdout)["code"]) == (1, "schema_missing")
    assert missing.stderr.startswith("error: There is no database ")
    assert len(missing.stderr.splitlines()) == 1
    assert set(json.loads(fresh.process("init", "--json").stdout)) == {"data_dir", "key_file", "revision"}
    add = ("connection", "add", "mia", "--kind", "channel", "--plugin", "webhook", "--account", "mia-mugs", "--json")
    assert json.loads(fresh.process(*add).stdout)["mode"] == "observe"
    for command in (
        ("db", "current"),
        ("plugin", "list"),
        ("connection", "list"),
        ("keys", "list"),
        ("orders", "list"),
    ):
        outcome = fresh.process(*command, "--json")
        assert (outcome.returncode, outcome.stderr) == (0, ""), command
        json.loads(outcome.stdout)
    wrong = fresh.process("orders", "nosuch")
    assert (wrong.returncode, wrong.stdout) == (2, "")


def test_keys_are_made_and_revoked(hub: Hub) -> None:
    token = hub.ok("keys", "create", "partner", "--scopes", "orders:write").strip()
    prefix = token.split("_")[1]
    assert "resource:read" in hub.refused("keys", "create", "other", "--scopes", "everything")
    prague = ("keys", "create", "prague", "--scopes", "stock:write", "--location", "PRG")
    assert "There is no location 'PRG'" in hub.refused(*prague)
    assert hub.json("keys", "revoke", prefix)["revoked_at"] is not None
    assert "revoked already" in hub.refused("keys", "revoke", prefix)
    assert "There is no api key" in hub.refused("keys", "revoke", "nosuch")


def test_commands_say_what_to_run_on_a_database_that_does_not_fit(fresh: Hub) -> None:
    assert "hub init" in fresh.refused("orders", "list")
    assert not fresh.data.exists()
    fresh.ok("init")
    assert fresh.json("db", "check")["ok"] is True
    assert "Aborted" in fresh.refused("db", "downgrade", "base")
    fresh.ok("db", "downgrade", "base", "--yes")
    assert "hub db upgrade" in fresh.refused("orders", "list")
    assert "hub db upgrade" in fresh.refused("serve")
    assert "hub db upgrade" in fresh.refused("db", "check")
    assert fresh.json("db", "upgrade")["before"] is None
    have = fresh.json("db", "current")
    assert have["revision"] == have["head"]
    assert have["revision"] in [row["revision"] for row in fresh.json("db", "history")]
    assert "nosuch" in fresh.refused("db", "upgrade", "nosuch")


def test_a_wrong_environment_is_named_without_its_values(fresh: Hub) -> None:
    wrong = Hub(fresh.folder, {"ORDERHUB_PORT": "hunter2"})
    told = wrong.refused("orders", "list")
    assert "ORDERHUB_PORT" in told
    assert "hunter2" not in told
    elsewhere = Hub(fresh.folder, {"ORDERHUB_DATABASE_URL": "oracle://scott:tiger@db.example/x"})
    assert "postgresql://" in elsewhere.refused("db", "upgrade")
    away = Hub(fresh.folder, {"ORDERHUB_DATABASE_URL": f"postgresql://u:tiger@127.0.0.1:{free_port()}/x"})
    told = away.refused("db", "current")
    assert "ORDERHUB_DATABASE_URL" in told
    assert "tiger" not in told


def test_plugins_are_listed_and_a_broken_one_is_told_why(fresh: Hub) -> None:
    broken = Hub(fresh.folder, {"ORDERHUB_PLUGIN_MODULES": '["no_such_module"]'})
    states = {info["id"]: info["state"] for info in broken.json("plugin", "list")}
    assert states["webhook"] == states["rate_card"] == states["beancount"] == "active"
    assert states["no_such_module"] == "quarantined"
    assert "No module named" in broken.ok("plugin", "list")
    assert "secret" in broken.ok("plugin", "show", "webhook")
    assert "no plugin 'nosuch'" in broken.refused("plugin", "show", "nosuch")
    assert not fresh.data.exists()


def test_parse_needs_nothing_and_makes_nothing(fresh: Hub) -> None:
    (fresh.folder / "good.csv").write_text(ORDERS)
    (fresh.folder / "bad.csv").write_text("nothing;of;ours\n1;2;3\n")
    outcome = fresh.process("parse", "spreadsheet", "good.csv", "bad.csv", "--json")
    good, bad = json.loads(outcome.stdout)
    assert [document["number"] for document in good["documents"]] == ["S-1"]
    assert ["row 3" in fault["message"] for fault in good["faults"]] == [True]
    assert bad["refused"]["error"] == "Malformed"
    assert outcome.returncode == 1
    assert [line for line in outcome.stderr.splitlines() if line.startswith("error: bad.csv")]
    assert not fresh.data.exists()


@pytest.mark.fixtures
def test_parse_reads_every_shopify_document_as_its_golden_file_says(fresh: Hub, fixtures: Path) -> None:
    golden = REPOSITORY / "tests" / "plugins" / "channels" / "shopify" / "golden"
    folder = fixtures / "channels" / "shopify"
    sources = sorted(folder.glob("*/*.json"))
    reports = {report.pop("file"): report for report in fresh.json("parse", "shopify", *map(str, sources))}
    assert len(reports) == len(sources)
    for source in sources:
        expected = json.loads((golden / "__".join(source.relative_to(folder).parts)).read_text("utf-8"))
        assert reports[str(source)] == expected, source.name


def test_a_connection_is_added_changed_and_never_tells_its_secret(hub: Hub) -> None:
    (hub.folder / "settings.json").write_text(json.dumps({"secret": SECRET}))
    add = ("connection", "add", "mia", "--kind", "channel", "--plugin", "webhook", "--account", "mia-mugs")
    told = [hub.ok(*add, "--settings", "@settings.json", "--import-from", "2026-03-01")]
    assert "already" in hub.refused(*add)
    told.append(hub.ok("connection", "show", "mia", "--json"))
    shown = json.loads(told[-1])
    assert (shown["mode"], shown["has_secrets"], shown["settings"]) == ("observe", True, {})
    assert shown["import_from"] == "2026-03-01T00:00:00+00:00"
    assert hub.json("connection", "check", "mia")["ok"] is True
    changed = hub.json("connection", "set", "mia", "--mode", "live", "--settings", '{"tolerance_seconds": 60}')
    assert (changed["mode"], changed["version"], changed["has_secrets"]) == ("live", 2, True)
    assert hub.json("connection", "check", "mia")["ok"] is True, "the secret was kept"
    assert hub.json("connection", "rotate-secrets") == {"rotated": 1}
    assert "cannot be pulled" in hub.refused("connection", "pull", "mia")
    told.append(hub.ok("connection", "list"))
    told.append(hub.refused("connection", "add", "leo", *add[3:5], "--plugin", "webhok", "--account", "x"))
    assert "Did you mean 'webhook'?" in told[-1]
    assert "check_failed" not in "".join(told)
    assert SECRET not in "".join(told)


def test_a_check_that_fails_says_why(hub: Hub) -> None:
    hub.ok("connection", "add", "bare", "--kind", "channel", "--plugin", "webhook", "--account", "bare")
    outcome = hub.run("connection", "check", "bare", "--json")
    assert outcome.returncode == 1
    assert json.loads(outcome.stdout)["problems"]


def test_a_policy_that_cannot_be_used_is_a_usage_error_that_names_the_field(hub: Hub) -> None:
    add = ("connection", "add", "strict", "--kind", "channel", "--plugin", "webhook", "--account", "strict")
    assert "reviev: " in hub.refused(*add, "--policy", '{"reviev": {}}', status=2)
    hub.ok(*add, "--policy", '{"review": {"max_lines": 5}}')
    told = hub.refused("connection", "set", "strict", "--policy", '{"review": {"max_lines": 0}}', status=2)
    assert "review/max_lines: " in told
    assert hub.json("connection", "show", "strict")["policy"] == {"review": {"max_lines": 5}}


def test_a_live_connection_with_history_begins_now(hub: Hub) -> None:
    files = ("connection", "add", "files", "--kind", "channel", "--plugin", "spreadsheet", "--account", "partner")
    hub.ok(*files)
    assert hub.json("connection", "show", "files")["import_from"] is None
    assert hub.json("connection", "set", "files", "--mode", "live")["import_from"] is not None


def pulled(hub: Hub) -> dict[str, Any]:
    """The one good order of the folder, brought in by commands alone."""
    connect_folder(hub)
    hub.ok("connection", "pull", "files")
    assert hub.json("worker", "--until-done")["jobs"] >= 2
    (order,) = hub.json("orders", "list")
    return dict(order)


def test_orders_are_read_held_released_and_cancelled(hub: Hub) -> None:
    order = pulled(hub)
    assert (order["number"], order["grand_total"], order["currency"]) == ("S-1", None, "EUR")
    assert "sku_unknown" in order["holds"]
    assert hub.json("orders", "list", "--hold", "sku_unknown") == [order]
    assert hub.json("orders", "list", "--sku", "NOSUCH") == []
    shown = hub.json("orders", "show", "S-1")
    assert [(line["sku"], line["ordered"]) for line in shown["lines"]] == [("MUG-BLUE", 2)]
    assert shown["document"]["ship_to"]["city"] == "Berlin"
    hub.ok("orders", "hold", "S-1", "--message", "ask the buyer", "--reason", "ask")
    assert "ask" in hub.json("orders", "show", "S-1")["holds"]
    assert hub.json("orders", "release", "S-1", "--reasons", "ask")[0]["free"] is False
    assert hub.json("orders", "release", order["order_id"])[0]["free"] is True
    hub.ok("worker", "--until-done")
    assert "no_stock" in hub.ok("routing", "why", "S-1")
    assert hub.json("routing", "why", "S-1", "--not", "W1")["explanation"] == ["W1 was not among the candidates (none)"]
    assert "name the location once" in hub.refused("routing", "why", "S-1", "W1", "--not", "W1", status=2)
    (hub.folder / "hold.yaml").write_text(
        "sourcing:\n  - {id: h, name: Hold, then: [{action: on_unfillable, do: hold}]}\n"
    )
    tried = hub.json("routing", "backtest", "hold.yaml", "--last", "5")
    assert (tried["before"]["unfillable"], tried["after"]["needs_person"], tried["reproduced"]) == (1, 1, 1)
    assert "1 of 1 orders would have been sent otherwise" in hub.ok("routing", "backtest", "hold.yaml")
    assert "no rule set '7'" in hub.refused("routing", "backtest", "7")
    assert hub.json("routing", "list") == []
    assert hub.json("orders", "cancel", "S-1", "--reason", "buyer asked")[0]["cancelled"] is True
    kinds = [event["kind"] for event in hub.json("orders", "timeline", "S-1")]
    assert kinds[0] == "order.accepted"
    assert kinds[-1] == "order.cancelled"
    assert "only open orders" in hub.refused("orders", "hold", "S-1", "--message", "too late")
    assert "no order 'S-9'" in hub.refused("orders", "show", "S-9")


def test_a_blocked_message_is_replayed_after_its_difference_was_shown(hub: Hub) -> None:
    pulled(hub)
    dry = hub.json("replay", "--connection", "files", "--dry-run")
    assert dry["selected"] >= 1
    assert dry["replayed"] == 0
    assert {difference["outcome"] for difference in dry["differences"]} <= {"same", "facts", "still_blocked"}
    assert "same" in hub.ok("replay", "--connection", "files", "--state", "applied", "--yes")
    hub.ok("worker", "--until-done")
    assert len(hub.json("orders", "list")) == 1
    assert hub.json("replay", "--plugin", "webhook", "--dry-run")["selected"] == 0
    assert hub.json("replay", "--until", "2026-01-01", "--dry-run")["selected"] == 0
    assert "Say which messages" in hub.refused("replay", "--dry-run", status=2)


def test_products_and_stock_come_from_tables_and_every_fault_is_told(hub: Hub) -> None:
    (hub.folder / "products.csv").write_text("sku,name,grams\nMUG-BLUE,Blue mug,350\nMUG-RED,,x\n")
    told = hub.refused("products", "import", "products.csv")
    assert "row 3, column name" in told
    assert "row 3, column grams" in told
    assert hub.json("products", "list") == []
    done = hub.json("products", "import", "products.csv", "--skip-faulty")
    assert (done["added"], len(done["faults"])) == (["MUG-BLUE"], 2)
    hub.ok("products", "add", "MUG-RED", "Red mug", "--grams", "350")
    assert [product["sku"] for product in hub.json("products", "list", "MUG")] == ["MUG-BLUE", "MUG-RED"]
    assert "There is no location 'BER'" in hub.refused("stock", "set", "BER", "MUG-BLUE", "5")
    assert "no quantity" in hub.refused("stock", "set", "BER", "MUG-BLUE", "many", status=2)
    assert hub.json("stock", "list") == []


def test_a_location_is_added_as_over_the_api_and_refused_as_there(hub: Hub) -> None:
    assert hub.json("stock", "location", "add", "BER", "Berlin", "--rank", "2")["rank"] == 2
    assert "There is a location 'BER' already" in hub.refused("stock", "location", "add", "BER", "Berlin")
    told = hub.refused("stock", "location", "add", "B R", "Berlin", "--kind", "shed", "--more", '{"latitude": 91}')
    assert all(pointer in told for pointer in ("#/code", "#/kind", "#/latitude"))
    assert [one["code"] for one in hub.json("stock", "location", "list")] == ["BER"]


def test_rules_are_activated_whole_or_not_at_all(hub: Hub) -> None:
    (hub.folder / "bad.yaml").write_text("sourcing:\n  - {id: near, name: Near, then: [{action: nosuch}]}\n")
    assert "/sourcing/0/then/0" in hub.refused("routing", "activate", "bad.yaml")
    (hub.folder / "broken.yaml").write_text("sourcing: [\n")
    assert "broken.yaml, line" in hub.refused("routing", "activate", "broken.yaml")
    assert hub.json("routing", "list") == []
    (hub.folder / "good.yaml").write_text("sourcing: []\n")
    assert hub.json("routing", "activate", "good.yaml", "--comment", "none")["state"] == "active"
    (hub.folder / "next.yaml").write_text("courier: []\n")
    hub.ok("routing", "activate", "next.yaml")
    assert hub.json("routing", "activate", "1")["version"] == 1


def test_jobs_and_cases_are_listed(hub: Hub) -> None:
    assert hub.json("jobs", "list") == []
    assert hub.json("cases", "list") == []
    assert "no job '7'" in hub.refused("jobs", "retry", "7")
    counted = hub.json("jobs", "retry", "--class", "Rejected", "--since", "2026-01-01", "--dry-run")
    assert counted == {"dry_run": True, "matched": 0, "by_error_class": {}, "retried": 0}
    assert "No parked job fits" in hub.ok("jobs", "retry", "--parked")
    assert "by --class" in hub.refused("jobs", "retry", "7", "--parked", status=2)
    figures = hub.json("jobs", "top")
    assert (figures["queues"], figures["in_doubt"], figures["blocked"]) == ([], 0, [])
    assert "blocked connections: none" in hub.ok("jobs", "top")
    assert "no case 'nosuch'" in hub.refused("cases", "resolve", "nosuch", "--resolution", "done")


def test_what_was_parked_is_tried_again_by_its_reason(hub: Hub) -> None:
    [file] = hub.data.glob("*.sqlite3")
    with closing(sqlite3.connect(file)) as database, database:
        database.executemany(
            "INSERT INTO jobs (queue, kind, lane, idem_key, args, state, due_at, created_at, error_class, attempts) "
            "VALUES ('bulk', 'house.keeping', ?, ?, '{}', 'parked', ?, ?, ?, 20)",
            [(name, name, STOPPED, STOPPED, name) for name in ("Rejected", "Bug")],
        )
    [queue] = hub.json("jobs", "top")["queues"]
    assert (queue["queue"], queue["parked"], queue["ready"], queue["oldest_seconds"]) == ("bulk", 2, 0, None)
    chosen = ("jobs", "retry", "--class", "Bug", "--until", "2026-01-02")
    assert hub.json(*chosen, "--dry-run")["by_error_class"] == {"Bug": 1}
    assert hub.json(*chosen)["retried"] == 1
    assert hub.json(*chosen)["matched"] == 0
    assert "1 jobs are tried again" in hub.ok("jobs", "retry", "--parked")
    assert [job["attempts"] for job in hub.json("jobs", "list", "--state", "ready")] == [0, 0]
