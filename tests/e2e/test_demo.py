"""`hub demo`: a day in which the server is killed, with its books compared and tampered with, and one on PostgreSQL.

One day is one test, although much is asserted of it: parallel workers would else run it once each. The day of somebody
who installed the wheel, in which nothing is killed, is in `test_packaging.py`.
"""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from hub.cli.demo_compare import compare
from hub.cli.demo_evidence import read_evidence
from tests.e2e.installation import Installation
from tests.peers import beancount_tool

HUB = [sys.executable, "-c", "from hub.cli.main import run; run()"]
LONGEST = 600
KINDS = {
    "repeated_webhook", "sent_under_new_id", "late_edit", "cancelled_before_order", "unknown_sku", "totals_mismatch",
    "undeliverable_address", "hot_sku", "three_way_split", "two_way_split", "duplicate_looking", "faulty_row",
}  # fmt: skip


def start_demo(folder: Path) -> subprocess.Popen[bytes]:
    command = [*HUB, "demo", "--data-dir", str(folder), "--json"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ORDERHUB_")}
    with (folder.parent / f"{folder.name}.json").open("wb") as answer:
        return subprocess.Popen(command, stdout=answer, env=environment)


def report_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder.parent / f"{folder.name}.json").read_bytes())
    return found


def failed(folder: Path) -> set[str]:
    return {check.name for check in compare(read_evidence(folder), folder) if not check.ok}


def expect_a_whole_day(folder: Path) -> None:
    report = report_of(folder)
    orders = report["orders"]
    assert report["ok"]
    assert all(check["ok"] for check in report["checks"])
    assert len(report["checks"]) == 13
    assert orders["sent"] >= 300
    assert orders["accepted"] == orders["sent"] - orders["left_out_for_a_faulty_row"]
    assert set(report["scenarios"]) >= KINDS
    assert orders["split_3_ways"] == 1
    assert orders["waiting_for_stock"]
    assert len(orders["waited_until_more_came"]) > len(orders["waiting_for_stock"])
    assert {"sku_unknown", "totals_mismatch", "postal_code_invalid"} <= set(orders["held"])
    assert len(report["timelines"]) == 3
    assert report["cases"]
    assert report["parcels"]["freight_minor"] > 0
    assert set(report["documents"]) == {"sales_order", "delivery", "invoice", "payment"}


def expect_the_scenarios(folder: Path) -> None:
    scenarios = report_of(folder)["scenarios"]
    [edited] = scenarios["late_edit"]
    assert edited["total_minor"] == edited["totals_minor"][-1] != edited["totals_minor"][0]
    assert {order["phase"] for order in scenarios["cancelled_before_order"]} == {"cancelled"}
    assert {order["phase"] for order in scenarios["faulty_row"]} == {"not an order"}
    assert scenarios["three_way_split"][0]["locations"] == ["EAST", "MID", "WEST"]


