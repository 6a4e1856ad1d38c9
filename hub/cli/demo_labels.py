"""Labels on disk, read as a printer would: is it a PDF, and which number is on it?"""

import base64
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\n?endstream", re.DOTALL)
_SHOWN = re.compile(rb"\(((?:[^()\\]|\\.)*)\) ?Tj")
_ENDING = re.compile(r"-([0-9a-f]{12})-\d+\.pdf$")


@dataclass(frozen=True, slots=True)
class Label:
    """A label file: what is printed on it (without blanks), and the end of its shipment's id, which its name holds."""

    name: str
    shipment_end: str
    text: str
    fault: str | None


def find_labels(folder: Path) -> list[Label]:
    """All labels of a folder, by name."""
    return [_label(path) for path in sorted(folder.iterdir())] if folder.is_dir() else []


def _label(path: Path) -> Label:
    content = path.read_bytes()
    ending = _ENDING.search(path.name)
    fault = None
    if ending is None:
        fault = "is not named as a label"
    elif not content.startswith(b"%PDF-") or b"%%EOF" not in content[-64:]:
        fault = "is no whole PDF"
    text = "".join(part.decode("latin-1") for part in _texts(content))
    return Label(path.name, ending[1] if ending else "", "".join(text.split()), fault)


def _texts(content: bytes) -> Iterator[bytes]:
    """Texts that the page's streams show (PDF 32000-1, 9.4.3)."""
    for found in _STREAM.finditer(content):
        for shown in _SHOWN.finditer(_unpacked(found[1])):
            yield shown[1]


def _unpacked(stream: bytes) -> bytes:
    """A stream as it was before it was packed; one that is no text is left as it is."""
    try:
        if stream.rstrip().endswith(b"~>"):
            stream = base64.a85decode(stream.strip().removeprefix(b"<~").removesuffix(b"~>"))
        return zlib.decompress(stream)
    except (zlib.error, ValueError):
        return stream
