"""Reading an answer to its end or to its limit: a small one may unpack to gigabytes, and a cut one looks whole."""

import zlib
from collections.abc import Iterator

import httpx


class AnswerTooLarge(Exception):
    """The answer is larger than the limit."""


def read_body(response: httpx.Response, limit: int) -> bytes:
    """The whole body without its gzip, at most `limit` bytes.

    Raises `AnswerTooLarge`, and `httpx.RemoteProtocolError` where the body is cut or damaged.
    """
    return b"".join(_limited(_decoded(response, limit), limit))


def _decoded(response: httpx.Response, limit: int) -> Iterator[bytes]:
    """The body without its gzip, a bounded piece at a time: a small answer may stand for gigabytes."""
    stream = response.stream
    if not isinstance(stream, httpx.SyncByteStream):
        raise TypeError("the transport must be synchronous")
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        yield from stream
        return
    if encoding not in ("gzip", "x-gzip"):
        raise httpx.RemoteProtocolError(f"the answer is encoded as {encoding[:20]!r}, which was not asked for")
    decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)
    some = False
    for chunk in stream:
        some = some or bool(chunk)
        try:
            yield decoder.decompress(chunk, limit + 1)
        except zlib.error as error:
            raise httpx.RemoteProtocolError("the answer's gzip is damaged") from error
        if decoder.unconsumed_tail:
            raise AnswerTooLarge
    if some and not decoder.eof:
        raise httpx.RemoteProtocolError("the answer's gzip is cut short")


def _limited(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise AnswerTooLarge
        yield piece
