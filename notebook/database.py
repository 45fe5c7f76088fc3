"""A connection with a timeout: a frozen Postgres must not freeze its clients.

libpq waits for as long as the other side's kernel keeps the connection open.
"""

from typing import Any, ClassVar

import psycopg
from psycopg.errors import _WaitTimeout

# Each side notices within half a minute that the other's machine is gone. By default that takes
# hours, for which the sweeper's lock would stay and a worker wait.
KEEPALIVES = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}
_OF_SERVER = {"lock_timeout": 10_000, "idle_in_transaction_session_timeout": 120_000}


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


def told(statement_timeout_ms: int) -> dict[str, Any]:
    """What both sides are told of each connection."""
    of_server = {"statement_timeout": statement_timeout_ms, **_OF_SERVER}
    of_server |= {f"tcp_{name}": value for name, value in KEEPALIVES.items()}
    return {
        "application_name": "notebook",
        "connect_timeout": 5,
        "options": " ".join(f"-c {name}={value}" for name, value in of_server.items()),
        "tcp_user_timeout": 30_000,  # milliseconds, where something was sent
        **KEEPALIVES,
    }


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
