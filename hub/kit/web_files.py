"""Bytes as answers."""

from typing import Any
from urllib.parse import quote

from fastapi import Response


def file_responses(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """The value for `responses=` of a route that answers with a file of one of these types."""
    return {200: {"content": {media_type: {} for media_type in media_types}, "description": "The file"}}


def attachment(content: bytes, name: str, media_type: str) -> Response:
    """Bytes as an answer that a browser saves and never interprets."""
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "x-content-type-options": "nosniff",
    }
    return Response(content, media_type=media_type, headers=headers)
