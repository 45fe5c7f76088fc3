"""Many sockets in one process, for `bench.socket`: records what arrives when.

Each line of JSON is a request, `open` (addresses), `collect` or `close`, and gets one answer.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection, connect


class Socket:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.seen: list[tuple[str, int, str, float]] = []  # task, seq, status, time
        self.has_first = asyncio.Event()
        self.reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for text in self._connection:
            at = time.time()
            said = json.loads(text)
            self.seen.append((said["task_id"], said["seq"], said["status"], at))
            self.has_first.set()

    async def close(self) -> None:
        await self._connection.close()
        await asyncio.gather(self.reader, return_exceptions=True)


async def opened(address: str, token: str) -> Socket:
    protocols: Any = ["notebook.v1", f"token.{token}"]
    socket = Socket(await connect(address, subprotocols=protocols, compression=None))
    await asyncio.wait_for(socket.has_first.wait(), 60)
    return socket


async def open_all(addresses: Sequence[str], token: str) -> list[Socket]:
    """Twenty at a time, as a server's backlog is limited."""
    found: list[Socket] = []
    for at in range(0, len(addresses), 20):
        found += await asyncio.gather(*(opened(each, token) for each in addresses[at : at + 20]))
    return found


async def serve(token: str) -> None:
    sockets: list[Socket] = []
    print(json.dumps({"ready": True}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        wish = json.loads(line)
        answer: Any = None
        if "open" in wish:
            sockets += await open_all(wish["open"], token)
        elif "collect" in wish:
            answer = [socket.seen for socket in sockets]
        else:
            await asyncio.gather(*(socket.close() for socket in sockets))
            sockets = []
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
