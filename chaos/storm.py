"""`python -m chaos.storm TASK_ID COUNT`: makes COUNT changes of one task, each sent to watchers."""

import sys

import django

django.setup()

from django.db.models import F  # noqa: E402

from tasks import events  # noqa: E402
from tasks.models import Task  # noqa: E402

if __name__ == "__main__":
    task_id, count = sys.argv[1], int(sys.argv[2])
    task = Task.objects.get(pk=task_id)
    for _ in range(count):
        Task.objects.filter(pk=task_id).update(seq=F("seq") + 1)
        events.push_task(task.pk, task.owner_id)
