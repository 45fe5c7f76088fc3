"""Bounds the time of a request's headers to a minute, however slowly they trickle in."""

from typing import Any

from twisted.web import http

Channel: Any = http.HTTPChannel  # says little of its types
IDLE_SECONDS = 60  # for a head, from the end of the request before, and between pieces of a body


class BoundedChannel(Channel):
    """Twisted's restarts its timeout with every byte of the headers."""

    idle_seconds: float = IDLE_SECONDS

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        self.timeOut = self.idle_seconds
        super().connectionMade()

    def resetTimeout(self) -> None:  # noqa: N802
        """Called whenever something is received; ignored while reading headers."""
        if not self.line_mode:
            super().resetTimeout()

    def allHeadersReceived(self) -> None:  # noqa: N802
        super().allHeadersReceived()
        super().resetTimeout()
