"""Heads of requests: each is whole within a minute, however its client drips it."""

from typing import Any

from twisted.web import http

Channel: Any = http.HTTPChannel  # says little of its types
IDLE_SECONDS = 60  # for a head, from the end of the request before, and between pieces of a body


class BoundedChannel(Channel):
    """Twisted's gives each byte of a head all of its time to wait for the next one."""

    idle_seconds: float = IDLE_SECONDS

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        self.timeOut = self.idle_seconds
        super().connectionMade()

    def resetTimeout(self) -> None:  # noqa: N802
        """Called for all that is received."""
        if not self.line_mode:
            super().resetTimeout()

    def allHeadersReceived(self) -> None:  # noqa: N802
        super().allHeadersReceived()
        super().resetTimeout()
