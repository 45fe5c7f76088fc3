"""A small server that speaks OpenAI's chat protocol, streaming, over real HTTP, and misbehaves."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Speech = Callable[[BaseHTTPRequestHandler], None]


def chunk(text: str | None, finish: str | None = None) -> bytes:
    delta = {"content": text} if text is not None else {}
    body = {
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }  # fmt: skip
    return f"data: {json.dumps(body)}\n\n".encode()


def begin(handler: BaseHTTPRequestHandler, *, length: int | None = None) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    if length is not None:
        handler.send_header("Content-Length", str(length))
    handler.send_header("Connection", "close")
    handler.end_headers()


class ChatServer:
    """Says `pieces`; `misbehave` speaks instead, if it is set."""

    def __init__(self) -> None:
        self.pieces = ["It rose", " late [", "1", "]."]
        self.misbehave: Speech | None = None
        self.requests: list[dict[str, Any]] = []
        self.gone = threading.Event()  # a client left before the end
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> "ChatServer":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                chat.requests.append(json.loads(self.rfile.read(length)))
                with suppress(OSError):
                    (chat.misbehave or chat.speak)(self)

            def log_message(self, *_: object) -> None:
                return

        return Handler

    def speak(self, handler: BaseHTTPRequestHandler) -> None:
        begin(handler)
        for piece in self.pieces:
            handler.wfile.write(chunk(piece))
        handler.wfile.write(chunk(None, "stop") + b"data: [DONE]\n\n")

    def speak_for_ever(self, handler: BaseHTTPRequestHandler) -> None:
        begin(handler)
        try:
            while True:
                handler.wfile.write(chunk("on and on "))
        except OSError:
            self.gone.set()
            raise
