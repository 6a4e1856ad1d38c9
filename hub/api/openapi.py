"""The OpenAPI document of what FastAPI does not see: the two intake doors are plain routes."""

from typing import Any

from hub.kit.web_problems import MEDIA_TYPE, title_of

_ITEM = {
    "type": "object",
    "properties": {
        "message_id": {"type": ["string", "null"], "description": "null: refused, see `fault`"},
        "duplicate": {"type": "boolean", "description": "It was stored before; the id is the first one's."},
        "fault": {"$ref": "#/components/schemas/FieldProblem"},
    },
    "required": ["message_id", "duplicate"],
}
_STORED = {"type": "object", "properties": {"items": {"type": "array", "items": _ITEM}}, "required": ["items"]}
_ORDER = {
    "type": "object",
    "description": "The hub's canonical JSON order: see the README of the webhook channel plugin.",
    "properties": {"id": {"type": "string", "minLength": 1, "maxLength": 200}},
    "required": ["id"],
}
_BULK = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "connection": {"type": "string", "description": "Name of a channel connection that reads canonical orders."},
        "orders": {"type": "array", "minItems": 1, "maxItems": 500, "items": _ORDER},
        "order": _ORDER,
    },
    "required": ["connection"],
    "oneOf": [{"required": ["orders"]}, {"required": ["order"]}],
}


def describe_doors(document: dict[str, Any]) -> None:
    """Add the intake doors to a document."""
    paths = document.setdefault("paths", {})
    paths.setdefault("/v1/orders", {})["post"] = _bulk_operation()
    paths.setdefault("/hooks/{connection}", {})["post"] = _hook_operation()


def _bulk_operation() -> dict[str, Any]:
    return {
        "tags": ["orders"],
        "summary": "Create Orders",
        "operationId": "create_orders_v1_orders_post",
        "description": "Take in up to 500 orders. Each is stored raw and answered 202 after the commit with a message "
        "id; reading, review and routing follow. Only the shape is checked here: an order that cannot be read later is "
        "a blocked message, visible and replayable. An order with the `revision` or `updated_at` of an earlier sending "
        "is a duplicate.",
        "parameters": [
            {
                "name": "partial", "in": "query", "schema": {"type": "boolean", "default": False},
                "description": "Take the good items and answer the faults of the others, instead of refusing all.",
            },
            {
                "name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 200},
                "description": "A unique text of yours: a repeated request is done once, and answered the same.",
            },
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _BULK}}},
        "responses": {"202": _stored("Stored"), **_problems(400, 401, 403, 404, 409, 413, 422, 503)},
        "security": [{"HTTPBearer": []}, {"APIKeyHeader": []}],
    }  # fmt: skip


def _hook_operation() -> dict[str, Any]:
    return {
        "tags": ["intake"],
        "summary": "Receive Webhook",
        "operationId": "receive_webhook_hooks__connection__post",
        "description": "Deliveries of a platform. The connection's plugin verifies the signature over the raw body; "
        "what is answered 202 is stored. No API key and no Idempotency-Key: deliveries are known by their own ids.",
        "parameters": [
            {"name": "connection", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 60}}
        ],
        "requestBody": {"required": True, "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}},
        "responses": {"202": _stored("Stored"), **_problems(401, 404, 409, 413, 422, 503)},
        "security": [],
    }


def _stored(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _STORED}}}


def _problems(*statuses: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(status): {"description": title_of(status), "content": content} for status in statuses}
