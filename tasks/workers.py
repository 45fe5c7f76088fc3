"""Which workers consume the queue. The sweeper asks them; everybody else reads the rows."""

from datetime import timedelta

from celery import current_app
from django.db.models.functions import Now

from tasks.models import Worker

ANSWER_SECONDS = 1
FORGET_AFTER = timedelta(hours=1)


def look() -> int:
    """Ask all workers, and keep what they say; how many consume our queue.

    Takes ANSWER_SECONDS twice. Raises one of `outbox.BROKER_AWAY`.
    """
    found = _asked()
    for name, slots in found.items():
        Worker.objects.update_or_create(name=name, defaults={"slots": slots, "seen_at": Now()})
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
