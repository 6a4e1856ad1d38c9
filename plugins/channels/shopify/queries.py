"""The GraphQL documents of the Admin API 2026-10; each is validated against Shopify's own schema in the tests.

Limits are chosen so that no request can cost more than 1000 points (1 an object, 2 and its nodes a connection:
shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits). What does not fit into a first answer is read page by page.
"""

MONEY = "shopMoney { amount currencyCode }"

ORDER_FIELDS = f"""
fragment Money on MoneyBag {{ {MONEY} }}
fragment Tax on TaxLine {{ title rate priceSet {{ ...Money }} }}
fragment Discount on DiscountAllocation {{ allocatedAmountSet {{ ...Money }} }}
fragment Place on MailingAddress {{
  name firstName lastName company address1 address2 city province provinceCode zip country countryCodeV2 phone
}}
fragment Line on LineItem {{
  id name title variantTitle sku quantity currentQuantity unfulfilledQuantity requiresShipping isGiftCard
  customAttributes {{ key value }}
  originalUnitPriceSet {{ ...Money }}
  discountAllocations {{ ...Discount }}
  taxLines {{ ...Tax }}
  variant {{ id }}
}}
fragment Movement on OrderTransaction {{
  id kind status test gateway processedAt errorCode amountSet {{ ...Money }} parentTransaction {{ id }}
}}
fragment OrderFields on Order {{
  id name createdAt updatedAt processedAt cancelledAt cancelReason closedAt test email phone note tags poNumber
  sourceName currencyCode presentmentCurrencyCode taxesIncluded displayFinancialStatus displayFulfillmentStatus
  confirmationNumber customerLocale paymentGatewayNames discountCodes customAttributes {{ key value }}
  totalPriceSet {{ ...Money presentmentMoney {{ amount currencyCode }} }}
  subtotalPriceSet {{ ...Money }}
  totalShippingPriceSet {{ ...Money }}
  totalDiscountsSet {{ ...Money }}
  totalTaxSet {{ ...Money }}
  totalOutstandingSet {{ ...Money }}
  totalTipReceivedSet {{ ...Money }}
  originalTotalDutiesSet {{ ...Money }}
  additionalFees {{ name price {{ ...Money }} }}
  taxLines {{ ...Tax }}
  customer {{ id firstName lastName tags }}
  purchasingEntity {{ ... on PurchasingCompany {{ company {{ id name }} location {{ id }} }} }}
  shippingAddress {{ ...Place }}
  billingAddress {{ ...Place }}
  shippingLines(first: 3) {{
    nodes {{
      id title code originalPriceSet {{ ...Money }} discountAllocations {{ ...Discount }} taxLines {{ ...Tax }}
    }}
  }}
  lineItems(first: 10) {{ nodes {{ ...Line }} pageInfo {{ hasNextPage endCursor }} }}
  transactions(first: 5) {{ ...Movement }}
  transactionsCount {{ count }}
  fulfillmentsCount {{ count }}
  refunds(first: 1) {{ id }}
}}
"""

LIST_ORDERS = (
    """
query ListOrders($first: Int!, $after: String, $query: String!) {
  orders(first: $first, after: $after, sortKey: UPDATED_AT, query: $query) {
    nodes { ...OrderFields }
    pageInfo { hasNextPage endCursor }
  }
}
"""
    + ORDER_FIELDS
)

CENSUS = """
query Census($first: Int!, $after: String, $query: String!) {
  orders(first: $first, after: $after, sortKey: PROCESSED_AT, query: $query) {
    nodes { id totalPriceSet { shopMoney { amount currencyCode } } }
    pageInfo { hasNextPage endCursor }
  }
  ordersCount(query: $query, limit: null) { count precision }
}
"""

READ_ORDERS = (
    """
query ReadOrders($ids: [ID!]!) {
  nodes(ids: $ids) { ...OrderFields }
}
"""
    + ORDER_FIELDS
)

MOVEMENT = f"""
fragment Money on MoneyBag {{ {MONEY} }}
fragment Movement on OrderTransaction {{
  id kind status test gateway processedAt errorCode amountSet {{ ...Money }} parentTransaction {{ id }}
}}
"""

ORDER_PARTS = (
    """
query OrderParts($id: ID!) {
  order(id: $id) {
    fulfillments(first: 200) { id }
    refunds(first: 200) { id }
    transactions(first: 80) { ...Movement }
  }
}
"""
    + MOVEMENT
)

FULFILMENT_FIELDS = """
fragment FulfilmentFields on Fulfillment {
  id name status displayStatus createdAt updatedAt
  order { id }
  location { id }
  trackingInfo(first: 10) { company number url }
  fulfillmentLineItems(first: 20) { nodes { id quantity lineItem { id } } pageInfo { hasNextPage endCursor } }
}
"""

