"""`/metrics` for Prometheus: what the tables say, the same from every web process."""

from collections.abc import Iterator

from django.conf import settings
from django.db.models import Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from documents.models import Usage
from documents.usage import COUNTS
from notebook.version import VERSION
from tasks import overview

PATH = "/metrics"


def metrics(request: HttpRequest) -> HttpResponse:
    """404 without METRICS_TOKEN, 401 to whoever does not send it as `Authorization: Bearer …`."""
    if not settings.METRICS_TOKEN:
        raise Http404
    given = request.headers.get("Authorization", "")
    if not constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}"):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    registry = CollectorRegistry()
    registry.register(_Tables())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Tables(Collector):
    def describe(self) -> list[Metric]:
        """Nothing: registering must not read the tables."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield _labelled("notebook_info", "The version that answers.", "version", {VERSION: 1})
        yield from _of_tasks(overview.look())
        used = Usage.objects.aggregate(**{name: Sum(name, default=0) for name in COUNTS})
        for name, total in used.items():
            says = f"{name.capitalize()} of all owners, as counted for their usage."
            yield CounterMetricFamily(f"notebook_usage_{name}", says, value=total)


def _of_tasks(seen: overview.Overview) -> Iterator[Metric]:
    counts = {status.lower(): count for status, count in seen.counts.items()}
    yield _labelled("notebook_tasks", "Tasks by status.", "status", counts)
    causes = {cause.error_code: cause.count for cause in seen.causes}
    says = "Failed tasks whose document has no newer one, by error code."
    yield _labelled("notebook_tasks_failed", says, "code", causes)
    paused = sum(pause.count for pause in seen.pauses)
    yield _gauge("notebook_tasks_paused", "Tasks that wait for a time.", paused)
    oldest = seen.oldest_waiting
    age = (timezone.now() - oldest.updated_at).total_seconds() if oldest else 0
    yield _gauge("notebook_oldest_pending_seconds", "Age of the longest pending task.", age)
    yield _gauge("notebook_workers", "Workers that answer.", len(seen.workers))
    slots = sum(worker.slots for worker in seen.workers)
    yield _gauge("notebook_worker_slots", "Steps that they run at the same time.", slots)


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(name, says, value=value)


def _labelled(name: str, says: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, says, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family
