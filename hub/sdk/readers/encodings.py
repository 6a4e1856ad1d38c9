"""Bytes of a text file to text: declared, marked, or guessed and then said so."""

import codecs
import re

from charset_normalizer import from_bytes

from hub.sdk.errors import Malformed

AUTO = "auto"
GUESSED_AMONG = ("gb18030", "big5", "cp932", "cp949", "cp1252", "cp1250", "cp1251")
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
SAMPLE = 256 * 1024

_BLANKS_OF_WIDE_TEXT = re.compile(rb"\x00")


def is_text_encoding(name: str) -> bool:
    """Whether Python can decode text in this encoding (`auto` included)."""
    if name == AUTO:
        return True
    try:
        b"a".decode(name)
    except LookupError:
        return False
    except UnicodeError:
        return True  # One byte is no character in it, but it is an encoding.
    return True


def decode(body: bytes, encoding: str = AUTO) -> tuple[str, str, bool]:
    """The text, the encoding that it had, and whether that one was only guessed.

    `auto` tries byte order marks, UTF-8, UTF-16 without a mark, then the likeliest of the code pages of Chinese,
    Japanese, Korean, Western and Eastern European. Raises `Malformed` with the row where the bytes do not fit.
    """
    name = _certain(body) if encoding == AUTO else _with_mark(body, encoding)
    guessed = name is None
    name = name or _guess(body)
    try:
        text = body.decode(name)
    except UnicodeDecodeError as error:
        row = body.count(b"\n", 0, error.start) + 1
        message = f"row {row} is not {name} text: set `encoding` to what the file was saved in, e.g. gb18030 or cp1252"
        raise Malformed(message, code="encoding", path=f"row {row}") from error
    if "\x00" in text:
        raise Malformed("this is a binary file, not a table of text", code="binary")
    return text, name, guessed


def _with_mark(body: bytes, encoding: str) -> str:
    """The declared encoding; as UTF-8 the mark at the beginning is no part of the first cell."""
    return "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" and body.startswith(codecs.BOM_UTF8) else encoding


def _certain(body: bytes) -> str | None:
    for mark, name in BOMS:
        if body.startswith(mark):
            return name
    wide = _wide(body[:SAMPLE])
    if wide is not None:
        return wide
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8"


def _wide(sample: bytes) -> str | None:
    """UTF-16 without a mark: ASCII delimiters and digits leave every second byte empty."""
    half = len(sample) // 2
    if half == 0 or b"\x00" not in sample:
        return None
    low = len(_BLANKS_OF_WIDE_TEXT.findall(sample[1::2]))
    high = len(_BLANKS_OF_WIDE_TEXT.findall(sample[0::2]))
    if low > half * 0.3 and high < low // 10 + 1:
        return "utf-16-le"
    if high > half * 0.3 and low < high // 10 + 1:
        return "utf-16-be"
    return None


def _guess(body: bytes) -> str:
    sample = body[:SAMPLE]
    best = from_bytes(sample, cp_isolation=list(GUESSED_AMONG)).best()
    if best is None:
        raise Malformed("the text is in no encoding that is known: set `encoding`, e.g. gb18030", code="encoding")
    # The two Latin pages share most letters: where both say the same, the Western one is the likelier.
    if best.encoding == "cp1250" and sample.decode("cp1252", "replace") == str(best):
        return "cp1252"
    return best.encoding
