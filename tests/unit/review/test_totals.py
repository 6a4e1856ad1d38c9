"""Orders that add up never alarm, and one cent anywhere does."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from hub.canonical.money import Money
from hub.canonical.order import Charge, Discount, Order, OrderLine, StatedTotals, Tax
from hub.connections.rules.policy import ReviewPolicy
from hub.review.rules.totals import check_totals
from tests.unit.review.builders import codes, eur, findings, order

cents = st.integers(0, 100_000)


@st.composite
def consistent_orders(draw) -> Order:
    """An order whose source's parts add up to its grand total, in one of the ways in which sources state them."""
    currency = draw(st.sampled_from(["EUR", "JPY", "KWD"]))

    def money(minor: int) -> Money:
        return Money(minor=minor, currency=currency)

    included = draw(st.booleans())
    where = draw(st.sampled_from(["stated", "header", "parts"]))
    lines, charges, total, tax = [], [], 0, 0
    for number in range(draw(st.integers(1, 5))):
        amount, taxed = draw(cents), draw(st.integers(0, 500))
        total, tax = total + amount, tax + taxed
        taxes = (Tax(amount=money(taxed), included=included),) if where == "parts" else ()
        lines.append(
            OrderLine(
                external_id=str(number),
                quantity=Decimal(1),
                total=money(amount),
                taxes=taxes,
                discounts=(Discount(amount=money(draw(cents))),),
            )
        )
    for kind in draw(st.lists(st.sampled_from(["shipping", "fee", "tip"]), max_size=3, unique=True)):
        amount = draw(cents)
        less = draw(st.integers(0, amount))
        total += amount - less
        charges.append(Charge(kind=kind, amount=money(amount), discounts=(Discount(amount=money(less)),)))
    discounts = [draw(st.integers(0, 300)) for _ in range(draw(st.integers(0, 2)))]
    total -= sum(discounts)
    has_shipping = any(charge.kind == "shipping" for charge in charges)
    stated_shipping = None if has_shipping else draw(st.none() | cents)
    total += stated_shipping or 0
    totals = StatedTotals(
        grand=money(total if included else total + tax),
        tax=money(tax) if where == "stated" else None,
        shipping=None if stated_shipping is None else money(stated_shipping),
    )
    return Order(
        external_id="1",
        currency=currency,
        lines=tuple(lines),
        charges=tuple(charges),
        discounts=tuple(Discount(amount=money(amount)) for amount in discounts),
        taxes=(Tax(amount=money(tax), included=included),) if where == "header" else (),
        taxes_included=included,
        totals=totals,
    )


@given(consistent_orders())
def test_consistent_orders_never_alarm(what):
    check = check_totals(what)
    assert check is not None
    assert check.difference == 0
    assert "totals_mismatch" not in codes(what)


@given(consistent_orders(), st.sampled_from([-1, 1]), st.data())
def test_one_minor_unit_anywhere_always_alarms(what, step, data):
    parts = ["grand", "line"]
    parts += ["charge"] if what.charges else []
    parts += ["discount"] if what.discounts else []
    parts += ["tax"] if not what.taxes_included and what.totals.tax is not None else []
    changed = _changed(what, data.draw(st.sampled_from(parts)), step)
    found = [entry for entry in findings(changed) if entry.code == "totals_mismatch"]
    assert len(found) == 1
    assert abs(found[0].evidence["difference_minor"]) == 1
    tolerant = ReviewPolicy(totals_tolerance_minor=1)
    assert "totals_mismatch" not in codes(changed, policy=tolerant)


def _changed(what: Order, part: str, step: int) -> Order:
    def moved(amount: Money) -> Money:
        return Money(minor=amount.minor + step, currency=amount.currency)

    if part == "grand":
        return what.model_copy(update={"totals": what.totals.model_copy(update={"grand": moved(what.totals.grand)})})
    if part == "tax":
        return what.model_copy(update={"totals": what.totals.model_copy(update={"tax": moved(what.totals.tax)})})
    members = {"line": ("lines", "total"), "charge": ("charges", "amount"), "discount": ("discounts", "amount")}
    name, field = members[part]
    first, *rest = getattr(what, name)
    first = first.model_copy(update={field: moved(getattr(first, field))})
    return what.model_copy(update={name: (first, *rest)})


def test_the_finding_shows_the_numbers():
    found = findings(order(totals=StatedTotals(grand=eur(2500))))[0]
    assert (found.code, found.severity) == ("totals_mismatch", "hold")
    assert found.message == "the parts add up to 24.90, the source states 25.00"
    assert (found.evidence["lines_minor"], found.evidence["charges_minor"], found.evidence["difference_minor"]) == (
        2000,
        490,
        -10,
    )


def test_nothing_is_said_where_a_part_is_not_stated():
    what = order(totals=StatedTotals(grand=eur(1)))
    no_line_total = what.lines[0].model_copy(update={"total": None})
    assert check_totals(what.model_copy(update={"lines": (no_line_total,)})) is None
    assert check_totals(what.model_copy(update={"totals": StatedTotals()})) is None
    other = what.lines[0].model_copy(update={"total": Money(minor=1, currency="USD")})
    assert check_totals(what.model_copy(update={"lines": (other,)})) is None
    rateless = what.model_copy(update={"taxes_included": False, "taxes": (Tax(rate=Decimal("0.19")),)})
    assert check_totals(rateless) is None, "taxes come on top, but their amount is not stated"


def test_where_the_source_does_not_say_if_taxes_are_included_the_reading_that_fits_counts():
    taxes = (Tax(amount=eur(400)),)
    for grand, fits in ((2490, True), (2890, True), (2690, False)):
        what = order(taxes_included=None, taxes=taxes, totals=StatedTotals(grand=eur(grand)))
        assert ("totals_mismatch" not in codes(what)) is fits
