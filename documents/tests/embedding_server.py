"""A small server that speaks OpenAI's embeddings protocol over real HTTP and misbehaves on demand.

Vectors are hashed bags of words, so that texts that share words are near each other. Those of a
model whose name begins with "reversed" are the same from the end, of no use to the others.
"""

import base64
import json
import re
import struct
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DIMENSIONS = 384
Reply = tuple[int, dict[str, str], bytes]  # status, headers, body
Speech = Callable[[BaseHTTPRequestHandler], None]  # writes on the connection whatever it likes


def vector(text: str) -> list[float]:
    values = [0.0] * DIMENSIONS
    for word in re.findall(r"\w", text) if not text.isascii() else re.findall(r"\w+", text.lower()):
        values[zlib.crc32(word.encode()) % DIMENSIONS] += 1.0
    length = sum(x * x for x in values) ** 0.5 or 1.0
    return [x / length for x in values] if any(values) else [1.0] + [0.0] * (DIMENSIONS - 1)


def body(model: str, vectors: list[list[float]], as_base64: bool) -> dict[str, Any]:
    def encoded(values: list[float]) -> Any:
        if as_base64:
            return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
        return values

    data = [
        {"object": "embedding", "index": i, "embedding": encoded(values)}
        for i, values in enumerate(vectors)
    ]
    usage = {"prompt_tokens": len(vectors), "total_tokens": len(vectors)}
    return {"object": "list", "model": model, "data": data, "usage": usage}


class EmbeddingServer:
    """`misbehave` is asked before each request: a Reply is sent as it is, a Speech is let speak and
    the connection closed, None means behave."""

    def __init__(self) -> None:
        self.texts: list[str] = []  # all that were embedded, in order
        self.requests = 0
        self.requested: list[float] = []  # when, time.monotonic
        self.misbehave: Callable[[dict[str, Any]], Reply | Speech | None] = lambda request: None
        self.seconds_per_request = 0.0
        self._counting = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> "EmbeddingServer":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reset(self) -> None:
        self.texts.clear()
        self.requests = 0
        self.requested.clear()
        self.misbehave = lambda request: None
        self.seconds_per_request = 0.0

    def answer(self, request: dict[str, Any]) -> Reply | Speech:
        with self._counting:
            self.requests += 1
            self.requested.append(time.monotonic())
        odd = self.misbehave(request)
        if odd is not None:
            return odd
        texts = request["input"] if isinstance(request["input"], list) else [request["input"]]
        time.sleep(self.seconds_per_request)
        self.texts += texts
        as_base64 = request.get("encoding_format") == "base64"
        way = -1 if request["model"].startswith("reversed") else 1
        found = body(request["model"], [vector(text)[::way] for text in texts], as_base64)
        return 200, {"Content-Type": "application/json"}, json.dumps(found).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                found = server.answer(json.loads(self.rfile.read(length)))
                if callable(found):
                    with suppress(OSError):  # the client had enough
                        found(self)
                    self.close_connection = True
                    return
                status, headers, content = found
                (self.send_response_only if "Date" in headers else self.send_response)(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                return

        return Handler


def error(status: int, **headers: str) -> Reply:
    content = json.dumps({"error": {"message": "no", "type": "error", "code": None}}).encode()
    return status, {"Content-Type": "application/json", **headers}, content
