"""The canonical fields that a column may be mapped to, what each holds, and the headers that are known for it."""

from collections.abc import Mapping
from typing import Literal, get_args

OrderField = Literal[
    "order_id", "order_number", "placed_at", "updated_at", "currency", "subtotal", "shipping_total", "discount_total",
    "tax_total", "grand_total", "payment_state", "payment_method", "cancelled", "cancel_reason", "test", "service",
    "ship_by", "deliver_by", "note_buyer", "note_seller", "tags", "source_name",
    "buyer_id", "buyer_name", "buyer_company", "buyer_email", "buyer_phone", "buyer_tax_id",
    "buyer_groups",
    "ship_name", "ship_company", "ship_line1", "ship_line2", "ship_line3", "ship_city", "ship_district", "ship_region",
    "ship_postal_code", "ship_country", "ship_phone", "ship_email",
    "bill_name", "bill_company", "bill_line1", "bill_line2", "bill_line3", "bill_city", "bill_district", "bill_region",
    "bill_postal_code", "bill_country", "bill_phone", "bill_email",
]  # fmt: skip
LineField = Literal[
    "line_id", "sku", "name", "quantity", "unit", "unit_price", "line_total", "line_discount", "line_tax",
    "line_tax_rate", "grams", "due_at",
]  # fmt: skip
Field = OrderField | LineField

ORDER_FIELDS: frozenset[str] = frozenset(get_args(OrderField))
LINE_FIELDS: frozenset[str] = frozenset(get_args(LineField))

Kind = Literal["text", "identifier", "number", "flag", "instant"]

_KINDS: Mapping[Kind, tuple[str, ...]] = {
    "identifier": (
        "order_id", "order_number", "line_id", "sku", "buyer_id", "buyer_phone", "buyer_tax_id", "ship_phone",
        "ship_postal_code", "bill_phone", "bill_postal_code",
    ),
    "number": (
        "subtotal", "shipping_total", "discount_total", "tax_total", "grand_total", "quantity", "unit_price",
        "line_total", "line_discount", "line_tax", "line_tax_rate", "grams",
    ),
    "flag": ("cancelled", "test"),
    "instant": ("placed_at", "updated_at", "ship_by", "deliver_by", "due_at"),
}  # fmt: skip
KIND_OF: Mapping[str, Kind] = {name: kind for kind, names in _KINDS.items() for name in names}

ALIASES: Mapping[str, tuple[str, ...]] = {
    "order_id": ("order_id", "order uid", "订单ID"),
    "order_number": (
        "order number", "order no", "order nr", "order ref", "order reference", "order", "po number", "po no",
        "purchase order", "bestellnummer", "auftragsnummer", "numéro de commande", "número de pedido", "订单号",
        "订单编号", "注文番号",
    ),
    "placed_at": ("placed at", "order date", "ordered at", "created at", "bestelldatum", "下单时间", "订单日期"),
    "currency": ("currency", "currency code", "währung", "devise", "币种"),
    "sku": (
        "sku", "item number", "item no", "product id", "product code", "article number", "artikelnummer", "référence",
        "货号", "商品编码",
    ),
    "name": ("product name", "item name", "product", "description", "bezeichnung", "désignation", "商品名称"),
    "quantity": ("quantity", "qty", "menge", "anzahl", "quantité", "cantidad", "数量"),
    "unit_price": ("unit price", "price", "einzelpreis", "prix unitaire", "单价"),
    "line_total": ("line total", "total price", "line amount", "gesamtpreis", "小计"),
    "line_discount": ("line discount",),
    "line_tax": ("line tax",),
    "line_id": ("line", "line id", "line no", "line number", "order line", "position", "行号"),
    "shipping_total": ("shipping", "shipping total", "freight", "versandkosten", "运费"),
    "discount_total": ("discount total", "order discount"),
    "tax_total": ("tax total", "total tax", "mwst", "税额"),
    "grand_total": ("grand total", "order total", "gesamtbetrag", "订单总额", "订单金额"),
    "payment_state": ("payment status", "payment state", "付款状态"),
    "payment_method": ("payment method", "zahlungsart", "支付方式"),
    "ship_name": ("ship to name", "ship name", "recipient", "receiver", "empfänger", "收件人", "收货人"),
    "ship_company": ("ship to company", "ship company"),
    "ship_line1": ("ship to address", "ship address", "address", "address 1", "street", "straße", "adresse", "地址"),
    "ship_line2": ("address 2", "ship to address 2"),
    "ship_city": ("ship to city", "ship city", "city", "stadt", "ort", "ville", "城市"),
    "ship_region": ("ship to region", "ship region", "state", "province", "region", "省份"),
    "ship_postal_code": ("ship to postal code", "ship postal code", "postal code", "postcode", "zip", "plz", "邮编"),
    "ship_country": ("ship to country", "ship country", "country", "land", "pays", "国家"),
    "ship_phone": ("ship to phone", "phone", "telefon", "téléphone", "电话", "手机"),
    "ship_email": ("ship to email",),
    "buyer_id": ("customer id", "customer no", "kundennummer"),
    "buyer_name": ("customer name", "customer", "buyer", "kunde"),
    "buyer_email": ("email", "e-mail", "customer email"),
    "buyer_groups": ("customer group", "customer groups", "customer tier", "kundengruppe", "会员等级", "客户等级"),
    "note_buyer": ("note", "notes", "remark", "bemerkung", "买家留言", "备注"),
}  # fmt: skip
"""Headers that are understood without a mapping; compared without case, spaces and punctuation."""
