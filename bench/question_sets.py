"""Question sets: documents to upload, and which search hits answer a question."""

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

JOINT = "\n\n"
Item = tuple[str, int]  # a document's name, and the number of a paragraph (0 if it has just one)


@dataclass(frozen=True)
class Question:
    text: str
    gains: Mapping[Item, int]  # what answers it, and how well


@dataclass
class QuestionSet:
    name: str
    documents: dict[str, str] = field(default_factory=dict)  # name -> text
    questions: list[Question] = field(default_factory=list)
    paragraphs: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # characters

    def items(self, document: str, start: int, end: int) -> list[Item]:
        """The items that a hit matches: paragraphs that make up most of it, or that it mostly
        contains."""
        spans = self.paragraphs.get(document, [(start, end)])
        return [
            (document, at)
            for at, (first, last) in enumerate(spans)
            if 2 * (min(end, last) - max(start, first)) > min(end - start, last - first)
        ]


def load(folder: Path) -> Iterator[QuestionSet]:
    """Every set in a folder: files in the SQuAD layout, folders in BEIR's."""
    for path in sorted(folder.iterdir()):
        if path.suffix == ".json":
            yield _squad(path)
        elif (path / "corpus.jsonl").exists():
            yield _beir(path)


def _squad(path: Path) -> QuestionSet:
    """An article is a document, its paragraphs separated by blank lines."""
    found = QuestionSet(path.stem)
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        name, texts = article["title"], [each["context"] for each in article["paragraphs"]]
        found.documents[name] = JOINT.join(texts)
        found.paragraphs[name] = list(_spans(texts))
        found.questions += [
            Question(asked["question"], {(name, at): 1})
            for at, paragraph in enumerate(article["paragraphs"])
            for asked in paragraph["qas"]
        ]
    return found


def _spans(texts: list[str]) -> Iterator[tuple[int, int]]:
    start = 0
    for text in texts:
        yield start, start + len(text)
        start += len(text) + len(JOINT)


def _beir(folder: Path) -> QuestionSet:
    found = QuestionSet(folder.name)
    for row in _rows(folder / "corpus.jsonl"):
        found.documents[row["_id"]] = f"{row.get('title') or ''}{JOINT}{row['text']}".strip()
    gains: dict[str, dict[Item, int]] = defaultdict(dict)
    with (folder / "qrels" / "test.tsv").open(encoding="utf-8") as file:
        for judged in csv.DictReader(file, delimiter="\t"):
            if int(judged["score"]) > 0:
                gains[judged["query-id"]][judged["corpus-id"], 0] = int(judged["score"])
    texts = {row["_id"]: row["text"] for row in _rows(folder / "queries.jsonl")}
    found.questions = [Question(texts[key], judged) for key, judged in gains.items()]
    found.documents = {key: text for key, text in found.documents.items() if text}
    return found


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)
