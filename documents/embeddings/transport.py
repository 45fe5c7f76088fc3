"""Bounds a request's total time and the size of its answer, and stops it when asked to.

httpx2 only limits single reads, so an answer that trickles in would hold a worker for hours, and an
endless one would fill its memory. Here every read checks the allowance of the running request.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

import httpcore2
import httpx2

from tasks.exceptions import Fenced

LOOK_SECONDS = 0.5  # how often `should_stop` is asked while waiting for an answer


class AnswerTooLarge(Exception):
    """The answer is larger than any answer to this request can be."""


class AnswerPacked(Exception):
    """The answer is compressed although we refused that: its size is unknown beforehand."""


@dataclass
class _Allowance:
    ends_at: float  # time.monotonic
    bytes_left: int
    should_stop: Callable[[], bool]

    def seconds(self, most: float | None = None) -> float:
        """Seconds left, at most `most`. Raises Fenced, or httpcore2.ReadTimeout if none are."""
        if self.should_stop():
            raise Fenced
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("The whole answer took too long.")
        return left if most is None else min(most, left)

    def take(self, size: int) -> None:
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise AnswerTooLarge


_allowance: ContextVar[_Allowance] = ContextVar("allowance")


@contextmanager
def allowed(*, seconds: float, size: int, should_stop: Callable[[], bool]) -> Iterator[None]:
    """Limit the requests of this thread to `seconds` and `size` bytes of answer together."""
    token = _allowance.set(_Allowance(time.monotonic() + seconds, size, should_stop))
    try:
        yield
    finally:
        _allowance.reset(token)


def limit(http: httpx2.Client) -> None:
    """Make the client's connections obey `allowed`."""
    # There is no public way to have both the environment's proxies and our own network backend.
    for transport in (http._transport, *http._mounts.values()):
        if isinstance(transport, httpx2.HTTPTransport):
            transport._pool._network_backend = _Backend()
    http.headers["Accept-Encoding"] = "identity"
    http.event_hooks["response"] = [_refuse_packed]


def _refuse_packed(response: httpx2.Response) -> None:
    if response.headers.get("content-encoding", "identity") not in ("", "identity"):
        raise AnswerPacked


class _Stream(httpcore2.NetworkStream):
    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        allowance = _allowance.get()
        while True:
            wait = allowance.seconds(LOOK_SECONDS)
            with suppress(httpcore2.ReadTimeout):
                found = self._inner.read(max_bytes, wait)
                allowance.take(len(found))
                return found

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _allowance.get().seconds())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "_Stream":
        seconds = _allowance.get().seconds(timeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore2.NetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        seconds = _allowance.get().seconds(timeout)
        return _Stream(self._inner.connect_tcp(host, port, seconds, local_address, socket_options))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)
