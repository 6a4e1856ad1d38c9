"""Write the demo's trading day: `python examples/demo/make_day.py`. Needs the `dev` extra (openpyxl); same seed, same day."""

import csv
import io
import json
import random
import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from openpyxl import Workbook

FOLDER = Path(__file__).parent
SEED = 20261122
SHOP_ORDERS, PORTAL_ORDERS, PARTNER_ORDERS = 48, 150, 30
"""Orders of the shop, of the portal, and of each of the four partner files: 318 in all."""
DAY = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)

PRODUCTS = [
    ("MUG-BLUE", "Blue mug", 1250, 380), ("MUG-RED", "Red mug", 1250, 380), ("MUG-SET4", "Mug set of four", 4400, 1600),
    ("TEA-GREEN", "Green tea 100 g", 690, 120), ("TEA-BLACK", "Black tea 100 g", 590, 120),
    ("TEA-MINT", "Mint tea 80 g", 550, 100), ("POT-GLASS", "Glass teapot", 2990, 900), ("POT-IRON", "Iron teapot", 5490, 2100),
    ("TRAY-OAK", "Oak tray", 3400, 1100), ("TRAY-ASH", "Ash tray, serving", 2890, 950), ("SPOON-6", "Six spoons", 1490, 260),
    ("NAPKIN-LINEN", "Linen napkins, 4", 1990, 220), ("CANDLE-S", "Candle, small", 790, 200), ("CANDLE-L", "Candle, large", 1590, 520),
    ("HONEY-500", "Honey 500 g", 890, 720), ("JAM-CHERRY", "Cherry jam 340 g", 640, 560), ("BOOK-TEA", "The book of tea", 2250, 640),
    ("CARD-BDAY", "Birthday card", 390, 20), ("LAMP-GLOW", "Glow lamp (limited)", 7900, 1400), ("BASKET-M", "Gift basket, medium", 2750, 800),
    ("CHAIR-EAST", "Garden chair, eastern series", 8900, 4200), ("TABLE-MID", "Side table, prairie series", 11900, 6100),
    ("SHADE-WEST", "Sun shade, pacific series", 6900, 3300),
]  # fmt: skip
ORDINARY = PRODUCTS[:18] + PRODUCTS[19:20]
PRICE = {sku: price for sku, _, price, _ in PRODUCTS}
NAME = {sku: name for sku, name, _, _ in PRODUCTS}
GRAMS = {sku: grams for sku, _, _, grams in PRODUCTS}
LOCATIONS = [
    ("EAST", "Newark warehouse", "Newark", "NJ", "07114", 40.7357, -74.1724, "America/New_York", "16:00"),
    ("MID", "Dallas warehouse", "Dallas", "TX", "75212", 32.7767, -96.7970, "America/Chicago", "15:00"),
    ("WEST", "Reno warehouse", "Reno", "NV", "89502", 39.5296, -119.8138, "America/Los_Angeles", "15:30"),
]
CITIES = [
    ("New York", "NY", "10025"), ("Boston", "MA", "02118"), ("Philadelphia", "PA", "19104"), ("Atlanta", "GA", "30309"),
    ("Miami", "FL", "33130"), ("Chicago", "IL", "60614"), ("Dallas", "TX", "75204"), ("Houston", "TX", "77006"),
    ("St. Louis", "MO", "63104"), ("Minneapolis", "MN", "55408"), ("Denver", "CO", "80211"), ("Phoenix", "AZ", "85016"),
    ("Los Angeles", "CA", "90026"), ("San Francisco", "CA", "94110"), ("Portland", "OR", "97214"), ("Seattle", "WA", "98103"),
]  # fmt: skip
FIRST = [
    "Ada",
    "Bea",
    "Carl",
    "Dana",
    "Eli",
    "Fay",
    "Gus",
    "Hana",
    "Ivan",
    "Joy",
    "Kim",
    "Lee",
    "Mia",
    "Noor",
    "Otto",
    "Pia",
]
LAST = [
    "Alder",
    "Birch",
    "Cole",
    "Dunn",
    "Ellis",
    "Ford",
    "Gray",
    "Holt",
    "Iver",
    "Jones",
    "Kerr",
    "Lund",
    "Moss",
    "Nash",
]
STREETS = [
    "Maple Street",
    "Oak Avenue",
    "Pine Road",
    "Cedar Lane",
    "Elm Court",
    "Birch Way",
    "Lake Drive",
    "Hill Street",
]


