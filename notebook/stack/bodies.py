"""Request and response bodies: bounded in size and time, and never whole in memory.

Daphne accepts any body, however slow, and holds several copies of it in memory before the
application sees the request; here one that is too large or too slow is cut off while it arrives. It
also buffers all of a response that its client is slow to read; here the application waits.
"""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from io import BytesIO
from string import printable
from typing import IO, Any
from urllib.parse import quote

import daphne.server  # noqa: F401 - first: it installs Twisted's asyncio reactor
from daphne import http_protocol
from twisted.internet import reactor

from tasks.exceptions import is_storage_full

SLACK_BYTES = 1024 * 1024  # a form's other fields and its boundaries
SMALL_BODY_BYTES = 2 * 1024 * 1024  # for all but uploads; Django accepts half of it
UPLOADS = {b"/api/documents/", b"/api/documents/plan/"}
SESSION_COOKIE = b"sessionid"
MEMORY_BYTES = 128 * 1024  # a longer body goes to a file
BLOCK_BYTES = 64 * 1024  # passed to the application at a time
LINGER_SECONDS = 5
BODY_SECONDS = 900  # for a whole upload; a pause of a minute ends it earlier
SUBPROTOCOLS = b"Sec-WebSocket-Protocol"
STORAGE_FULL = (
    HTTPStatus.INSUFFICIENT_STORAGE,
    "storage_full",
    "The storage is full. Nothing was kept; try again later.",
)
REQUEST_TOO_LARGE = (
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "request_too_large",
    "The request is too large.",
)
Refusal = tuple[HTTPStatus, str, str]
JudgeSender = Callable[[bytes, bytes], Awaitable[Refusal | None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
clock: Any = reactor


async def let_in(_authorization: bytes, _session_key: bytes) -> Refusal | None:
    """Anybody."""
    return None


class BoundedRequest(http_protocol.WebRequest):
    """A request whose body has at most `max_body_bytes` and arrives within `body_seconds`.

    That much is only for uploads with a token or a session, which `judge_sender` checks before more
    than `SMALL_BODY_BYTES` are read. Any other body is limited to these.
    """

    judge_sender: JudgeSender = staticmethod(let_in)
    max_body_bytes = 0
    body_seconds: float = BODY_SECONDS
    content: IO[bytes]
    body: IO[bytes] | None = None
    flow: "Flow | None" = None
    _received_bytes = 0
    _is_upload = False
    _refused = False
    _judging: asyncio.Task[None] | None = None
    _abort: Any = None  # Twisted's delayed call

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        self.content = tempfile.SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115 - closed below
        self._abort_after(self.body_seconds)
        self._is_upload = self._may_be_large()
        if length is not None:
            self._look_at(length)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        self._received_bytes += len(data)
        if not self._refused:
            self._look_at(self._received_bytes)
        if not self._refused:
            self._keep(data)

    def _look_at(self, length: int) -> None:
        """Check the length of the body, as declared or received so far."""
        if length > self._most_bytes():
            self._refuse_length()
        elif length > SMALL_BODY_BYTES and self._judging is None:
            self._judging = asyncio.ensure_future(self._judge())

    async def _judge(self) -> None:
        """Reading pauses meanwhile; what has arrived already may be the whole body."""
        transport = self.channel.transport
        transport.pauseProducing()
        said = self.requestHeaders.getRawHeaders(b"Authorization", [b""])[0]
        try:
            found = await self.judge_sender(said, self.received_cookies.get(SESSION_COOKIE, b""))
        finally:
            transport.resumeProducing()
        if found and self.channel and self.body is None and not self._refused:
            self._refuse(*found)

    def _may_be_large(self) -> bool:
        """Called before the body, when only the channel knows the request line."""
        path = self.channel._path.partition(b"?")[0]
        if self.channel._command != b"POST" or path not in UPLOADS:
            return False
        return self.requestHeaders.hasHeader(b"Authorization") or bool(
            self.received_cookies.get(SESSION_COOKIE)
        )

    def _most_bytes(self) -> int:
        return self.max_body_bytes if self._is_upload else SMALL_BODY_BYTES

    def _refuse_length(self) -> None:
        said = too_large(self.max_body_bytes) if self._is_upload else REQUEST_TOO_LARGE
        self._refuse(*said)

    def _keep(self, data: bytes) -> None:
        try:
            self.content.write(data)
            self.content.flush()
        except OSError as error:
            if not is_storage_full(error):
                raise
            self._drop_content()
            self._refuse(*STORAGE_FULL)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802
        """The whole body has arrived. From here on only `BodyFromFile` uses it."""
        self.body, self.content = self.content, BytesIO()
        if self._refused:
            return
        self._cancel_abort()
        if self.requestHeaders.hasHeader(b"Transfer-Encoding"):  # Django needs a length
            self.requestHeaders.setRawHeaders(b"Content-Length", [b"%d" % self._received_bytes])
        super().requestReceived(command, path, version)

    def process(self) -> Any:
        """Daphne takes subprotocols for percent-encoded ASCII; other bytes would be a 500."""
        offered = self.requestHeaders.getRawHeaders(SUBPROTOCOLS)
        if offered:
            encoded = [quote(each, safe=printable) for each in offered]
            self.requestHeaders.setRawHeaders(SUBPROTOCOLS, encoded)
        return super().process()

    def _refuse(self, status: HTTPStatus, code: str, detail: str) -> None:
        """Answer, then keep reading for a while: closing at once could lose the answer."""
        self._refused = True
        self.requestHeaders.removeHeader(b"Expect")  # no "100 Continue" after this
        self.channel.transport.write(refusal(status, code, detail))
        self.channel.transport.loseWriteConnection()
        self.channel.dataReceived = lambda _data: None
        self._abort_after(LINGER_SECONDS)

    def _abort_after(self, seconds: float) -> None:
        self._cancel_abort()
        self._abort = clock.callLater(seconds, self.channel.transport.abortConnection)

    def _cancel_abort(self) -> None:
        if self._abort and self._abort.active():
            self._abort.cancel()

    def _drop_content(self) -> None:
        with suppress(OSError):  # its buffer can't be written either
            self.content.close()
        self.content = BytesIO()

    def handle_reply(self, message: dict[str, Any]) -> None:
        starts = message["type"] == "http.response.start" and self.flow is None
        if starts and self.channel and not self.finished:
            self.flow = Flow()
            self.registerProducer(self.flow, True)
        if self.method == b"HEAD" and message["type"] == "http.response.body":
            message = {"type": message["type"]}  # Daphne would send all pieces but the first
        super().handle_reply(message)

    def handle_exception(self, exception: BaseException) -> None:
        """Abort a response that has begun. Daphne would start a second one, which raises inside
        its loop over all requests and ends that for good."""
        if self._response_started and self.channel and not self.finished:
            self.channel.transport.abortConnection()
        else:
            super().handle_exception(exception)

    def finish(self) -> None:
        if self.flow:
            self.flow.resumeProducing()
            self.unregisterProducer()
        super().finish()

    def connectionLost(self, reason: object) -> None:  # noqa: N802
        self._cancel_abort()
        if self.flow:
            self.flow.resumeProducing()
        super().connectionLost(reason)


class Flow:
    """A Twisted producer: `room` is set while the client keeps up with what is sent."""

    def __init__(self) -> None:
        self.room = asyncio.Event()
        self.resumeProducing()

    def pauseProducing(self) -> None:  # noqa: N802
        self.room.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        self.room.set()

    stopProducing = resumeProducing  # noqa: N815


class BodyFromFile:
    """ASGI middleware that passes the request's body on from the file it was received into."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        body = scope.pop("body", None)
        if body is None:
            await self.application(scope, receive, send)
            return
        with body:
            try:
                await self.application(scope, partial(_next_message, body, receive), send)
            except OSError as error:
                if not is_storage_full(error):
                    raise
                await _send_problem(send, *STORAGE_FULL)


async def _next_message(body: IO[bytes], receive: Receive) -> dict[str, Any]:
    """The body's next block; after its end Daphne's messages, first an empty body."""
    if block := body.read(BLOCK_BYTES):
        await asyncio.sleep(0)  # let others run
        return {"type": "http.request", "body": block, "more_body": True}
    return await receive()


async def _send_problem(send: Send, status: HTTPStatus, code: str, detail: str) -> None:
    headers = [(b"Content-Type", b"application/problem+json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": problem(status, code, detail)})


def too_large(max_body_bytes: int) -> tuple[HTTPStatus, str, str]:
    megabytes = (max_body_bytes - SLACK_BYTES) // 1024**2
    detail = f"The file is larger than {megabytes} MB."
    return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "file_too_large", detail


def problem(status: HTTPStatus, code: str, detail: str) -> bytes:
    """The body of a problem, as `notebook.problems` makes it, but without Django."""
    said = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    return json.dumps(said).encode()


def refusal(status: HTTPStatus, code: str, detail: str) -> bytes:
    """A whole HTTP response."""
    body = problem(status, code, detail)
    head = (
        f"HTTP/1.1 {status} {status.phrase}",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(["WWW-Authenticate: Token"] if status == HTTPStatus.UNAUTHORIZED else []),
    )
    return "\r\n".join([*head, "", ""]).encode() + body
