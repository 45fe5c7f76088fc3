"""The HTTP server: a thread per connection, keep-alive, JSON answers."""

import json
import logging
import select
import socket
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from notebook.stack.embedder import protocol
from notebook.stack.embedder.batching import StoppedError
from notebook.stack.embedder.embedder import PREFIXES, AbandonedError, Embedder
from notebook.stack.embedder.protocol import ApiError, EmbeddingsRequest
from notebook.stack.embedder.tokenization import TextTooLongError

_DRAIN_BYTES = 64 * 1024 * 1024

logger = logging.getLogger(__name__)


class Server(ThreadingHTTPServer):
    """Binds at once, so that a port in use is noticed early; accepts requests after ``listen``."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Handler, bind_and_activate=False)
        self.server_bind()
        self.embedder: Embedder
        self.is_stopping = False
        self._busy = 0
        self._idle = threading.Condition()

    def listen(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self.server_activate()

    def stop(self, seconds: float) -> None:
        """Accept no more connections and give running requests ``seconds`` to end."""
        self.is_stopping = True
        self.server_close()
        with self._idle:
            self._idle.wait_for(lambda: self._busy == 0, seconds)
        self.embedder.stop()
        # Requests that were waiting have just failed: let their 503 reach the client.
        with self._idle:
            self._idle.wait_for(lambda: self._busy == 0, 0.5)

    def count_busy(self, change: int) -> None:
        with self._idle:
            self._busy += change
            self._idle.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if isinstance(error, ConnectionError | TimeoutError):
            logger.debug("%s went away: %s", client_address, error)
        else:
            logger.error("Connection of %s failed", client_address, exc_info=error)


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True
    wbufsize = -1

    def handle_one_request(self) -> None:
        super().handle_one_request()
        if self.server.is_stopping:
            self.close_connection = True

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Errors that the base class finds in a request, in OpenAI's format too."""
        self.close_connection = True
        self.request_version = self.protocol_version  # else a request of no version gets no headers
        self._send(ApiError(code, message or HTTPStatus(code).phrase))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class's name
        logger.debug("%s %s", self.address_string(), format % args)

    def _answer(self, route: Any) -> None:
        self.server.count_busy(1)
        try:
            self._send(route())
        except ApiError as error:
            self._send(error)
        except AbandonedError:
            self.close_connection = True
        except StoppedError:
            self._send(ApiError(503, "The embedder is stopping.", kind="server_error"))
        except OSError:
            raise
        except Exception:
            logger.exception("%s %s failed", self.command, self.path)
            self._send(ApiError(500, "The embedder failed.", kind="server_error"))
        finally:
            self.server.count_busy(-1)

    def _get(self) -> protocol.Json:
        if self.path == "/health":
            return {"status": "ok"}
        if self.path == "/v1/models":
            return protocol.models_body()
        if self.path.startswith("/v1/models/"):
            model = self.path.removeprefix("/v1/models/")
            if model not in PREFIXES:
                raise protocol.unknown_model(model)
            return protocol.model_body(model)
        raise self._unknown_url()

    def _post(self) -> protocol.Json:
        body = self._read_body()
        if self.path != "/v1/embeddings":
            raise self._unknown_url()
        request = EmbeddingsRequest.parse(body)
        embeddings = self.server.embedder.embed(self._tokenize(request), self._client_left)
        return protocol.embeddings_body(request, embeddings)

    def _tokenize(self, request: EmbeddingsRequest) -> list[list[int]]:
        texts = []
        total = 0
        for index, text in enumerate(request.texts):
            try:
                texts.append(self.server.embedder.tokenize(request.model, text))
            except TextTooLongError:
                raise protocol.text_too_long(index) from None
            total += len(texts[-1]) + 2
            if total > protocol.MAX_REQUEST_TOKENS:
                raise protocol.too_many_tokens()
        return texts

    def _read_body(self) -> bytes:
        size = self.headers.get("Content-Length", "")
        if not (size.isascii() and size.isdigit()):
            self.close_connection = True
            raise ApiError(411, "A Content-Length is required.")
        if int(size) > protocol.MAX_BODY_BYTES:
            self.close_connection = True
            self._drain(int(size))
            raise ApiError(413, f"The body is larger than {protocol.MAX_BODY_BYTES} bytes.")
        body = self.rfile.read(int(size))
        if len(body) < int(size):
            raise ConnectionAbortedError("The body ended early.")
        return body

    def _drain(self, size: int) -> None:
        """Closing with unread bytes would reset the connection before the answer is read."""
        size = min(size, _DRAIN_BYTES)
        while size > 0 and (part := self.rfile.read(min(size, 65536))):
            size -= len(part)

    def _client_left(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""

    def _unknown_url(self) -> ApiError:
        return ApiError(404, f"Unknown request URL: {self.command} {self.path}.")

    def _send(self, answer: protocol.Json | ApiError) -> None:
        body = answer.body if isinstance(answer, ApiError) else answer
        content = json.dumps(body, separators=(",", ":")).encode()
        self.send_response(answer.status if isinstance(answer, ApiError) else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection or self.server.is_stopping:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()
