"""`/api/tasks/`: list, cancel, retry and watch tasks."""

from typing import Any

from django.db import close_old_connections
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils.translation import get_language, gettext_lazy
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import Throttled
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from tasks import event_stream, events, services, watching
from tasks.authentication import credentials_of
from tasks.event_stream import EventStreamRenderer
from tasks.models import TERMINAL, Task, TaskEvent
from tasks.pagination import CursorPagination
from tasks.serializers import TaskEventSerializer, TaskSerializer
from tasks.strict import StrictView
from tasks.watching import Watcher

MOST_DIGITS = 19  # of a 64-bit `seq`
LAST_EVENT_ID = "lastEventId"  # how polyfills of EventSource send `Last-Event-ID`


class HistoryPagination(CursorPagination):
    """The first event first."""

    ordering = ("pk",)


class TooManyWatchers(Throttled):
    default_code = "too_many_watchers"
    default_detail = gettext_lazy("You follow too many tasks at once. Close some of them.")


class TaskFilter(filters.FilterSet):
    # By the id alone: somebody else's must look the same as one that does not exist.
    document = filters.UUIDFilter(field_name="document_id")

    class Meta:
        model = Task
        fields = ("status", "document")


class TaskViewSet(
    StrictView, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Task]
):
    """Runs of the pipeline over the caller's documents."""

    parameters = {
        "list": (*TaskFilter.base_filters, *CursorPagination.parameters),
        "history": CursorPagination.parameters,
        "stream": (LAST_EVENT_ID,),
    }
    serializer_class = TaskSerializer
    filterset_class = TaskFilter
    queryset = Task.objects.none()

    def get_queryset(self) -> "QuerySet[Task]":
        mine = Task.objects.filter(owner_id=self.request.user.pk)
        return events.with_details(Task.objects.all() if self._may_see_all() else mine)

    def _may_see_all(self) -> bool:
        """Staff watch any task, as on the socket, and act in the admin."""
        return self.action == "stream" and bool(getattr(self.request.user, "is_staff", False))

    @extend_schema(request=None, responses={202: TaskSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, **_: Any) -> Response:
        """Cancel a task that waits or runs. 409 if it has ended already."""
        return self._accepted(services.cancel(self.get_object().pk, by_id=request.user.pk))

    @extend_schema(request=None, responses={202: TaskSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, **_: Any) -> Response:
        """Continue from the step that failed. 409 unless the task is FAILED or CANCELLED."""
        return self._accepted(services.retry(self.get_object().pk, by_id=request.user.pk))

    @extend_schema(
        parameters=[
            event_stream.NO_CHOICE,
            OpenApiParameter("Last-Event-ID", int, OpenApiParameter.HEADER),
            OpenApiParameter(LAST_EVENT_ID, int, description="Instead of the header."),
        ],
        responses={(200, "text/event-stream"): OpenApiTypes.STR, 204: None},
    )
    @action(detail=True, url_path="events", renderer_classes=(JSONRenderer, EventStreamRenderer))
    def stream(self, request: Request, **_: Any) -> Response | StreamingHttpResponse:
        """The socket's snapshots as server-sent events, for clients that can't use WebSockets.

        204 if the task has ended and `Last-Event-ID` is its last `seq`: nothing more will come.
        """
        task = self.get_object()
        last_seq = _last_seq(request, task)
        if task.status in TERMINAL and last_seq == task.seq:
            return Response(status=status.HTTP_204_NO_CONTENT)
        if watching.is_full(request.user.pk):  # type: ignore[arg-type] # nobody unknown gets here
            raise TooManyWatchers
        watcher = Watcher(request.user, credentials_of(request), get_language() or "")
        close_old_connections()  # hold none while somebody watches
        return event_stream.response(event_stream.follow(task.pk, watcher, last_seq))

    @extend_schema(responses=TaskEventSerializer(many=True))
    @action(
        detail=True,
        serializer_class=TaskEventSerializer,
        pagination_class=HistoryPagination,
        filterset_class=None,
    )
    def history(self, request: Request, **_: Any) -> Response:
        """What happened to the task, when, why and at whose request, oldest first."""
        found = TaskEvent.objects.filter(task=self.get_object()).select_related("task")
        page = self.paginate_queryset(found)  # type: ignore[arg-type] # not the view's own rows
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def _accepted(self, task: Task) -> Response:
        fresh = self.get_queryset().get(pk=task.pk)
        return Response(TaskSerializer(fresh).data, status.HTTP_202_ACCEPTED)


def _last_seq(request: Request, task: Task) -> int:
    """The `seq` the client has; 0 if it is impossible, as after Postgres was restored."""
    told = request.headers.get("Last-Event-ID") or request.query_params.get(LAST_EVENT_ID, "")
    seq = int(told) if told.isascii() and told.isdigit() and len(told) <= MOST_DIGITS else 0
    return seq if seq <= task.seq else 0
