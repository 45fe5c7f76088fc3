"""The admin of tasks. Django finds it by this name."""

from tasks.admin.tasks import TaskAdmin, WorkerAdmin

__all__ = ["TaskAdmin", "WorkerAdmin"]
