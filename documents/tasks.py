"""Celery tasks that are not steps: what beat runs now and then."""

from celery import shared_task

from documents import services


@shared_task(name="housekeeping")
def housekeeping() -> int:
    """Files that nobody knows any more; Celery's own beat entry removes old results."""
    return services.remove_orphaned_files()
