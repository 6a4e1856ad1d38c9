"""Versions on the wire: an ETag with each answer, If-Match with each change, so that nobody overwrites unseen work."""

import re
from typing import Annotated

from fastapi import Depends, Header, Response

from hub.kit.errors import HubError

_TAG = re.compile(r'(?:W/)?"(\d{1,18})"')
_Header = Annotated[
    str | None, Header(alias="If-Match", description='The ETag that the change is based on, e.g. `W/"7"`.')
]


def etag(version: int) -> str:
    """The tag of a version. Weak: it stands for the state of the thing, not for the bytes of one representation."""
    return f'W/"{version}"'


def set_etag(response: Response, version: int) -> None:
    """Add the tag of the version to an answer."""
    response.headers["etag"] = etag(version)


async def if_match(header: _Header = None) -> int | None:
    """The version of the If-Match header; None without one or for `*`; 400 for what is not one of our tags."""
    if header is None or header.strip() == "*":
        return None
    found = _TAG.fullmatch(header.strip())
    if found is None:
        raise HubError(400, "bad_if_match", 'If-Match must be the ETag of the last answer, e.g. W/"7".')
    return int(found[1])


async def required_if_match(header: _Header = None) -> int:
    """The version of the If-Match header; 428 where it does not name one."""
    version = await if_match(header)
    if version is None:
        raise HubError(
            428,
            "if_match_required",
            "This change must name the version that it is based on: read it first and send its ETag as If-Match.",
        )
    return version


IfMatch = Annotated[int | None, Depends(if_match)]
RequiredIfMatch = Annotated[int, Depends(required_if_match)]
