"""A switch of model while people search: real workers, no failed and no wrong search."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from documents.tests.embedding_server import vector
from notebook.tests.live import until

pytestmark = pytest.mark.live
DOCUMENTS, SEARCHERS = 12, 3


@pytest.fixture
def client(live_stack, embedder):
    with live_stack.client() as client:
        yield client


class Searching:
    """Asks for each document in turn until it is told to stop; `wrong` are the answers amiss."""

    def __init__(self, stack, names, documents):
        self.asked, self.wrong = 0, []
        self._stack, self._names, self._documents = stack, names, documents
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(SEARCHERS)

    def __enter__(self):
        self._all = [self._pool.submit(self._search, at) for at in range(SEARCHERS)]
        return self

    def __exit__(self, *_):
        self._over.set()
        for each in self._all:
            each.result(60)
        self._pool.shutdown()

    def _search(self, at):
        with self._stack.client() as client:
            while not self._over.is_set():
                at = (at + 1) % len(self._names)
                question = self._names[at] + "!" * (
                    self.asked % 900
                )  # its vector isn't known already
                body = {"query": question, "mode": "vector", "documents": self._documents}
                answer = client.post("/api/search/", json=body | {"top_k": 1})
                found = [hit["document"]["name"] for hit in answer.json().get("results", [])]
                self.asked += 1
                if found != [f"{self._names[at]}.txt"]:
                    self.wrong.append((answer.status_code, answer.text[:300]))


def different_words():
    """One more than DOCUMENTS, each in a dimension of its own."""
    found = {}
    while len(found) <= DOCUMENTS:
        word = uuid.uuid4().hex
        found[vector(word).index(max(vector(word)))] = word
    return found.values()


def states(stack):
    """The spaces as `manage.py embeddings show` tells them."""
    return stack.manage("embeddings", "show")


def test_search_goes_on_through_a_switch_of_model(live_stack, client, embedder):
    *names, late = different_words()
    uploaded = [
        live_stack.upload(client, f"{name}.txt", f"{name} is a word of its own.".encode())
        for name in names
    ]
    for document in uploaded:
        assert live_stack.until_done(client, document["id"])["status"] == "AVAILABLE"
    embedder.seconds_per_request = 0.05
    ids = [document["id"] for document in uploaded]
    with Searching(live_stack, names, ids) as searching:
        told = live_stack.manage(
            "embeddings", "switch", "reversed-passage", "--query-model", "reversed-query"
        )
        task_id = told.split("task ")[1].split(".")[0]
        until(
            lambda: states(live_stack),
            lambda said: "reversed-passage, 384 dimensions: Searched" in said,
            seconds=90,
        )
        enough = searching.asked + 10 * SEARCHERS
        until(lambda: searching.asked, lambda asked: asked > enough, seconds=60)
    assert searching.wrong == []
    document = live_stack.upload(client, f"{late}.txt", f"{late} came after it.".encode())
    assert live_stack.until_done(client, document["id"])["status"] == "AVAILABLE"
    body = {"query": late, "mode": "vector", "top_k": 1, "documents": [*ids, document["id"]]}
    hits = client.post("/api/search/", json=body).json()["results"]
    assert hits[0]["document"]["name"] == f"{late}.txt"
    task = client.get(f"/api/tasks/{task_id}/").json()
    assert [step["status"] for step in task["task_details"]][:2] == ["COMPLETED", "COMPLETED"]
    assert task["document_id"] is None
    client.post(f"/api/tasks/{task_id}/cancel/")  # nobody need wait for the old vectors' removal
