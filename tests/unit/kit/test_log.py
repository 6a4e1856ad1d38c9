"""What a log line holds and, above all, what it does not."""

import io
import json
import logging
from typing import Any

import pytest
import structlog

from hub.kit.log import bind_correlation, configure_logging, correlated, correlation_id, unbind_correlation
from hub.kit.redaction import redact


class Lines(io.StringIO):
    """Log lines as documents."""

    def read_all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def lines() -> Lines:
    stream = Lines()
    configure_logging(form="json", level="info", stream=stream)
    return stream


def test_events_carry_fields_level_time_and_correlation(lines: Lines) -> None:
    with correlated("c-9"):
        structlog.get_logger().info("order.accepted", order_id="o-1")
    [line] = lines.read_all()
    assert line["event"] == "order.accepted"
    assert line["order_id"] == "o-1"
    assert line["level"] == "info"
    assert line["correlation_id"] == "c-9"
    assert line["timestamp"].endswith("Z")


def test_less_severe_lines_are_left_out(lines: Lines) -> None:
    structlog.get_logger().debug("order.seen")
    logging.getLogger("uvicorn.error").debug("seen")
    assert lines.read_all() == []


@pytest.mark.parametrize(
    "field",
    [
        "secret", "client_secret", "access_token", "password", "Authorization", "X-Api-Key", "api_key", "set-cookie",
        "signature", "phone", "buyer_phone", "email", "e-mail", "address", "ship_to_address", "name", "first_name",
        "recipient_name",
    ],
)  # fmt: skip
def test_fields_of_telling_names_are_redacted_at_any_depth(lines: Lines, field: str) -> None:
    log = structlog.get_logger()
    log.info("x.y", **{field: "hidden"})
    log.info("x.y", data={"list": [{"deep": {field: "hidden"}}]})
    assert "hidden" not in lines.getvalue()
    assert lines.getvalue().count("***") == 2


@pytest.mark.parametrize("field", ["order_id", "plugin", "code", "connection", "sku", "hostname"])
def test_other_fields_stay(lines: Lines, field: str) -> None:
    structlog.get_logger().info("x.y", **{field: "shown"})
    assert lines.read_all()[0][field] == "shown"


def test_nothing_is_invented_for_an_absent_value() -> None:
    assert redact({"phone": None, "count": 1}) == {"phone": None, "count": 1}


def test_a_bottomless_value_ends_in_stars() -> None:
    bottomless: dict[str, Any] = {}
    bottomless["again"] = bottomless
    assert "***" in json.dumps(redact(bottomless))


def test_records_of_libraries_take_the_same_way(lines: Lines) -> None:
    with correlated("c-2"):
        logging.getLogger("uvicorn.error").warning("cannot reach %s", "peer")
    [line] = lines.read_all()
    assert line["event"] == "cannot reach peer"
    assert line["correlation_id"] == "c-2"
    assert line["level"] == "warning"


def test_an_access_line_holds_no_query_and_no_address(lines: Lines) -> None:
    logging.getLogger("uvicorn.access").info(
        '%s - "%s %s HTTP/%s" %d', "10.0.0.1:5", "GET", "/v1/orders?phone=%2B4912345&q=a@b.de", "1.1", 200
    )
    logging.getLogger("uvicorn.error").warning("mail to zoe.meyer@example.com failed")
    text = lines.getvalue()
    assert "/v1/orders" in text
    assert "4912345" not in text
    assert "zoe.meyer" not in text


def test_chatty_libraries_are_quiet_below_warning(lines: Lines) -> None:
    logging.getLogger("httpcore").info("send_request_headers.started authorization=...")
    logging.getLogger("alembic").info("Context impl")
    assert lines.getvalue() == ""


def test_exceptions_are_written_without_the_values_of_variables(lines: Lines) -> None:
    hidden = "value-of-a-variable"
    try:
        raise ValueError("mail to zoe@example.com bounced" if hidden else "")
    except ValueError:
        structlog.get_logger().exception("mail.failed")
    [line] = lines.read_all()
    assert "ValueError" in line["exception"]
    assert "value-of-a-variable" not in lines.getvalue().replace('hidden = "value-of-a-variable"', "")
    assert "zoe@" not in lines.getvalue()


def test_the_console_form_is_for_reading() -> None:
    stream = io.StringIO()
    configure_logging(form="console", level="warning", stream=stream)
    structlog.get_logger().warning("stock.short", sku="A-1", token="hidden")
    assert "stock.short" in stream.getvalue()
    assert "sku=A-1" in stream.getvalue()
    assert "hidden" not in stream.getvalue()


def test_correlation_is_bound_until_it_is_taken_back() -> None:
    token = bind_correlation("a")
    with correlated("b"):
        assert correlation_id() == "b"
    assert correlation_id() == "a"
    unbind_correlation(token)
    assert correlation_id() is None
