"""How often numbers and identifiers are found, alone or with the word before them.

    python -m bench.identifiers --url http://127.0.0.1:8000 --user admin --password …

Asks for tokens with digits that occur in exactly one chunk of the user's documents; that chunk is
the right hit.
"""

import argparse
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import httpx2

from bench.retrieval import MODES, TOP_K, client

MOST, LONGEST = 250, 40  # questions of each kind; characters of an identifier
TOKEN = re.compile(r"\w(?:[\w.\-/:,]*\w)?")


class Place(NamedTuple):
    chunk: str
    before: str  # the word before it, if any


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.identifiers", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--password", required=True)
    options = parser.parse_args()
    print("| questions | mode | R@1 | MRR@10 |\n|---|---|---|---|")
    with client(options.url, options.user, options.password) as api:
        found = sorted(_identifiers(api).items())
        alone = [(token, place.chunk) for token, place in found]
        worded = [(f"{at.before} {token}", at.chunk) for token, at in found if at.before]
        for kind, questions in (("alone", alone), ("with a word", worded)):
            chosen = random.Random(1).sample(questions, min(MOST, len(questions)))
            for mode in MODES:
                print(_row(api, kind, mode, chosen), flush=True)


def _identifiers(api: httpx2.Client) -> dict[str, Place]:
    """Those that occur in exactly one chunk, with their place."""
    places: dict[str, dict[str, Place]] = defaultdict(dict)
    for chunk, text in _chunks(api):
        before = ""
        for token in TOKEN.findall(text):
            if any(map(str.isdigit, token)) and len(token) < LONGEST:
                places[token].setdefault(chunk, Place(chunk, before))
            before = token if token.isalpha() else ""
    return {token: next(iter(at.values())) for token, at in places.items() if len(at) == 1}


def _chunks(api: httpx2.Client) -> Iterator[tuple[str, str]]:
    """Ids and texts."""
    for document in _all(api, "/api/documents/?status=AVAILABLE&page_size=200"):
        for chunk in _all(api, f"/api/documents/{document['id']}/chunks/?page_size=200"):
            yield chunk["id"], chunk["text"]


def _all(api: httpx2.Client, url: str | None) -> Iterator[dict[str, str]]:
    while url:
        page = api.get(url).json()
        yield from page["results"]
        url = page["next"]


def _row(api: httpx2.Client, kind: str, mode: str, questions: list[tuple[str, str]]) -> str:
    ranks = [_rank(api, query, mode, wanted) for query, wanted in questions]
    reciprocal = sum(1 / rank for rank in ranks if rank)
    figures = f"{ranks.count(1) / len(ranks):.3f} | {reciprocal / len(ranks):.3f}"
    return f"| {len(ranks)} {kind} | {mode} | {figures} |"


def _rank(api: httpx2.Client, query: str, mode: str, wanted: str) -> int:
    """The chunk's rank among the hits, from 1; 0 if it is not among them."""
    answer = api.post("/api/search/", json={"query": query, "mode": mode, "top_k": TOP_K})
    answer.raise_for_status()
    found = [hit["chunk"]["id"] for hit in answer.json()["results"]]
    return found.index(wanted) + 1 if wanted in found else 0


if __name__ == "__main__":
    main()
