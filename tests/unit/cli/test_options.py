"""What commands take."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from hub.cli.options import INSTANT, JSON_OBJECT, MAX_UNPACKED, NAMES, read_rows
from hub.kit.errors import InvalidInput
from hub.kit.ids import is_id


def test_json_comes_from_the_line_or_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"a": [1]}')
    assert JSON_OBJECT.convert('{"a": 1}', None, None) == {"a": 1}
    assert JSON_OBJECT.convert(f"@{tmp_path / 's.json'}", None, None) == {"a": [1]}


@pytest.mark.parametrize("text", ['{"secret": "hunter2"', '["hunter2"]', "@/nowhere/hunter1"])
def test_wrong_json_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(click.BadParameter) as refusal:
        JSON_OBJECT.convert(text, None, None)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T08:00:00", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("2026-03-01T08:00:00+01:00", datetime(2026, 3, 1, 7, tzinfo=UTC)),
        ("2026-03-01T08:00:00Z", datetime(2026, 3, 1, 8, tzinfo=UTC)),
    ],
)
def test_instants_are_utc(text: str, instant: datetime) -> None:
    assert INSTANT.convert(text, None, None) == instant


@pytest.mark.parametrize("text", ["01.03.2026", "yesterday", ""])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="2026-03-01"):
        INSTANT.convert(text, None, None)


def test_names_are_comma_separated() -> None:
    assert NAMES.convert(" intake, flow ,", None, None) == ("intake", "flow")
    with pytest.raises(click.BadParameter):
        NAMES.convert(" , ", None, None)


def test_ids_are_told_from_numbers() -> None:
    assert is_id("01a20431-32bb-7d2f-aa7a-c14b45bda162")
    assert not is_id("01A20431-32BB-7D2F-AA7A-C14B45BDA162")
    assert not is_id("#1001")


def test_rows_are_csv_text_or_objects(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfsku,name\n")
    (tmp_path / "a.json").write_text('[{"sku": "A"}]')
    assert read_rows(tmp_path / "a.csv") == "sku,name\n"
    assert read_rows(tmp_path / "a.json") == [{"sku": "A"}]
    for name in ("a.csv", "a.json"):
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress((tmp_path / name).read_bytes()))
        assert read_rows(tmp_path / f"{name}.gz") == read_rows(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.csv", b"sku\n\xff\xfe", "not_utf8"),
        ("a.json", b'[{"a": }]', "not_json"),
        ("b.json", b'{"a": 1}', "not_a_list"),
        ("b.csv.gz", b"sku\n", "not_gzip"),
        ("c.csv.gz", gzip.compress(b"sku\n", mtime=0)[:-9], "not_gzip"),
        ("d.csv.gz", gzip.compress(b"0" * (MAX_UNPACKED + 1)), "too_large"),
    ],
)
def test_tables_that_cannot_be_read_are_refused_by_name(name: str, content: bytes, code: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput) as refusal:
        read_rows(tmp_path / name)
    assert refusal.value.code == code
    assert name in refusal.value.detail
