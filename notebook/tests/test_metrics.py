"""What `/metrics` tells Prometheus, and whom it answers."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families as families

from documents import usage
from notebook.version import VERSION
from tasks import services
from tasks.models import OutboxMessage, Status, Task, Worker
from tasks.tests.factories import make_document

TOKEN = "long-and-random"


@pytest.fixture
def scrape(settings, db):
    settings.METRICS_TOKEN = TOKEN

    def samples():
        answer = Client(headers={"authorization": f"Bearer {TOKEN}", "host": "web1:8000"}).get(
            "/metrics"
        )
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/plain")
        found = [each for family in families(answer.text) for each in family.samples]
        return {(each.name, *each.labels.values()): each.value for each in found}

    return samples


def test_nothing_is_told_without_a_token_or_to_others(settings, db):
    settings.METRICS_TOKEN = ""
    assert Client(headers={"authorization": "Bearer "}).get("/metrics").status_code == 404
    settings.METRICS_TOKEN = TOKEN
    for sent in ("", TOKEN, "Bearer ", "Bearer long-and-randon", f"Token {TOKEN}", "Bearer ä"):
        answer = Client(headers={"authorization": sent}).get("/metrics")
        assert (answer.status_code, answer.content) == (401, b""), sent
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_an_empty_installation_has_figures_too(scrape):
    found = scrape()
    assert found["notebook_info", VERSION] == 1
    assert found["notebook_tasks", "pending"] == found["notebook_oldest_pending_seconds",] == 0
    assert found["notebook_usage_tokens_total",] == found["notebook_workers",] == 0


def test_the_figures_are_those_of_the_tables(scrape, user, other_user):
    tasks = [
        services.start(
            pipeline="document", owner_id=user.pk, document_id=make_document(user).pk, options={}
        )
        for _ in range(3)
    ]
    waits, stuck = tasks[1:]
    ended = {"status": Status.FAILED, "completed_at": Now(), "error_code": "no_text"}
    Task.objects.filter(pk=stuck.pk).update(error_message="It holds no text.", **ended)
    OutboxMessage.objects.filter(task=stuck).delete()
    Task.objects.filter(pk=waits.pk).update(updated_at=Now() - timedelta(minutes=5))
    paused = services.dispatch(tasks[0].pk, 1, worker="w")
    services.postpone(paused, seconds=3600, reason="The service is away.")
    Worker.objects.create(name="one", slots=3)
    Worker.objects.create(name="gone", slots=4, seen_at=Now() - timedelta(hours=1))
    usage.add(user.pk, tokens=40, requests=2)
    usage.add(other_user.pk, tokens=2)
    found = scrape()
    assert (found["notebook_tasks", "pending"], found["notebook_tasks", "failed"]) == (1, 1)
    assert found["notebook_tasks_failed", "no_text"] == 1
    assert found["notebook_tasks_paused",] == 1
    assert 300 <= found["notebook_oldest_pending_seconds",] < 400
    assert (found["notebook_workers",], found["notebook_worker_slots",]) == (1, 3)
    assert found["notebook_usage_tokens_total",] == 42
    assert found["notebook_usage_requests_total",] == 2
