"""An embedding server that answers at once: ``python -m bench.embedding_stub PORT DIMENSIONS``.

It speaks OpenAI's protocol with prepared vectors, so that only the other components are measured;
with a third argument, with those of saved `bench.meanings`.
"""

import base64
import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.meanings import load

VECTORS = 256


def main() -> None:
    port, dimensions = map(int, sys.argv[1:3])
    meanings = load(Path(sys.argv[3])) if len(sys.argv) > 3 else None
    rows = np.random.default_rng(1).standard_normal((VECTORS, dimensions)).astype("<f4")
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    packed: Iterator[str] = cycle(map(_packed, rows))
    numbers = cycle([json.dumps(row.tolist()) for row in rows])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
            vectors = packed if asked.get("encoding_format") == "base64" else numbers
            if meanings:
                vectors = map(_packed, map(meanings.vector, texts))
            body = _body(list(islice(vectors, len(texts)))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


def _packed(vector: NDArray[np.float32]) -> str:
    return json.dumps(base64.b64encode(vector.astype("<f4").tobytes()).decode())


def _body(vectors: list[str]) -> str:
    data = ",".join(
        f'{{"object":"embedding","index":{index},"embedding":{vector}}}'
        for index, vector in enumerate(vectors)
    )
    usage = '{"prompt_tokens":1,"total_tokens":1}'
    return f'{{"object":"list","model":"stub","usage":{usage},"data":[{data}]}}'


if __name__ == "__main__":
    main()
