"""How often search brings back the right passage, through the real API.

    python bench/retrieval.py FOLDER --url http://127.0.0.1:8000 --user admin --password …

FOLDER holds question sets in the SQuAD layout (`*.json`). Each article becomes one document, its
paragraphs apart by blank lines; each question is asked of that set's documents. A hit is right when
it lies in the question's paragraph; `answer` counts the stricter hits that hold the answer itself.
"""

import argparse
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

TOP_K = 10
COLUMNS = [
    "set", "questions", "documents", "chunks", "R@1", "R@5", "MRR@10", "answer R@1", "answer R@5",
]  # fmt: skip
JOINT = "\n\n"


@dataclass(frozen=True)
class Question:
    text: str
    document: str
    paragraph: tuple[int, int]  # characters of the article
    answer: tuple[int, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--password", required=True)
    options = parser.parse_args()
    with _client(options.url, options.user, options.password) as api:
        print("| " + " | ".join(COLUMNS) + " |")
        print("|" + "---|" * len(COLUMNS))
        for path in sorted(options.folder.glob("*.json")):
            print(_measure(api, path), flush=True)


def _client(url: str, user: str, password: str) -> httpx2.Client:
    given = {"username": user, "password": password}
    token = httpx2.post(f"{url}/api/auth/token/", json=given, timeout=30).json()["token"]
    return httpx2.Client(base_url=url, timeout=60, headers={"Authorization": f"Token {token}"})


def _measure(api: httpx2.Client, path: Path) -> str:
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    with ThreadPoolExecutor(2) as pool:
        documents = list(pool.map(lambda article: _upload(api, path.stem, article), articles))
    chunks = sum(_until_available(api, document) for document in documents)
    questions = [
        question
        for article, document in zip(articles, documents, strict=True)
        for question in _questions(article, document)
    ]
    with ThreadPoolExecutor(2) as pool:
        ranks = list(pool.map(lambda question: _ranks(api, question, documents), questions))
    return _row(path.stem, len(documents), chunks, ranks)


def _upload(api: httpx2.Client, name: str, article: dict[str, Any]) -> str:
    text = JOINT.join(paragraph["context"] for paragraph in article["paragraphs"])
    title = f"{name} {article['title']}.txt"
    answer = api.post("/api/documents/", files={"file": (title, text.encode())})
    answer.raise_for_status()
    document: str = answer.json()["id"]
    return document


def _until_available(api: httpx2.Client, document: str) -> int:
    while True:
        found = api.get(f"/api/documents/{document}/").json()
        if found["status"] == "AVAILABLE" and found["task"]["status"] == "COMPLETED":
            return int(found["chunk_count"])
        if found["status"] == "FAILED":
            raise SystemExit(f"{found['name']}: {found['error_message']}")
        time.sleep(0.5)


def _questions(article: dict[str, Any], document: str) -> Iterator[Question]:
    start = 0
    for paragraph in article["paragraphs"]:
        end = start + len(paragraph["context"])
        for asked in paragraph["qas"]:
            first = asked["answers"][0]
            answer = start + first["answer_start"]
            span = (answer, answer + len(first["text"]))
            yield Question(asked["question"], document, (start, end), span)
        start = end + len(JOINT)


def _ranks(api: httpx2.Client, question: Question, among: list[str]) -> tuple[int, int]:
    """The first place of a right hit and of one with the answer; TOP_K + 1 if there is none."""
    asked = {"query": question.text, "top_k": TOP_K, "documents": among}
    hits = api.post("/api/search/", json=asked).json()["results"]
    same = [hit["document"]["id"] == question.document for hit in hits]
    spans = [(hit["chunk"]["start"], hit["chunk"]["end"]) for hit in hits]
    right = [
        mine and _lies_in(span, question.paragraph) for mine, span in zip(same, spans, strict=True)
    ]
    holds = [
        mine and span[0] <= question.answer[0] and question.answer[1] <= span[1]
        for mine, span in zip(same, spans, strict=True)
    ]
    return _first(right), _first(holds)


def _lies_in(span: tuple[int, int], paragraph: tuple[int, int]) -> bool:
    """Most of the hit is of the paragraph, or the hit holds most of the paragraph."""
    shared = min(span[1], paragraph[1]) - max(span[0], paragraph[0])
    return 2 * shared > min(span[1] - span[0], paragraph[1] - paragraph[0])


def _first(found: list[bool]) -> int:
    return found.index(True) + 1 if True in found else TOP_K + 1


def _row(name: str, documents: int, chunks: int, ranks: list[tuple[int, int]]) -> str:
    def recall(which: int, k: int) -> str:
        return f"{sum(rank[which] <= k for rank in ranks) / len(ranks):.3f}"

    mrr = sum(1 / rank[0] for rank in ranks if rank[0] <= TOP_K) / len(ranks)
    figures = [recall(0, 1), recall(0, 5), f"{mrr:.3f}", recall(1, 1), recall(1, 5)]
    return f"| {name} | {len(ranks)} | {documents} | {chunks} | " + " | ".join(figures) + " |"


if __name__ == "__main__":
    main()