class Day:
    """The seeded source of the day's orders; `minute` counts the time of placing."""

    def __init__(self) -> None:
        self.random = random.Random(SEED)
        self.minute = 0

    def placed(self) -> datetime:
        self.minute += self.random.randint(0, 2)
        return DAY + timedelta(minutes=self.minute, seconds=self.random.randint(0, 59))

    def person(self) -> dict[str, str]:
        city, region, code = self.random.choice(CITIES)
        first, last = self.random.choice(FIRST), self.random.choice(LAST)
        return {
            "first": first, "last": last, "street": f"{self.random.randint(2, 980)} {self.random.choice(STREETS)}",
            "city": city, "region": region, "code": code, "phone": f"+1 212 555 01{self.random.randint(10, 99)}",
            "email": f"{first}.{last}{self.random.randint(1, 999)}@example.com".lower(),
        }  # fmt: skip

    def basket(self) -> list[tuple[str, int]]:
        count = self.random.choices((1, 2, 3, 4), (4, 4, 2, 1))[0]
        return [(sku, self.random.randint(1, 3)) for sku, _, _, _ in self.random.sample(ORDINARY, count)]


class Book:
    """What the senders know of their own orders: `book.json`, against which the demo compares what the hub did."""

    def __init__(self) -> None:
        self.orders: dict[tuple[str, str], dict] = {}

    def shop(self, order: dict, kind: str | None) -> None:
        self._add(
            "shop", str(order["id"]), order["name"], kind, total=cents(order["total_price"]), paid=True,
            cancelled=order["cancelled_at"] is not None, shipping=cents(order["shipping_lines"][0]["price"]),
            lines=[(str(line["id"]), line["sku"], line["quantity"], cents(line["price"])) for line in order["line_items"]],
        )  # fmt: skip

    def portal(self, data: dict, kind: str | None, *, cancelled: bool) -> None:
        lines = [(line["id"], line["sku"], line["quantity"], cents(line["unit_price"])) for line in data["lines"]]
        self._add(
            "portal",
            data["id"],
            data["number"],
            kind,
            total=cents(data["grand_total"]),
            lines=lines,
            cancelled=cancelled,
        )

    def partner(self, connection: str, order: dict, kind: str | None) -> None:
        lines = [(str(number), sku, quantity, PRICE[sku]) for number, (sku, quantity) in enumerate(order["lines"], 1)]
        self._add(
            connection, order["number"], order["number"], kind, total=order["total"], lines=lines, faulty=order["bad"]
        )

    def _add(
        self, connection: str, external_id: str, number: str, kind: str | None, *, total: int, lines: list[tuple],
        paid: bool = False, cancelled: bool = False, faulty: bool = False, shipping: int = 0,
    ) -> None:  # fmt: skip
        before = self.orders.get((connection, external_id), {"totals_minor": []})["totals_minor"]
        self.orders[connection, external_id] = {
            "connection": connection, "external_id": external_id, "number": number, "kind": kind,
            "totals_minor": before if total in before else [*before, total], "shipping_minor": shipping, "paid": paid,
            "cancelled": cancelled, "faulty": faulty,
            "lines": [{"id": key, "sku": sku, "quantity": quantity, "unit_minor": unit} for key, sku, quantity, unit in lines],
        }  # fmt: skip


