"""Daphne with a limit on bodies: `python -m notebook.stack.web --port 8000`.

Daphne reads a whole body into memory before the application sees the request, so the
application's own 413 comes too late. Here it is sent as soon as the limit is passed.
"""

import argparse
import json
import os
import sys
from http import HTTPStatus
from typing import Any

import daphne.server  # first: it installs Twisted's asyncio reactor
from daphne import http_protocol
from django.conf import settings
from twisted.internet import reactor

SLACK_BYTES = 1024 * 1024  # a form's other fields and its boundaries
LINGER_SECONDS = 5
HTTP_TIMEOUT_SECONDS = 900  # a whole download on a slow line
WEBSOCKET_MESSAGE_BYTES = 64 * 1024


class BoundedRequest(http_protocol.WebRequest):
    """A request whose body may be `max_body_bytes` long; a longer one is answered with 413."""

    max_body_bytes = 0
    _received_bytes = 0
    _abort: Any = None  # Twisted's delayed call

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        # Twisted keeps a body of unknown length in memory; one as long as the limit on disk.
        super().gotLength(self.max_body_bytes if length is None else length)
        if length is not None and length > self.max_body_bytes:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        self._received_bytes += len(data)
        if self._abort:
            return
        if self._received_bytes > self.max_body_bytes:
            self._refuse()
        else:
            super().handleContentChunk(data)

    def process(self) -> object:
        return None if self._abort else super().process()

    def _refuse(self) -> None:
        """Answer, then read on for a while: a closed door would cost the client our answer."""
        self.requestHeaders.removeHeader(b"Expect")  # no "100 Continue" after this
        self.channel.transport.write(refusal(self.max_body_bytes - SLACK_BYTES))
        self.channel.transport.loseWriteConnection()
        self.channel.dataReceived = lambda _data: None
        clock: Any = reactor
        self._abort = clock.callLater(LINGER_SECONDS, self.channel.transport.abortConnection)

    def connectionLost(self, reason: object) -> None:  # noqa: N802
        if self._abort and self._abort.active():
            self._abort.cancel()
        super().connectionLost(reason)


def refusal(max_bytes: int) -> bytes:
    """The whole HTTP response to a body of more than `max_bytes`."""
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    problem = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status,
        "detail": f"The file is larger than {max_bytes // 1024**2} MB.",
        "code": "file_too_large",
    }
    body = json.dumps(problem)
    head = (
        f"HTTP/1.1 {status} {status.phrase}",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    return "\r\n".join([*head, "", body]).encode()


def build_server(
    application: Any, *, host: str, port: int, max_upload_mb: int, behind_proxy: bool
) -> daphne.server.Server:
    """Daphne for an ASGI application, with our limits; `run()` serves until a signal."""
    BoundedRequest.max_body_bytes = max_upload_mb * 1024**2 + SLACK_BYTES
    http_protocol.WebRequest = BoundedRequest  # its factory offers no other way
    interface = host.replace(":", r"\:")
    return daphne.server.Server(
        application=application,
        endpoints=[f"tcp:{port}:interface={interface}"],
        http_timeout=HTTP_TIMEOUT_SECONDS,
        websocket_max_message_size=WEBSOCKET_MESSAGE_BYTES,
        websocket_max_frame_size=WEBSOCKET_MESSAGE_BYTES,
        proxy_forwarded_address_header="X-Forwarded-For" if behind_proxy else None,
        server_name="",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the API, the sockets and the page.")
    parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
    options = parser.parse_args()

    from notebook.asgi import application  # noqa: PLC0415 - sets Django up

    server = build_server(
        application,
        host=options.host,
        port=options.port,
        max_upload_mb=settings.MAX_UPLOAD_MB,
        behind_proxy=settings.HTTPS,
    )
    server.run()
    if not server.listening_addresses:
        sys.exit(f"Nothing can listen on {options.host}:{options.port}.")


if __name__ == "__main__":
    main()
