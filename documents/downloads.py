"""A stored file as a response: whole, a range of its bytes, or 304 (RFC 9110).

Needs nothing of a storage but `open`, `seek` and `read`, so any class will do.
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
    """The range asked for; None for the whole file. Only a GET of the same version has one."""
    if request.method != "GET" or request.headers.get("If-Range", etag) != etag:
        return None
    part = _parsed(request.headers.get("Range", ""), document.size)
    if part is not None and not part:
        raise RangeNotSatisfiable(document.size)
    return part


def _parsed(header: str, size: int) -> range | None:
    """A single range. None for none or several, to which the whole file is a valid answer."""
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
    close_old_connections()  # a client that reads slowly must not hold one of the few
    answer = StreamingHttpResponse(blocks, content_type=document.content_type)
    answer["Content-Length"] = str(len(told))
    if part:
        answer.status_code = 206
        answer["Content-Range"] = f"bytes {part[0]}-{part[-1]}/{document.size}"
    return answer


def _opened(document: Document) -> File[bytes]:
    """Opened before the response starts: in the middle of it no error could be sent."""
    try:
        stored: File[bytes] = document.file.open("rb")
        size = stored.size
    except FileNotFoundError as error:
        raise FileMissing from error
    if size != document.size:  # a client would wait for the bytes that Content-Length promises
        stored.close()
        raise FileChanged
    return stored


class _Blocks:
    """An async iterator: under ASGI Django would collect a synchronous one in memory."""

    def __init__(self, file: File[bytes], part: range) -> None:
        if part.start:  # a remote storage may fetch the whole file for a seek
            file.seek(part.start)
        self._left = len(part)
        self._read = sync_to_async(file.read)
        self.close = file.close  # called by the response at its end, whatever happens

    def __aiter__(self) -> "_Blocks":
        return self

    async def __anext__(self) -> bytes:
        block: bytes = await self._read(min(BLOCK, self._left))
        if not block:
            raise StopAsyncIteration
        self._left -= len(block)
        return block
