"""A connection with a timeout: a frozen Postgres must not freeze its clients.

libpq waits for as long as the other side's kernel keeps the connection open.
"""

from typing import Any, ClassVar

import psycopg
from psycopg.errors import _WaitTimeout


class ImpatientConnection(psycopg.Connection[Any]):
    """Raises OperationalError when a statement has no answer after `answer_seconds`."""

    answer_seconds: ClassVar[float | None] = None  # None in workers: their lease expires

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return super().wait(gen, interval, timeout or self.answer_seconds)
        except _WaitTimeout as error:
            if timeout:
                raise
            self.close()  # a late answer would be taken for that of the next statement
            seconds = f"{self.answer_seconds:.0f}"
            raise psycopg.OperationalError(f"no answer after {seconds} s") from error


def pool_of(size: int) -> dict[str, Any]:
    """Options for a pool of at most `size` connections per process."""
    return {
        "min_size": 0,
        "max_size": size,
        "timeout": 5,
        # Plans are made when a connection is new, and may not suit tables that have grown since.
        "max_lifetime": 60,
        "max_idle": 60,
        # Else the pauses between tries grow to minutes, long after Postgres is back.
        "reconnect_timeout": 2,
        "connection_class": ImpatientConnection,
    }