def dollars(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def cents(text: str) -> int:
    return int(text.replace(".", ""))


def shop_order(day: Day, index: int, basket: list[tuple[str, int]] | None = None) -> dict:
    """One order as Shopify's REST documents state it."""
    person, placed = day.person(), day.placed()
    lines = basket or day.basket()
    subtotal = sum(PRICE.get(sku, 1000) * quantity for sku, quantity in lines)
    shipping = 0 if subtotal > 7500 else 595
    address = {
        "first_name": person["first"], "last_name": person["last"], "name": f"{person['first']} {person['last']}",
        "address1": person["street"], "address2": None, "city": person["city"], "province": person["region"],
        "province_code": person["region"], "zip": person["code"], "country": "United States", "country_code": "US",
        "phone": person["phone"],
    }  # fmt: skip
    order_id = 5_400_000_000_000 + index
    money = {"amount": dollars(shipping), "currency_code": "USD"}
    return {
        "id": order_id, "name": f"#S{1000 + index}", "order_number": 1000 + index, "email": person["email"],
        "created_at": placed.isoformat(), "updated_at": placed.isoformat(), "cancelled_at": None, "cancel_reason": None,
        "currency": "USD", "financial_status": "paid", "fulfillment_status": None, "test": False, "taxes_included": False,
        "subtotal_price": dollars(subtotal), "total_discounts": "0.00", "total_tax": "0.00",
        "total_shipping_price_set": {"shop_money": money, "presentment_money": money},
        "total_price": dollars(subtotal + shipping), "tags": "", "note": None, "source_name": "web",
        "customer": {
            "id": 7_000_000 + index, "first_name": person["first"], "last_name": person["last"], "email": person["email"],
        },
        "shipping_address": address, "billing_address": address,
        "shipping_lines": [
            {
                "id": order_id + 7, "code": "STANDARD", "title": "Standard", "price": dollars(shipping),
                "discounted_price": dollars(shipping), "tax_lines": [],
            }
        ],
        "line_items": [
            {
                "id": order_id * 10 + number, "sku": sku, "title": NAME.get(sku, "A thing of old"),
                "name": NAME.get(sku, "A thing of old"), "quantity": quantity, "current_quantity": quantity,
                "price": dollars(PRICE.get(sku, 1000)), "grams": GRAMS.get(sku, 100), "requires_shipping": True,
                "taxable": False, "total_discount": "0.00", "discount_allocations": [], "tax_lines": [], "properties": [],
            }
            for number, (sku, quantity) in enumerate(lines, 1)
        ],
        "refunds": [], "fulfillments": [],
    }  # fmt: skip


def shop(day: Day, book: Book) -> list[dict]:
    """Webhooks of the shop, in the order of sending: creations, repeats, a late edit, a cancellation before its order."""
    baskets = {number: [("LAMP-GLOW", 1)] for number in range(5, 45, 5)}
    baskets[17] = [("CHAIR-EAST", 1), ("TABLE-MID", 1), ("SHADE-WEST", 1)]
    baskets[23] = [("OLD-SKU-9", 1), ("TEA-MINT", 2)]
    orders = {index: shop_order(day, index, baskets.get(index)) for index in range(1, SHOP_ORDERS + 1)}
    orders[31]["total_price"] = dollars(cents(orders[31]["total_price"]) + 100)
    orders[44]["shipping_address"] |= {"zip": "ABC", "address1": "", "city": ""}
    _ordered_twice(orders[27], orders[28])
    kinds = {17: "three_way_split", 22: "late_edit", 23: "unknown_sku", 28: "duplicate_looking", 31: "totals_mismatch",
             36: "cancelled_before_order", 44: "undeliverable_address", 12: "repeated_webhook", 14: "sent_under_new_id"}  # fmt: skip
    for index, order in orders.items():
        book.shop(order, kinds.get(index))
    hooks = [{"id": f"wh-{index:04d}", "topic": "orders/create", "order": order} for index, order in orders.items()]
    edited = _edited(orders[22])
    book.shop(edited, "late_edit")
    cancelled = _cancelled(orders[36])
    book.shop(cancelled, "cancelled_before_order")
    late = hooks.pop(35)
    hooks.insert(42, late)
    hooks.insert(34, {"id": "wh-0901", "topic": "orders/cancelled", "order": cancelled})
    hooks.insert(40, {"id": "wh-0902", "topic": "orders/updated", "order": edited})
    hooks.insert(20, {"id": "wh-0903", "topic": "orders/create", "order": orders[14]})
    hooks.insert(16, hooks[11])
    return hooks


def _ordered_twice(first: dict, second: dict) -> None:
    """The buyer pressed the button twice: another number, the same everything else."""
    kept = {name: second[name] for name in ("id", "name", "order_number", "created_at", "updated_at")}
    second |= json.loads(json.dumps(first)) | kept
    for number, line in enumerate(second["line_items"], 1):
        line["id"] = second["id"] * 10 + number


def _edited(order: dict) -> dict:
    edited = json.loads(json.dumps(order))
    line = edited["line_items"][0]
    line["quantity"] += 1
    line["current_quantity"] += 1
    more = PRICE[line["sku"]]
    for field in ("subtotal_price", "total_price"):
        edited[field] = dollars(cents(edited[field]) + more)
    edited["updated_at"] = (datetime.fromisoformat(order["updated_at"]) + timedelta(minutes=30)).isoformat()
    return edited


def _cancelled(order: dict) -> dict:
    moment = (datetime.fromisoformat(order["updated_at"]) + timedelta(minutes=5)).isoformat()
    return json.loads(json.dumps(order)) | {"cancelled_at": moment, "cancel_reason": "customer", "updated_at": moment}


def portal(day: Day, book: Book) -> list[dict]:
    """Signed events of a dealer portal, with a cancellation that comes before its order and one of a known order."""
    baskets = {number: [("LAMP-GLOW", 1)] for number in range(15, 150, 15)}
    baskets |= {33: [("CHAIR-EAST", 1), ("SHADE-WEST", 2)], 77: [("TABLE-MID", 1), ("CHAIR-EAST", 1)]}
    kinds = {
        12: "cancelled",
        33: "two_way_split",
        40: "cancelled_before_order",
        60: "duplicate_looking",
        77: "two_way_split",
    }
    events = []
    for index in range(1, PORTAL_ORDERS + 1):
        person, lines, placed = day.person(), baskets.get(index) or day.basket(), day.placed().isoformat()
        name = f"{person['first']} {person['last']}"
        data = {
            "id": f"P-{index:04d}", "number": f"P-{index:04d}", "placed_at": placed, "currency": "USD",
            "buyer": {"name": name, "email": person["email"]},
            "ship_to": {
                "name": name, "company": f"{person['last']} & Co.", "lines": [person["street"]], "city": person["city"],
                "region": person["region"], "postal_code": person["code"], "country": "US", "phone": person["phone"],
            },
            "lines": [
                {
                    "id": str(number), "sku": sku, "name": NAME[sku], "quantity": quantity,
                    "unit_price": dollars(PRICE[sku]), "total": dollars(PRICE[sku] * quantity),
                }
                for number, (sku, quantity) in enumerate(lines, 1)
            ],
            "grand_total": dollars(sum(PRICE[sku] * quantity for sku, quantity in lines)),
            "payment": {"state": "on_credit", "method": "invoice"},
        }  # fmt: skip
        if index == 60:  # the dealer sends the same goods to the same address once more
            data |= {name: events[58]["data"][name] for name in ("buyer", "ship_to", "lines", "grand_total")}
        book.portal(data, kinds.get(index), cancelled=index in (12, 40))
        events.append({"type": "order.upserted", "data": data})
    cancelled_first = {
        "type": "order.cancelled",
        "data": {"id": "C-1", "order_id": "P-0040", "reason": "ordered twice"},
    }
    cancelled_later = {
        "type": "order.cancelled",
        "data": {"id": "C-2", "order_id": "P-0012", "reason": "dealer withdrew"},
    }
    events.insert(30, cancelled_first)
    events.insert(14, cancelled_later)
    return [{"id": f"msg-{number:04d}", **event} for number, event in enumerate(events, 1)]


def partner_orders(
    day: Day, connection: str, prefix: str, book: Book, special: dict[int, list[tuple[str, int]]], bad: int
) -> list[dict]:
    """Orders of one file; the one with the number `bad` has a faulty row."""
    orders = []
    for index in range(1, PARTNER_ORDERS + 1):
        person, placed, lines = day.person(), day.placed(), special.get(index) or day.basket()
        total = sum(PRICE[sku] * quantity for sku, quantity in lines)
        number = f"{prefix}{index:03d}"
        orders.append(
            {"number": number, "placed": placed, "person": person, "lines": lines, "total": total, "bad": index == bad}
        )
        split = any(sku == "CHAIR-EAST" for sku, _ in lines)
        kind = "faulty_row" if index == bad else "two_way_split" if split else None
        book.partner(connection, orders[-1], kind)
    return orders


def north(day: Day, book: Book) -> None:
    """Semicolons, decimal commas, day first, German headings: files of a partner who writes them by hand."""
    special = {10: [("LAMP-GLOW", 1)], 20: [("LAMP-GLOW", 1)], 25: [("CHAIR-EAST", 1), ("TABLE-MID", 1)]}
    headings = [
        "Bestellung",
        "Datum",
        "Name",
        "Strasse",
        "Ort",
        "Staat",
        "PLZ",
        "Land",
        "Artikel",
        "Menge",
        "Einzelpreis",
        "Summe",
    ]
    for part, prefix, bad in ((1, "NA", 0), (2, "NB", 7)):
        with (FOLDER / "day" / f"north-{part}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, delimiter=";", lineterminator="\r\n")
            writer.writerow(headings)
            for order in partner_orders(day, "north", prefix, book, special, bad):
                person = order["person"]
                for sku, quantity in order["lines"]:
                    writer.writerow([
                        order["number"], order["placed"].strftime("%d.%m.%Y"), f"{person['first']} {person['last']}",
                        person["street"], person["city"], person["region"], person["code"], "US", sku,
                        "two" if order["bad"] else quantity, dollars(PRICE[sku]).replace(".", ","),
                        dollars(order["total"]).replace(".", ","),
                    ])  # fmt: skip


def harbor(day: Day, book: Book) -> None:
    """Workbooks with other columns; one order lacks a quantity."""
    special = {8: [("LAMP-GLOW", 1)], 16: [("LAMP-GLOW", 1)]}
    headings = [
        "PO",
        "Ordered on",
        "Ship to",
        "Address",
        "Town",
        "State",
        "Zip",
        "Item",
        "Qty",
        "Price each",
        "Order total",
    ]
    for part, prefix, bad in ((1, "HX", 0), (2, "HY", 4)):
        workbook = Workbook()
        sheet = workbook.active
        sheet.title = "Orders"
        sheet.append(headings)
        for order in partner_orders(day, "harbor", prefix, book, special, bad):
            person = order["person"]
            for sku, quantity in order["lines"]:
                sheet.append([
                    order["number"], order["placed"].date(), f"{person['first']} {person['last']}", person["street"],
                    person["city"], person["region"], person["code"], sku, None if order["bad"] else quantity,
                    PRICE[sku] / 100, order["total"] / 100,
                ])  # fmt: skip
        _write_workbook(workbook, FOLDER / "day" / f"harbor-{part}.xlsx")


def _write_workbook(workbook: Workbook, path: Path) -> None:
    """The same sheet gives the same bytes: a workbook holds the times of its making, in itself and in its ZIP."""
    workbook.properties.created = DAY.replace(tzinfo=None)
    made = io.BytesIO()
    workbook.save(made)
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2026-11-20T13:00:00Z", content)
            target.writestr(zipfile.ZipInfo(entry.filename, (2026, 11, 20, 13, 0, 0)), content, zipfile.ZIP_DEFLATED)


def master() -> dict[str, object]:
    stock = {sku: {code: 400 for code, *_ in LOCATIONS} for sku, *_ in PRODUCTS}
    stock["LAMP-GLOW"] = {"EAST": 8, "MID": 6, "WEST": 6}
    for sku, code in (("CHAIR-EAST", "EAST"), ("TABLE-MID", "MID"), ("SHADE-WEST", "WEST")):
        stock[sku] = {code: 40}
    return {
        "products": [{"sku": sku, "name": name, "grams": grams} for sku, name, _, grams in PRODUCTS],
        "locations": [
            {
                "code": code, "name": name, "latitude": latitude, "longitude": longitude,
                "address": {"name": name, "lines": ["1 Depot Road"], "city": city, "region_code": region, "postal_code": postal, "country": "US"},
                "calendar": {"timezone": zone, "working_days": [1, 2, 3, 4, 5, 6], "cutoff": cutoff}, "orders_per_day": 400,
            }
            for code, name, city, region, postal, latitude, longitude, zone, cutoff in LOCATIONS
        ],
        "stock": [{"location": code, "sku": sku, "quantity": quantity} for sku, levels in stock.items() for code, quantity in levels.items()],
    }  # fmt: skip


def main() -> None:
    day, book = Day(), Book()
    (FOLDER / "day").mkdir(exist_ok=True)
    for name, entries in (("shop", shop(day, book)), ("portal", portal(day, book))):
        text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
        (FOLDER / "day" / f"{name}.jsonl").write_text(text, encoding="utf-8")
    north(day, book)
    harbor(day, book)
    _write("day/book.json", list(book.orders.values()))
    _write("master.json", master())


def _write(name: str, document: object) -> None:
    (FOLDER / name).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
