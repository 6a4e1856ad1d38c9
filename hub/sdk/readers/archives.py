"""Zip archives that must not be trusted: unpacked here, within limits, before any other program sees them.

Nothing that the archive says about itself is believed: each entry is unpacked by its own bytes and must have exactly
the size and the checksum that it claims, so that a second reader cannot find more in it than was checked here.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from hub.sdk.errors import Malformed
from hub.sdk.readers.cells import Limits

SMALL = 1024 * 1024
"""Below this size a high ratio does no harm (a sheet of blanks packs well)."""
MAX_ENTRIES = 5_000
LOCAL_HEADER = struct.Struct("<4s5H3I2H")
DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
XML_SUFFIXES = (".xml", ".rels", ".vml", ".rdf")


@dataclass(frozen=True, slots=True)
class Archive:
    """The bytes of an archive whose directory has passed the limits."""

    body: bytes
    entries: dict[str, zipfile.ZipInfo]

    def read(self, name: str) -> bytes:
        """One entry; `Malformed` where it is missing, damaged or not what the directory says."""
        info = self.entries.get(name)
        if info is None:
            raise Malformed(f"the workbook lacks its part {name}: save it again", code="damaged_archive")
        content = _unpacked(self.body, info)
        if len(content) != info.file_size or zlib.crc32(content) != info.CRC:
            raise _damaged(name)
        return content

    def xml_parts(self) -> Iterator[tuple[str, bytes]]:
        """Every XML part; refuses a document type, which spreadsheets never need and entity attacks do."""
        for name in self.entries:
            if not name.lower().endswith(XML_SUFFIXES):
                continue
            content = self.read(name)
            if b"\x00" in content[:4] or content[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise Malformed(f"part {name} is not UTF-8: save the workbook again", code="xml_encoding")
            if DOCTYPE.search(content):
                message = f"part {name} declares a document type or entities, which no spreadsheet program writes"
                raise Malformed(message, code="xml_doctype")
            yield name, content


def open_archive(body: bytes, limits: Limits) -> Archive:
    """Read the directory and refuse what would unpack to too much (`Malformed`, code `zip_bomb`)."""
    try:
        with zipfile.ZipFile(BytesIO(body)) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, struct.error, NotImplementedError) as error:
        raise Malformed("the workbook is damaged: save it again", code="damaged_archive") from error
    entries = {info.filename: info for info in infos}
    if len(infos) > MAX_ENTRIES or len(entries) != len(infos):
        raise Malformed("the workbook has too many parts, or one twice: save it again", code="damaged_archive")
    total = 0
    for info in infos:
        total += info.file_size
        if total > limits.unpacked_bytes:
            message = f"the workbook unpacks to more than {limits.unpacked_bytes // 2**20} MiB"
            raise Malformed(message, code="zip_bomb")
        if info.file_size > SMALL and info.file_size > limits.ratio * max(info.compress_size, 1):
            message = f"a part of the workbook unpacks to more than {limits.ratio} times its size"
            raise Malformed(message, code="zip_bomb")
    return Archive(body=body, entries=entries)


def _unpacked(body: bytes, info: zipfile.ZipInfo) -> bytes:
    header = body[info.header_offset : info.header_offset + LOCAL_HEADER.size]
    if len(header) != LOCAL_HEADER.size or info.flag_bits & 0x1:
        raise _damaged(info.filename)
    fields = LOCAL_HEADER.unpack(header)
    start = info.header_offset + LOCAL_HEADER.size + fields[-2] + fields[-1]
    packed = body[start : start + info.compress_size]
    if info.compress_type == zipfile.ZIP_STORED:
        return packed
    if info.compress_type != zipfile.ZIP_DEFLATED:
        raise Malformed("the workbook is packed in a way that no spreadsheet program uses", code="damaged_archive")
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = unpacker.decompress(packed, info.file_size + 1)
    except zlib.error as error:
        raise _damaged(info.filename) from error
    more = b"" if unpacker.eof else unpacker.decompress(unpacker.unconsumed_tail, 1)
    if more or not unpacker.eof:
        raise _damaged(info.filename)
    return content


def _damaged(name: str) -> Malformed:
    return Malformed(f"part {name} of the workbook is damaged or protected: save it again", code="damaged_archive")
