"""Retrieval quality through the real API.

    python -m bench.retrieval FOLDER --url http://127.0.0.1:8000 --user admin --password …

FOLDER holds question sets: files in the SQuAD layout (`*.json`; each article becomes a document,
and a hit is right in the question's paragraph) and folders in BEIR's (`corpus.jsonl`,
`queries.jsonl`, `qrels/test.tsv`; each row becomes a document). Every question is asked of its own
set's documents by vectors, by words and by both.
"""

import argparse
import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from bench.question_sets import Item, Question, QuestionSet, load

TOP_K = 10
MODES = ("vector", "text", "hybrid")
COLUMNS = ["set", "questions", "documents", "chunks", "mode", "R@1", "R@5", "R@10", "MRR@10",
           "nDCG@10"]  # fmt: skip
WORKERS = 4
LONGEST_QUESTION = 1000  # characters


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.retrieval", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--password", required=True)
    options = parser.parse_args()
    print("| " + " | ".join(COLUMNS) + " |")
    print("|" + "---|" * len(COLUMNS))
    with client(options.url, options.user, options.password) as api:
        for found in load(options.folder):
            for row in _measure(api, found):
                print(row, flush=True)


def client(url: str, user: str, password: str) -> httpx2.Client:
    given = {"username": user, "password": password}
    token = httpx2.post(f"{url}/api/auth/token/", json=given, timeout=30).json()["token"]
    return httpx2.Client(base_url=url, timeout=60, headers={"Authorization": f"Token {token}"})


def _measure(api: httpx2.Client, found: QuestionSet) -> Iterator[str]:
    with ThreadPoolExecutor(WORKERS) as pool:
        ids = list(pool.map(lambda name: _upload(api, found, name), found.documents))
    chunks = sum(_until_available(api, document) for document in ids)
    names = dict(zip(ids, found.documents, strict=True))
    time.sleep(15)  # Postgres updates its word statistics every ten seconds
    for mode in MODES:
        ask = partial(_gains, api, found, names, mode)
        with ThreadPoolExecutor(WORKERS) as pool:
            ranked = list(pool.map(ask, found.questions))
        figures = [f"{_mean(metric, ranked, found.questions):.3f}" for metric in METRICS]
        row = [found.name, len(ranked), len(names), chunks, mode, *figures]
        yield "| " + " | ".join(map(str, row)) + " |"


def _upload(api: httpx2.Client, found: QuestionSet, name: str) -> str:
    file = (_file_name(found, name), found.documents[name].encode())
    answer = api.post("/api/documents/", files={"file": file})
    answer.raise_for_status()
    document: str = answer.json()["id"]
    return document


def _file_name(found: QuestionSet, name: str) -> str:
    return f"{found.name} - {name}.txt"


def _until_available(api: httpx2.Client, document: str) -> int:
    while True:
        found = api.get(f"/api/documents/{document}/").json()
        if found["status"] == "AVAILABLE" and found["task"]["status"] == "COMPLETED":
            return int(found["chunk_count"])
        if found["status"] == "FAILED":
            raise SystemExit(f"{found['name']}: {found['error_message']}")
        time.sleep(0.5)


def _gains(
    api: httpx2.Client, found: QuestionSet, names: dict[str, str], mode: str, question: Question
) -> list[int]:
    """The gain of each of the first TOP_K hits; an item counts once."""
    asked = {
        "query": question.text[:LONGEST_QUESTION], "mode": mode, "top_k": TOP_K,
        "name": f"{found.name} - ", "group": not found.paragraphs,
    }  # fmt: skip
    answer = api.post("/api/search/", json=asked)
    answer.raise_for_status()
    return list(_new(_items(found, answer.json()["results"], names), question))


def _items(
    found: QuestionSet, hits: list[dict[str, Any]], names: dict[str, str]
) -> Iterator[list[Item]]:
    for hit in hits:
        chunk = hit["chunk"]
        yield found.items(names.get(hit["document"]["id"], ""), chunk["start"], chunk["end"])


def _new(hits: Iterator[list[Item]], question: Question) -> Iterator[int]:
    seen: set[Item] = set()
    for items in hits:
        yield sum(question.gains.get(item, 0) for item in set(items) - seen)
        seen.update(items)


def _recall(k: int, gains: Sequence[int], wanted: Sequence[int]) -> float:
    return sum(gain > 0 for gain in gains[:k]) / min(k, len(wanted))


def _reciprocal_rank(gains: Sequence[int], _wanted: Sequence[int]) -> float:
    return next((1 / rank for rank, gain in enumerate(gains, 1) if gain), 0.0)


def _ndcg(gains: Sequence[int], wanted: Sequence[int]) -> float:
    """Järvelin and Kekäläinen, 2002, with linear gains like trec_eval's."""
    return _dcg(gains) / _dcg(sorted(wanted, reverse=True)[:TOP_K])


def _dcg(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))


METRICS = (
    lambda gains, wanted: _recall(1, gains, wanted),
    lambda gains, wanted: _recall(5, gains, wanted),
    lambda gains, wanted: _recall(10, gains, wanted),
    _reciprocal_rank,
    _ndcg,
)


def _mean(metric: Any, ranked: Sequence[Sequence[int]], questions: Sequence[Question]) -> float:
    wanted = (list(question.gains.values()) for question in questions)
    return float(sum(map(metric, ranked, wanted))) / len(questions)


if __name__ == "__main__":
    main()