def expect_a_ledger_that_beancount_reads(folder: Path) -> None:
    checked = subprocess.run(
        [beancount_tool("bean-check"), folder / "ledger" / "main.beancount"], capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr.decode()


def expect_a_label_that_others_read(folder: Path) -> None:
    evidence = read_evidence(folder)
    shipment = evidence.handed_over[-1]
    [label] = (folder / "labels").glob(f"*{shipment.shipment_id[-12:]}-1.pdf")
    text = re.sub(r"\s", "", PdfReader(label).pages[0].extract_text())
    assert shipment.tracking_numbers[0] in text


def change_ledger(folder: Path) -> None:
    [book] = (folder / "ledger" / "books").glob("2*.beancount")
    text = book.read_text()
    found = re.search(r"kind: \"invoice\"(?:.|\n)*?(Assets:Receivable +)(\d+)\.", text)
    assert found is not None
    book.write_text(f"{text[: found.start(2)]}{int(found[2]) + 1}{text[found.end(2) :]}")


def repeat_document(folder: Path) -> None:
    [book] = (folder / "ledger" / "books").glob("2*.beancount")
    with book.open("a") as stream:
        stream.write(next(part for part in book.read_text().split("\n\n") if 'kind: "payment"' in part) + "\n\n")


def drop_label(folder: Path) -> None:
    min((folder / "labels").glob("#*.pdf"), default=min((folder / "labels").iterdir())).unlink()


def cut_label(folder: Path) -> None:
    label = max((folder / "labels").iterdir())
    label.write_bytes(label.read_bytes()[:-200])


def edit_evidence(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        document = json.loads((folder / "evidence.json").read_bytes())
        change(document)
        (folder / "evidence.json").write_text(json.dumps(document))

    return edit


def double_order(document: dict[str, Any]) -> None:
    document["orders"].append({**document["orders"][0], "order_id": "another"})


def lose_order(document: dict[str, Any]) -> None:
    document["orders"].pop()


def oversell(document: dict[str, Any]) -> None:
    level = document["levels"][0]
    level["reserved"] = level["on_hand"] + 1


def lose_stock(document: dict[str, Any]) -> None:
    document["levels"][3]["on_hand"] -= 1


def tell_twice(document: dict[str, Any]) -> None:
    document["portal_told"].append(document["portal_told"][0])


def tell_nothing(document: dict[str, Any]) -> None:
    document["shop_told"].pop()


def lose_message(document: dict[str, Any]) -> None:
    document["kept"].pop(document["acknowledged"][5]["message_ids"][0])


TAMPERED = (
    (change_ledger, "invoices are goods that left, and charges"),
    (change_ledger, "each document once, and balanced"),
    (repeat_document, "each document once, and balanced"),
    (drop_label, "one label a parcel"),
    (cut_label, "one label a parcel"),
    (edit_evidence(double_order), "each order exactly once, with its total"),
    (edit_evidence(lose_order), "each order exactly once, with its total"),
    (edit_evidence(oversell), "nothing is oversold"),
    (edit_evidence(lose_stock), "stock is what came in less what left"),
    (edit_evidence(tell_twice), "the dealer portal was told"),
    (edit_evidence(tell_nothing), "the shop was told"),
    (edit_evidence(lose_message), "what was acknowledged is kept"),
)


def expect_that_tampering_is_found(folder: Path, copies: Path) -> None:
    assert failed(folder) == set()
    for number, (tamper, found_by) in enumerate(TAMPERED):
        copy = copies / str(number)
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("hub.sqlite3*"))
        tamper(copy)
        assert found_by in failed(copy), f"{found_by} did not see case {number}"


@pytest.mark.postgres
def test_the_day_on_postgresql_from_the_wheel(
    installation: Installation, postgres_url: str, tmp_path: Path
) -> None:  # fmt: skip
    folder = tmp_path / "demo"
    command = [str(installation.hub), "demo", "--data-dir", str(folder), "--json"]
    environment = installation.environment({"ORDERHUB_DATABASE_URL": postgres_url})
    with (tmp_path / "demo.json").open("wb") as answer:
        done = subprocess.run(
            command, cwd=tmp_path, stdout=answer, env=environment, check=False, timeout=LONGEST
        )  # fmt: skip
    assert done.returncode == 0, (folder / "server.log").read_text()
    expect_a_whole_day(folder)
    assert not (folder / "hub.sqlite3").exists()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    refused = subprocess.run(
        [*HUB, "demo", "--data-dir", str(tmp_path), "--json"], capture_output=True, check=False, timeout=60
    )
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["code"] == "not_a_demo_folder"
    assert (tmp_path / "precious.txt").read_text() == "mine"


def messages(folder: Path) -> int:
    if not (folder / "server.json").exists():
        return 0
    with closing(sqlite3.connect(f"file:{folder / 'hub.sqlite3'}?mode=ro", uri=True)) as database:
        return int(database.execute("SELECT count(*) FROM inbound_messages").fetchone()[0])


def labels(folder: Path) -> int:
    return len(list((folder / "labels").glob("*.pdf"))) if (folder / "labels").exists() else 0


def server_pid(folder: Path) -> int:
    return int(json.loads((folder / "server.json").read_text())["pid"])


def wait_for(reached: Callable[[], bool], demo: subprocess.Popen[bytes]) -> None:
    pause = threading.Event()
    while not reached():
        assert demo.poll() is None, "the demo ended too early"
        pause.wait(0.02)


def moments(folder: Path) -> Iterator[Callable[[], bool]]:
    """While orders come in, while labels are bought, and while parcels leave."""
    yield lambda: messages(folder) >= 60
    yield lambda: labels(folder) >= 30
    yield lambda: labels(folder) >= 200


def test_the_day_although_the_server_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    demo = start_demo(folder)
    killed = []
    for reached in moments(folder):
        wait_for(reached, demo)
        wait_for(lambda: server_pid(folder) not in killed, demo)
        killed.append(server_pid(folder))
        os.kill(killed[-1], signal.SIGKILL)
    assert demo.wait(timeout=LONGEST) == 0, json.dumps(report_of(folder)["checks"])
    report = report_of(folder)
    assert report["restarts"] == 3
    assert len(set(killed)) == 3
    assert report["orders"]["accepted"] == 316
    expect_a_whole_day(folder)
    expect_the_scenarios(folder)
    expect_a_label_that_others_read(folder)
    expect_that_tampering_is_found(folder, tmp_path / "copies")
    expect_a_ledger_that_beancount_reads(folder)