READ_FULFILMENTS = (
    """
query ReadFulfilments($ids: [ID!]!) {
  nodes(ids: $ids) { ...FulfilmentFields }
}
"""
    + FULFILMENT_FIELDS
)

READ_REFUNDS = (
    """
query ReadRefunds($ids: [ID!]!) {
  nodes(ids: $ids) { ...RefundFields }
}
fragment RefundLine on RefundLineItem { id quantity restockType subtotalSet { ...Money } lineItem { id } }
fragment RefundFields on Refund {
  id note createdAt processedAt updatedAt
  order { id }
  totalRefundedSet { ...Money }
  transactions(first: 5) { nodes { ...Movement } }
  refundShippingLines(first: 3) { nodes { subtotalAmountSet { ...Money } } }
  refundLineItems(first: 20) { nodes { ...RefundLine } pageInfo { hasNextPage endCursor } }
}
"""
    + MOVEMENT
)

READ_VARIANTS = """
query ReadVariants($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on ProductVariant {
      id sku title barcode price updatedAt
      product { id title }
      inventoryItem { id requiresShipping measurement { weight { unit value } } }
    }
  }
}
"""

MORE_LINES = (
    """
query MoreLines($id: ID!, $after: String) {
  order(id: $id) { lineItems(first: 50, after: $after) { nodes { ...Line } pageInfo { hasNextPage endCursor } } }
}
fragment Tax on TaxLine { title rate priceSet { ...Money } }
fragment Discount on DiscountAllocation { allocatedAmountSet { ...Money } }
fragment Line on LineItem {
  id name title variantTitle sku quantity currentQuantity unfulfilledQuantity requiresShipping isGiftCard
  customAttributes { key value }
  originalUnitPriceSet { ...Money }
  discountAllocations { ...Discount }
  taxLines { ...Tax }
  variant { id }
}
"""
    f"fragment Money on MoneyBag {{ {MONEY} }}"
)

MORE_FULFILMENT_LINES = """
query MoreFulfilmentLines($id: ID!, $after: String) {
  fulfillment(id: $id) {
    fulfillmentLineItems(first: 200, after: $after) {
      nodes { id quantity lineItem { id } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""

MORE_REFUND_LINES = f"""
query MoreRefundLines($id: ID!, $after: String) {{
  refund(id: $id) {{
    refundLineItems(first: 150, after: $after) {{
      nodes {{ id quantity restockType subtotalSet {{ {MONEY} }} lineItem {{ id }} }}
      pageInfo {{ hasNextPage endCursor }}
    }}
  }}
}}
"""

FULFILMENT_ORDERS = """
query FulfilmentOrders($id: ID!, $after: String) {
  order(id: $id) {
    id name cancelledAt
    fulfillmentOrders(first: 10, after: $after) {
      nodes {
        id status
        assignedLocation { location { id } }
        supportedActions { action }
        lineItems(first: 25) { nodes { id remainingQuantity lineItem { id } } pageInfo { hasNextPage endCursor } }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""

MORE_WORK = """
query MoreWork($id: ID!, $after: String) {
  fulfillmentOrder(id: $id) {
    lineItems(first: 200, after: $after) {
      nodes { id remainingQuantity lineItem { id } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""

CREATE_FULFILMENT = """
mutation CreateFulfilment($fulfillment: FulfillmentInput!, $message: String) {
  fulfillmentCreate(fulfillment: $fulfillment, message: $message) {
    fulfillment { id status trackingInfo(first: 10) { number } }
    userErrors { field message }
  }
}
"""

FIND_ITEMS = """
query FindItems($query: String!, $location: ID!) {
  inventoryItems(first: 100, query: $query) {
    nodes {
      id sku tracked
      inventoryLevel(locationId: $location) { id quantities(names: ["available"]) { name quantity } }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

SET_QUANTITIES = """
mutation SetQuantities($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id }
    userErrors { code field message }
  }
}
"""

CHECK = """
query Check {
  shop { id name myshopifyDomain currencyCode }
  currentAppInstallation { accessScopes { handle } }
}
"""

READ_ONLY = (
    LIST_ORDERS,
    CENSUS,
    READ_ORDERS,
    ORDER_PARTS,
    READ_FULFILMENTS,
    READ_REFUNDS,
    READ_VARIANTS,
    MORE_LINES,
    MORE_FULFILMENT_LINES,
    MORE_REFUND_LINES,
    FULFILMENT_ORDERS,
    MORE_WORK,
    FIND_ITEMS,
    CHECK,
)
WRITES = (CREATE_FULFILMENT, SET_QUANTITIES)
"""All documents that the client sends."""
