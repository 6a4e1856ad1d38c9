"""Settings of a spreadsheet connection."""

from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from hub.canonical.order import PaymentState
from hub.sdk.readers.cells import Limits, column_index
from hub.sdk.readers.encodings import is_text_encoding
from plugins.channels.spreadsheet.fields import Field as FieldName


def _as_list(value: object) -> object:
    return (value,) if isinstance(value, str | int) else value


ColumnNames = Annotated[tuple[int | str, ...], BeforeValidator(_as_list), Field(min_length=1)]
"""One or several ways to find a column: a header, a letter, or a 1-based number; the first that is there is taken."""


class SpreadsheetSettings(BaseModel):
    """Everything has a default: a CSV file with well-known headers is read without any setting but a currency."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path | None = Field(None, description="Folder that files are taken from; subfolders are not looked into.")
    patterns: tuple[str, ...] = Field(
        ("*.csv", "*.tsv", "*.txt", "*.xlsx", "*.xlsm", "*.xls", "*.ods"),
        description="File names that are read, e.g. orders-*.csv.",
    )
    settle_seconds: int = Field(
        30, ge=0, le=86_400, description="How long a file must be unchanged before it is read: it may still be written."
    )
    columns: dict[FieldName, ColumnNames] = Field(
        default_factory=dict,
        description="Canonical field -> header, column letter or 1-based number, or a list of those in order of"
        " preference. Empty: well-known headers are understood.",
    )
    properties: dict[str, ColumnNames] = Field(
        default_factory=dict, description="Name of a line property -> column, for what has no canonical field."
    )
    defaults: dict[FieldName, str] = Field(
        default_factory=dict,
        description='Values where a field has no column or its cell is empty, e.g. {"currency": "EUR"}.',
    )
    header: bool = Field(True, description="Whether the file names its columns; without, map letters or numbers.")
    header_row: int | None = Field(
        None, ge=1, description="Row of the headers; default: the first row that has all the columns that are needed."
    )
    sheet: str | int | None = Field(
        None, description="Sheet of a workbook by name or 1-based number; default: the first visible one."
    )
    group_by: Literal["order", "file"] = Field(
        "order", description="What makes one order: the rows of one order number, or the whole file (named after it)."
    )
    rows_without_order: Literal["fault", "carry_down", "skip"] = Field(
        "fault", description="What a row without an order number is: a fault, a line of the order above, or not read."
    )
    duplicate_rows: Literal["fault", "drop", "keep"] = Field(
        "fault", description="What two equal rows of one order are, where lines have no id: a fault, one line, or two."
    )
    encoding: str = Field("auto", description="Encoding of text files, e.g. utf-8, utf-16, gb18030, cp1252; or auto.")
    delimiter: Literal["auto", ",", ";", "\t", "|"] = Field("auto", description="Delimiter of text files, or auto.")
    decimal_separator: Literal[".", ","] = Field(".", description="Decimal separator of numbers that are text.")
    thousands_separator: Literal["", ".", ",", " ", "'"] = Field(
        "", description="Thousands separator of numbers that are text; empty: there is none."
    )
    date_formats: tuple[str, ...] = Field(
        (), description="Forms of dates beside ISO 8601, e.g. %d.%m.%Y or %m/%d/%Y %H:%M."
    )
    timezone: str = Field("UTC", description="Zone of times without an offset, e.g. Asia/Shanghai.")
    tax_rate_unit: Literal["percent", "fraction"] = Field(
        "percent", description="Whether the tax rate 19 means 19 % (percent), or 0.19 does (fraction)."
    )
    prices_include_tax: bool | None = Field(None, description="Whether prices contain the tax; empty: not known.")
    payment_states: dict[str, PaymentState] = Field(
        default_factory=dict, description="The file's words for payment states -> the hub's, beside the usual ones."
    )
    max_file_bytes: int = Field(32 * 2**20, ge=1024, description="Largest file that is read.")
    max_unpacked_bytes: int = Field(128 * 2**20, ge=1024, description="What a workbook may unpack to.")
    max_ratio: int = Field(200, ge=10, description="How often a part of a workbook may be larger than it is packed.")
    max_rows: int = Field(100_000, ge=1, description="Rows of a sheet.")
    max_columns: int = Field(512, ge=1, le=16_384, description="Columns of a sheet.")
    max_cells: int = Field(2_000_000, ge=1, description="Cells of a sheet, empty ones up to the last used included.")

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        if not is_text_encoding(value):
            raise ValueError("is no known text encoding; use e.g. utf-8, utf-16, gb18030, cp1252 or auto")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("is no known time zone; use e.g. Europe/Berlin") from error
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.decimal_separator == self.thousands_separator:
            raise ValueError("decimal_separator and thousands_separator are the same")
        if self.header:
            return self
        if not self.columns:
            raise ValueError("without a header, map `columns` to letters or numbers")
        for name, columns in (*self.columns.items(), *self.properties.items()):
            if not all(isinstance(column, int) or column_index(column) is not None for column in columns):
                raise ValueError(f"without a header, column {name!r} must be a letter or a 1-based number")
        return self

    def limits(self) -> Limits:
        """The limits as the readers take them."""
        return Limits(
            bytes=self.max_file_bytes,
            unpacked_bytes=self.max_unpacked_bytes,
            ratio=self.max_ratio,
            rows=self.max_rows,
            columns=self.max_columns,
            cells=self.max_cells,
        )
