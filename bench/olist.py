"""The orders of Olist, a Brazilian marketplace: 6,000 that were delivered, 2016 to 2018."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from bench.past import City, Past, PastOrder, by_size, cities_of, folded, middles_of, minor, rows, warehouses_of

STATES = {
    "01": "AC", "02": "AL", "03": "AP", "04": "AM", "05": "BA", "06": "CE", "07": "DF", "08": "ES", "11": "MS",
    "13": "MA", "14": "MT", "15": "MG", "16": "PA", "17": "PB", "18": "PR", "20": "PI", "21": "RJ", "22": "RN",
    "23": "RS", "24": "RO", "25": "RR", "26": "SC", "27": "SP", "28": "SE", "29": "GO", "30": "PE", "31": "TO",
}  # fmt: skip
"""GeoNames' number of each Brazilian state."""


def read_past() -> Past:
    """The orders of the fixtures; `Missing` where there are none."""
    cities = cities_of("BR", STATES)
    known = {(city.state, folded(city.name)): city for city in by_size(cities)}
    buyers = {row["customer_id"]: row for row in rows("datasets/olist/customers.csv.gz")}
    bought: dict[str, list[dict[str, str]]] = {}
    for row in rows("datasets/olist/order_items.csv.gz"):
        bought.setdefault(row["order_id"], []).append(row)
    orders = [
        _order(row, buyers[row["customer_id"]], bought[row["order_id"]], known)
        for row in rows("datasets/olist/orders.csv.gz")
        if row["order_id"] in bought
    ]
    ordered = sorted(orders, key=lambda order: (order.placed_at, order.number))
    return Past(
        name="olist", country="BR", currency="BRL", timezone="America/Sao_Paulo", orders=tuple(ordered),
        warehouses=warehouses_of(cities), states=middles_of(cities),
    )  # fmt: skip


def _order(
    row: dict[str, str], buyer: dict[str, str], bought: list[dict[str, str]], known: dict[tuple[str, str], City]
) -> PastOrder:
    units = Counter(item["product_id"][:12] for item in bought)
    prices = {item["product_id"][:12]: minor(item["price"]) for item in bought}
    state = buyer["customer_state"]
    return PastOrder(
        number=row["order_id"], placed_at=_instant(row["order_purchase_timestamp"]),
        promised=_instant(row["order_estimated_delivery_date"]) + timedelta(hours=27),
        city=known.get((state, folded(buyer["customer_city"]))), city_name=buyer["customer_city"], state=state,
        postal_code=buyer["customer_zip_code_prefix"].zfill(5) + "-000",
        items=tuple((sku, count, prices[sku]) for sku, count in sorted(units.items())),
        freight_minor=sum(minor(item["freight_value"]) for item in bought),
    )  # fmt: skip


def _instant(text: str) -> datetime:
    """Brasilia is three hours behind UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(hours=3)
