"""Which workers consume the queue. The sweeper asks them; everybody else reads the rows."""

from datetime import timedelta

from celery import current_app
from django.db.models.functions import Now

from tasks.models import Worker

ANSWER_SECONDS = 1
FORGET_AFTER = timedelta(hours=1)


def look() -> int:
    """Ask all workers and store their answers; how many consume our queue.

    All that answer get the same `seen_at`, so that those that stopped no longer count.
    Takes twice ANSWER_SECONDS. Raises one of `outbox.BROKER_AWAY`.
    """
    found = _asked()
    Worker.objects.bulk_create(
        [Worker(name=name, slots=slots, seen_at=Now()) for name, slots in found.items()],
        update_conflicts=True, unique_fields=["name"], update_fields=["slots", "seen_at"],
    )  # fmt: skip
    Worker.objects.filter(seen_at__lt=Now() - FORGET_AFTER).delete()
    return len(found)


def _asked() -> dict[str, int]:
    ours = current_app.conf.task_default_queue
    inspect = current_app.control.inspect(timeout=ANSWER_SECONDS)
    queues = inspect.active_queues() or {}
    consuming = [name for name, each in queues.items() if ours in {queue["name"] for queue in each}]
    if not consuming:
        return {}
    stats = inspect.stats() or {}
    return {name: stats[name]["pool"]["max-concurrency"] for name in consuming if name in stats}
