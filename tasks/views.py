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
from tasks.models import Task, TaskEvent
from tasks.pagination import CursorPagination
from tasks.serializers import TaskEventSerializer, TaskSerializer


class HistoryPagination(CursorPagination):
    """The first event first."""

    ordering = ("pk",)


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
        return self._accepted(services.cancel(self.get_object().pk, by_id=request.user.pk))

    @extend_schema(request=None, responses={202: TaskSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, **_: Any) -> Response:
        """Go on from the step that failed. 409 unless the task is FAILED or CANCELLED."""
        return self._accepted(services.retry(self.get_object().pk, by_id=request.user.pk))

    @extend_schema(responses=TaskEventSerializer(many=True))
    @action(
        detail=True,
        serializer_class=TaskEventSerializer,
        pagination_class=HistoryPagination,
        filterset_class=None,
    )
    def history(self, request: Request, **_: Any) -> Response:
        """What happened to the task, when, why and by whose wish, from its beginning."""
        found = TaskEvent.objects.filter(task=self.get_object()).select_related("task")
        page = self.paginate_queryset(found)  # type: ignore[arg-type] # not the view's own rows
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def _accepted(self, task: Task) -> Response:
        fresh = self.get_queryset().get(pk=task.pk)
        return Response(TaskSerializer(fresh).data, status.HTTP_202_ACCEPTED)
