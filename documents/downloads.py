"""A stored file as an answer: whole, one range of its bytes, or nothing new (RFC 9110).

What a storage opens need only be read from a place on, so any class of storage will do.
"""

import re

from asgiref.sync import sync_to_async
from django.core.files import File
from django.db import close_old_connections
from django.http import HttpResponse, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from documents.exceptions import FileChanged, FileMissing
from documents.models import Document

BLOCK = 256 * 1024  # bytes
_ONE_RANGE = re.compile(
    r"bytes=(?:(?P<first>[0-9]{1,18})-(?P<last>[0-9]{0,18})|-(?P<suffix>[0-9]{1,18}))",
    re.IGNORECASE,
)
HEADERS = [
    OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="One range of bytes."),
    OpenApiParameter("If-Range", str, OpenApiParameter.HEADER, description="An `ETag`."),
    OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="`ETag`s."),
    OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="`ETag`s."),
    OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 206, 304]),
    OpenApiParameter("Content-Range", str, OpenApiParameter.HEADER, response=[206]),
]


class RangeNotSatisfiable(APIException):
    status_code = 416
    default_code = "range_not_satisfiable"
    default_detail = gettext_lazy("The file has no such bytes.")

    def __init__(self, size: int) -> None:
        super().__init__()
        self.content_range = f"bytes */{size}"


def answer_with_file(request: Request, document: Document) -> HttpResponse | StreamingHttpResponse:
    """200, 206, 304 or 412. Raises FileMissing, FileChanged and RangeNotSatisfiable."""
    etag = quote_etag(document.sha256)
    decided: HttpResponse | None = get_conditional_response(request, etag)
    answer = decided or _content(request, document, _wanted(request, document, etag))
    answer["ETag"] = etag
    answer["Accept-Ranges"] = "bytes"
    return answer


def _wanted(request: Request, document: Document, etag: str) -> range | None:
    """The bytes that are asked for; None for all: a range counts in a GET of the same file."""
    if request.method != "GET" or request.headers.get("If-Range", etag) != etag:
        return None
    part = _parsed(request.headers.get("Range", ""), document.size)
    if part is not None and not part:
        raise RangeNotSatisfiable(document.size)
    return part


def _parsed(header: str, size: int) -> range | None:
    """One range. None for several, and for what is none: both may be answered with the whole."""
    asked = _ONE_RANGE.fullmatch(header)
    if not asked:
        return None
    if asked["suffix"]:
        return range(max(size - int(asked["suffix"]), 0), size)
    first = int(asked["first"])
    last = int(asked["last"] or max(first, size))
    return range(first, min(last + 1, size)) if first <= last else None


def _content(request: Request, document: Document, part: range | None) -> StreamingHttpResponse:
    told = part or range(document.size)
    blocks = _Blocks(_opened(document), told if request.method == "GET" else range(0))
    close_old_connections()  # a client that reads slowly must not keep one of a few
    answer = StreamingHttpResponse(blocks, content_type=document.content_type)
    answer["Content-Length"] = str(len(told))
    if part:
        answer.status_code = 206
        answer["Content-Range"] = f"bytes {part[0]}-{part[-1]}/{document.size}"
    return answer


def _opened(document: Document) -> File[bytes]:
    """Before anything is answered: in the middle of it there is no way to tell what is wrong."""
    try:
        stored: File[bytes] = document.file.open("rb")
        size = stored.size
    except FileNotFoundError as error:
        raise FileMissing from error
    if size != document.size:  # a client would wait for the bytes that its length promises
        stored.close()
        raise FileChanged
    return stored


class _Blocks:
    """An async iterator: Django would gather a synchronous one in memory under ASGI."""

    def __init__(self, file: File[bytes], part: range) -> None:
        if part.start:  # a storage may fetch the whole file for it
            file.seek(part.start)
        self._left = len(part)
        self._read = sync_to_async(file.read)
        self.close = file.close  # the response does it at its end, however it comes

    def __aiter__(self) -> "_Blocks":
        return self

    async def __anext__(self) -> bytes:
        block: bytes = await self._read(min(BLOCK, self._left))
        if not block:
            raise StopAsyncIteration
        self._left -= len(block)
        return block
