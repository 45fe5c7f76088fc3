"""F52, F53: concurrent retries, and retries after every end."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx2
import pytest

from chaos.orders import held, unanswered
from chaos.stack import text
from chaos.test_kill_points import STEPS
from documents.tests.embedding_server import error

EMBEDDING = "EMBEDDING_GENERATION"
CLICKS = 50


@contextmanager
def staff(stack):
    """A browser signed in to the admin."""
    with httpx2.Client(base_url=stack.url, follow_redirects=True, timeout=30) as browser:
        given = {"username": stack.username, "password": stack.password, "next": "/admin/"}
        page = browser.get("/admin/login/").text
        browser.post("/admin/login/", data={**hidden(page), **given})
        yield browser


def hidden(page):
    """The hidden fields of a page's forms, as a browser would send them."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))


def click_in_the_admin(stack, signed_in, address, form):
    """Press "Retry" in a separate window; returns the page's message."""
    given = {"base_url": stack.url, "cookies": dict(signed_in.cookies), "follow_redirects": True}
    with httpx2.Client(timeout=30, headers={"Referer": stack.url}, **given) as window:
        answer = window.post(address, data={**form, "_retry": "1"})
    assert answer.status_code == 200
    (said,) = re.findall(r'<ul class="messagelist">(.*?)</ul>', answer.text, re.DOTALL)
    return 202 if "1 task is retried." in said else 409 if "be done now" in said else said


def click_over_rest(stack, task_id):
    with stack.client() as client:
        return client.post(f"/api/tasks/{task_id}/retry/", timeout=30).status_code


@pytest.mark.fault("F52", bound=30)
@pytest.mark.representative
def test_fifty_clicks_on_retry_start_one_attempt(stack, client, clock):
    """50 clicks on retry at once, half of them in the admin: one new attempt, 49 refusals."""
    document = fail(stack, client, error(404))
    task_id = document["task"]["id"]
    with staff(stack) as browser, unanswered(stack.embedder):
        address = f"/admin/tasks/task/{task_id}/change/"
        form = hidden(browser.get(address).text)
        with ThreadPoolExecutor(CLICKS) as hands, clock:
            clicks = [
                hands.submit(click_in_the_admin, stack, browser, address, form)
                if number % 2
                else hands.submit(click_over_rest, stack, task_id)
                for number in range(CLICKS)
            ]
            answers = Counter(each.result(30) for each in clicks)
        assert answers == {202: 1, 409: CLICKS - 1}
        assert stack.task(client, document)["attempt"] == 2
    done = stack.until_done(client, document["id"])
    assert (done["status"], stack.task(client, document)["attempt"]) == ("AVAILABLE", 2)
    assert len(stack.embedder.texts) == len(set(stack.embedder.texts)) == done["chunk_count"]


def fail(stack, client, reply, *, after=0):
    """A document whose embedding failed after some good batches."""
    stack.embedder.misbehave = lambda request: reply if stack.embedder.requests > after else None
    document = stack.upload(client, "failing.txt", text(40))
    failed = stack.until_done(client, document["id"])
    assert failed["status"] == "FAILED"
    stack.embedder.misbehave = lambda request: None
    return failed


@pytest.mark.fault("F53", bound=5)
def test_a_success_is_not_retried(stack, client, clock):
    """Retry after success: 409, and nothing changes."""
    document = stack.upload(client, "done.txt", text())
    stack.until_done(client, document["id"])
    before = stack.task(client, document)
    with clock:
        answer = client.post(f"/api/tasks/{before['id']}/retry/")
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
        assert stack.task(client, document) == before


@pytest.mark.fault("F53", bound=30)
def test_a_retry_after_a_failure_pays_for_nothing_twice(stack, client, clock):
    """Retry after failure: the next attempt starts at the failed step, and keeps its vectors."""
    document = fail(stack, client, error(404), after=2)
    with clock:
        retry_from(stack, client, document, EMBEDDING)
    assert len(stack.embedder.texts) == len(set(stack.embedder.texts))


@pytest.mark.fault("F53", bound=30)
@pytest.mark.parametrize("step", STEPS)
def test_a_retry_after_a_cancel_starts_at_the_cancelled_step(stack, client, clock, step):
    """Retry after cancel: the next attempt starts at the step that was cancelled."""
    with held(stack, step, "before_work") as here:
        document = stack.upload(client, f"again-{step}.txt", text(20))
        here.until_there()
        client.post(f"/api/tasks/{document['task']['id']}/cancel/").raise_for_status()
    with clock:
        retry_from(stack, client, document, step)
    assert len(stack.embedder.texts) == len(set(stack.embedder.texts))


def retry_from(stack, client, document, step):
    """Retry until it is AVAILABLE; only this step and later ones have run again."""
    task_id = document["task"]["id"]
    done_before = STEPS[: STEPS.index(step)]
    before = [stack.detail(task_id, each) for each in done_before]
    answer = client.post(f"/api/tasks/{task_id}/retry/")
    assert (answer.status_code, answer.json()["attempt"]) == (202, 2)
    assert stack.until_done(client, document["id"])["status"] == "AVAILABLE"
    assert [stack.detail(task_id, each) for each in done_before] == before
