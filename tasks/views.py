"""`/api/tasks/`: what runs and ran, cancel and retry."""

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tasks import events, services
from tasks.models import Task
from tasks.serializers import TaskSerializer


class TaskFilter(filters.FilterSet):
    class Meta:
        model = Task
        fields = ("status", "document")


class TaskViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Task]):
    """Runs of the pipeline over the caller's documents."""

    serializer_class = TaskSerializer
    filterset_class = TaskFilter
    queryset = Task.objects.none()

    def get_queryset(self) -> "QuerySet[Task]":
        return events.with_details(Task.objects.filter(owner_id=self.request.user.pk))

    @extend_schema(request=None, responses={202: TaskSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, **_: Any) -> Response:
        """End a task that waits or runs. 409 when it already ended."""
        return self._accepted(services.cancel(self.get_object().pk))

    @extend_schema(request=None, responses={202: TaskSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, **_: Any) -> Response:
        """Go on from the step that failed. 409 unless the task is FAILED or CANCELLED."""
        return self._accepted(services.retry(self.get_object().pk))

    def _accepted(self, task: Task) -> Response:
        fresh = self.get_queryset().get(pk=task.pk)
        return Response(TaskSerializer(fresh).data, status.HTTP_202_ACCEPTED)
