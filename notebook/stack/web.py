"""Daphne with our limits: `python -m notebook.stack.web --port 8000`."""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from typing import Any

import daphne.server  # first: it installs Twisted's asyncio reactor
from autobahn.exception import Disconnected
from daphne import http_protocol
from django.conf import settings
from twisted.internet.defer import Deferred

from documents.storage import make_incoming
from notebook.database import ImpatientConnection
from notebook.stack.bodies import (
    SLACK_BYTES,
    BodyFromFile,
    BoundedRequest,
    Flow,
    JudgeSender,
    let_in,
)
from notebook.stack.heads import BoundedChannel
from notebook.terminal import mistakes_told

HTTP_TIMEOUT_SECONDS = 900  # for a whole download
STOP_SECONDS = 5  # for requests under way when we are told to stop
EVENT_STREAM = b"text/event-stream"
DATABASE_SECONDS = 8  # if Postgres does not respond, the answer is 503
WEBSOCKET_MESSAGE_BYTES = 64 * 1024
WEBSOCKET_MESSAGES_WAITING = 100  # of one client, not yet handled


class Server(daphne.server.Server):
    """Daphne's, but request bodies are passed on as files, sending waits for slow clients, and a
    stop waits for the requests under way."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._ports: list[Any] = []

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        self._ports.append(port)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if body := getattr(protocol, "body", None):
            body.seek(0)
            scope["body"] = body
        inbox = super().create_application(protocol, scope)
        if scope["type"] == "websocket" and inbox:
            inbox.put_nowait = partial(_put_within_limit, protocol, inbox, inbox.put_nowait)
        return inbox

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        try:
            await super().handle_reply(protocol, message)
        except Disconnected:  # the client is just leaving
            return
        if message["type"] == "websocket.accept":
            protocol.flow = _flow_of(protocol.transport)
            protocol.failByDrop = False  # protocol errors are answered with a close code
        if flow := getattr(protocol, "flow", None):
            await flow.room.wait()

    def protocol_disconnected(self, protocol: Any) -> None:
        if flow := getattr(protocol, "flow", None):
            flow.stopProducing()  # ends the wait in handle_reply
        super().protocol_disconnected(protocol)

    def kill_all_applications(self) -> "Deferred[None]":
        """Called once, when we are told to stop; the reactor runs on until this is done."""
        for port in self._ports:
            port.stopListening()
        return Deferred.fromFuture(asyncio.ensure_future(self._end_applications()))

    async def _end_applications(self) -> None:
        """Sockets and event streams are not waited for: their clients reconnect elsewhere."""
        if requests := self._applications(_is_request):
            await asyncio.wait(requests, timeout=STOP_SECONDS)
        rest = self._applications(lambda _protocol: True)
        for application in rest:
            application.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def _applications(self, chosen: Callable[[Any], bool]) -> list["asyncio.Future[None]"]:
        found = [(each, its.get("application_instance")) for each, its in self.connections.items()]
        return [running for each, running in found if running and chosen(each)]


def _is_request(protocol: Any) -> bool:
    """Whether it is one that ends by itself: no socket, and no stream of a task's events."""
    method = getattr(protocol, "method", b"GET")
    answer = getattr(protocol, "responseHeaders", None)
    kind = answer.getRawHeaders(b"Content-Type", []) if answer else [EVENT_STREAM]
    return method != b"GET" or EVENT_STREAM not in kind


def _put_within_limit(protocol: Any, inbox: Any, put: Any, message: dict[str, Any]) -> None:
    """Pass a message on. Drops a client that keeps sending without reading the answers."""
    if message["type"] == "websocket.receive" and inbox.qsize() >= WEBSOCKET_MESSAGES_WAITING:
        protocol.dropConnection(abort=True)
    else:
        put(message)


def _flow_of(transport: Any) -> Flow:
    """Flow control for a socket, in place of the HTTP channel's that Daphne has left there."""
    flow = Flow()
    transport.unregisterProducer()
    transport.registerProducer(flow, True)
    return flow


def build_server(
    application: Any, *, host: str, port: int, max_upload_mb: int, behind_proxy: bool,
    judge_sender: JudgeSender = let_in,
) -> Server:  # fmt: skip
    """Daphne for an ASGI application, with our limits; `run()` serves until a signal."""
    BoundedRequest.max_body_bytes = max_upload_mb * 1024**2 + SLACK_BYTES
    BoundedRequest.judge_sender = staticmethod(judge_sender)
    http_protocol.WebRequest = BoundedRequest  # its factory offers no other way
    http_protocol.HTTPFactory.protocol = BoundedChannel
    interface = host.replace(":", r"\:")
    return Server(
        application=BodyFromFile(application),
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

    with mistakes_told():
        from notebook.asgi import application  # noqa: PLC0415 - sets Django up
        from notebook.stack.senders import refusal_of  # noqa: PLC0415 - after that

    ImpatientConnection.answer_seconds = DATABASE_SECONDS
    tempfile.tempdir = str(make_incoming())  # on the volume of the files
    server = build_server(
        application,
        host=options.host,
        port=options.port,
        max_upload_mb=settings.MAX_UPLOAD_MB,
        behind_proxy=settings.HTTPS,
        judge_sender=refusal_of,
    )
    server.run()
    if not server.listening_addresses:
        sys.exit(f"Nothing can listen on {options.host}:{options.port}.")


if __name__ == "__main__":
    main()
