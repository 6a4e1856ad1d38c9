"""Printed documents on disk: written before the row that names them, under a name that never changes."""

import base64
import os
import re
from pathlib import Path

from hub.canonical.shipping import ShipmentResult

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def write_labels(
    folder: Path, *, number: str, shipment_id: str, result: ShipmentResult
) -> list[tuple[int, str, str, Path, bytes]]:
    """Write the labels of a result; (part, kind, format, path, bytes) of each. Writing twice is harmless."""
    written: list[tuple[int, str, str, Path, bytes]] = []
    part = 0
    for parcel in result.parcels:
        for document in parcel.documents:
            part += 1
            name = f"{_UNSAFE.sub('_', number)[:80]}-{shipment_id[-12:]}-{part}.{document.format}"
            content = base64.b64decode(document.content)
            write_document(folder / name, content)
            written.append((part, document.kind, document.format, folder / name, content))
    return written


def write_document(path: Path, content: bytes) -> None:
    """Write a whole file or none: a reader never sees half a label."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.part")
    with temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
